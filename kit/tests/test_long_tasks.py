"""One export or bulk change per user at a time, over all processes, and never on the last free thread."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import pytest
from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from kit.errors import Refused
from kit.long_tasks import leases
from kit.long_tasks.leases import AllBusy, ExportRunning, Lease, long_task, slot
from kit.long_tasks.models import LongTask
from kit.tests.browser import Browser
from kit.tests.races import at_once
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


@pytest.mark.django_db(transaction=True)
def test_only_one_of_many_starts() -> None:
    def start() -> str:
        try:
            Lease(1)
        except ExportRunning:
            return "refused"
        return "started"

    assert Counter(at_once(*[start] * 8)) == {"started": 1, "refused": 7}


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

    def test_that_are_refused_for_their_filters_hold_nothing(self, owner: User, signed_in: SignedIn) -> None:
        assert signed_in(owner).get("/tickets/export?status=odd").status_code == 400

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
