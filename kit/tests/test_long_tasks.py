"""One export or bulk change per user at a time, over all processes, and never on the last free thread."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from threading import BoundedSemaphore
from typing import Any, cast

import pytest
from axes.models import AccessAttempt
from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from events.models import Event, EventStatus
from events.tests.factories import make_event
from kit.errors import Refused
from kit.long_tasks import leases
from kit.long_tasks.leases import AllBusy, ExportRunning, Lease, long_task, slot
from kit.long_tasks.models import LongTask
from kit.tests.browser import Browser
from kit.tests.races import at_once, during
from kit.web import csv_export
from notifications.models import Delivery, State
from notifications.tests.factories import make_delivery
from projects.tests.psql import psql
from tickets.tests.factories import make_ticket

SignedIn = Callable[[User], APIClient]


def unread(answer: Any) -> StreamingHttpResponse:
    assert answer.status_code == 200
    return cast(StreamingHttpResponse, answer)


@pytest.mark.django_db
class TestLeases:
    def test_one_per_user(self) -> None:
        lease = Lease(1)

        with pytest.raises(ExportRunning) as refused:
            Lease(1)
        Lease(2)
        lease.release()
        Lease(1)

        assert refused.value.code == "export_running"
        assert refused.value.retry_after > 0

    def test_expire_when_their_process_has_died(self) -> None:
        first = Lease(1)
        LongTask.objects.update(expires_at=timezone.now())
        second = Lease(1)

        first.release()

        assert second.rows.exists()

    def test_are_renewed_while_there_is_progress(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(leases, "RENEW_SECONDS", 0)
        lease = Lease(1)
        LongTask.objects.update(expires_at=timezone.now() + timedelta(seconds=1))

        assert list(lease.kept(iter([b"a", b"b"]))) == [b"a", b"b"]

        assert lease.rows.get().expires_at > timezone.now() + timedelta(minutes=1)

    def test_end_with_a_failure(self) -> None:
        with pytest.raises(Refused), long_task(1):
            raise Refused

        assert not LongTask.objects.exists()
        with long_task(1):
            pass

    def test_leave_a_thread_to_others(self) -> None:
        with slot(), pytest.raises(AllBusy), long_task(1):
            pass

        with long_task(1):
            pass

    def test_of_one_user_do_not_compete_for_threads(self) -> None:
        Lease(1)

        with slot(), pytest.raises(ExportRunning), long_task(1):
            pass


@pytest.mark.database
@pytest.mark.django_db(transaction=True)
class TestRaceForALease:
    """Several requests of one user ask for a lease at once, each in a thread with its own connection."""

    def outcomes(self) -> Counter[str]:
        def start() -> str:
            try:
                Lease(1)
            except ExportRunning:
                return "refused"
            return "started"

        return Counter(at_once(*[start] * 8))

    @pytest.fixture
    def without_key(self) -> Iterator[None]:
        """Drop the primary key, which is what lets only one lease of a user exist, until the end of the test."""
        psql("ALTER TABLE long_tasks_longtask DROP CONSTRAINT long_tasks_longtask_pkey")
        yield
        LongTask.objects.all().delete()
        psql("ALTER TABLE long_tasks_longtask ADD CONSTRAINT long_tasks_longtask_pkey PRIMARY KEY (user_id)")

    def test_has_one_winner(self) -> None:
        assert self.outcomes() == {"started": 1, "refused": 7}

    def test_for_an_expired_one_has_one_winner(self) -> None:
        Lease(1).rows.update(expires_at=timezone.now())

        assert self.outcomes() == {"started": 1, "refused": 7}

    def test_has_several_winners_without_the_key(self, without_key: None) -> None:
        assert self.outcomes()["started"] > 1


@pytest.mark.django_db
class TestExports:
    @pytest.mark.parametrize("path", ["/tickets/export", "/bookings/export"])
    def test_run_one_per_user(self, owner: User, admin: User, signed_in: SignedIn, path: str) -> None:
        client = signed_in(owner)
        running = unread(client.get(path))

        refused = client.get(path)

        assert (refused.status_code, refused.json()["code"]) == (429, "export_running")
        assert int(refused["Retry-After"]) > 0
        assert b"".join(unread(signed_in(admin).get(path)))
        assert b"".join(running)
        assert b"".join(unread(client.get(path)))

    @pytest.mark.parametrize("path", ["/tickets/export", "/bookings/export"])
    def test_leave_a_thread_to_others(self, owner: User, signed_in: SignedIn, path: str) -> None:
        with slot():
            refused = signed_in(owner).get(path)

        assert (refused.status_code, refused.json()["message"]) == (503, AllBusy.message)
        assert int(refused["Retry-After"]) > 0
        assert not LongTask.objects.exists()

    def test_of_one_user_do_not_compete_for_threads(self, owner: User, signed_in: SignedIn) -> None:
        client = signed_in(owner)
        running = unread(client.get("/tickets/export"))

        with slot():
            refused = client.get("/tickets/export")
            busy = signed_in(make_user("Olga Other")).get("/tickets/export")

        assert (refused.status_code, busy.status_code) == (429, 503)
        assert b"".join(running)
        assert not LongTask.objects.exists()

    def test_that_are_refused_for_their_filters_hold_nothing(self, owner: User, signed_in: SignedIn) -> None:
        assert signed_in(owner).get("/tickets/export?status=odd").status_code == 400

        assert not LongTask.objects.exists()

    def test_that_fail_at_once_hold_nothing(self) -> None:
        def failing() -> Iterator[bytes]:
            yield from ()
            raise Refused

        with pytest.raises(Refused):
            csv_export.answer("tickets", failing(), user_id=1)

        assert not LongTask.objects.exists()

    def test_in_the_admin_count_too(self, admin: User, signed_in: SignedIn) -> None:
        ticket = make_ticket(admin)
        running = unread(signed_in(admin).get("/tickets/export"))
        body = {"action": "export", "_selected_action": [ticket.pk]}

        page = Browser(admin).post("/admin/tickets/ticket/", body, follow=True)

        assert f"{ExportRunning.message}." in page.content.decode()
        assert b"".join(running)

    def test_keep_bulk_changes_waiting(self, admin: User, signed_in: SignedIn) -> None:
        ticket = make_ticket(admin)
        running = unread(signed_in(admin).get("/tickets/export"))
        body = {"tickets": str(ticket.pk), "priority": "high"}

        page = Browser(admin).post("/admin/tickets/ticket/bulk/priority/", body, follow=True)

        assert f"{ExportRunning.message}." in page.content.decode()
        assert b"".join(running)


DELIVERIES, LOCKOUTS = "/admin/notifications/delivery/", "/admin/axes/accessattempt/"


@pytest.fixture
def failed(owner: User, admin: User) -> Delivery:
    return make_delivery(owner, ticket=make_ticket(admin), state=State.DEAD)


@pytest.fixture
def lockout(owner: User) -> AccessAttempt:
    return AccessAttempt.objects.create(username=owner.email, ip_address="192.0.2.1", failures_since_start=9)


@pytest.fixture
def event(admin: User) -> Event:
    return make_event(admin)


@pytest.fixture
def forms(failed: Delivery, lockout: AccessAttempt, event: Event) -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the address and fields of forms that may change many rows."""
    return {
        "resend": (DELIVERIES, {"action": "resend", "_selected_action": [failed.pk]}),
        "resend for a ticket": (f"{DELIVERIES}for-ticket/{failed.ticket_id}/resend/", {}),
        "lift lockouts": (LOCKOUTS, {"action": "lift_lockout", "_selected_action": [lockout.pk]}),
        "cancel event": (f"/admin/events/event/{event.pk}/cancel/", {}),
    }


def changed() -> list[bool]:
    """Return what the forms have done."""
    return [
        Delivery.objects.filter(state=State.PENDING).exists(),
        not AccessAttempt.objects.exists(),
        Event.objects.filter(status=EventStatus.CANCELLED).exists(),
    ]


FORMS = ["resend", "resend for a ticket", "lift lockouts", "cancel event"]
Forms = dict[str, tuple[str, dict[str, Any]]]


@pytest.mark.django_db
@pytest.mark.parametrize("name", FORMS)
class TestForms:
    def test_wait_for_the_end_of_an_export(self, admin: User, signed_in: SignedIn, forms: Forms, name: str) -> None:
        running = unread(signed_in(admin).get("/tickets/export"))

        page = Browser(admin).post(*forms[name], follow=True)

        assert f"{ExportRunning.message}." in page.content.decode()
        assert not any(changed())
        assert b"".join(running)

    def test_leave_a_thread_to_others(self, admin: User, forms: Forms, name: str) -> None:
        with slot():
            page = Browser(admin).post(*forms[name], follow=True)

        assert f"{AllBusy.message}." in page.content.decode()
        assert not any(changed())

    def test_can_be_sent_again_later(self, admin: User, forms: Forms, name: str) -> None:
        browser = Browser(admin)
        with slot():
            browser.post(*forms[name])

        page = browser.post(*forms[name], follow=True)

        assert page.status_code == 200
        assert sum(changed()) == 1
        assert not LongTask.objects.exists()


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
@pytest.mark.parametrize("name", ["resend", "resend for a ticket", "cancel event"])
def test_a_second_form_is_refused_while_the_first_is_at_work(
    admin: User, forms: Forms, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "slots", BoundedSemaphore(2))

    def lock_rows() -> None:
        list(Delivery.objects.select_for_update())
        list(Event.objects.select_for_update())

    browsers = [Browser(admin), Browser(admin)]

    def send(browser: Browser) -> str:
        return browser.post(*forms[name], follow=True).content.decode()

    pages = during(lock_rows, *(partial(send, browser) for browser in browsers))

    assert sum(f"{ExportRunning.message}." in page for page in pages) == 1
    assert sum(changed()) == 1
