"""Every form of the admin acts once, however often it is submitted."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.messages import get_messages
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import PASSWORD
from events import services as box_office
from events.models import Booking, Event, Inventory
from events.tests.factories import book, make_event
from kit.admin import once
from kit.admin.once import INTERRUPTED, STILL_RUNNING, TOKEN
from kit.admin.refusals import InUse
from kit.idempotency.keys import Key, StillRunning
from kit.idempotency.models import LIFETIME_OF_KEYS, MAX_BYTES, IdempotencyKey
from kit.tests.browser import Browser, fields
from kit.tests.contents import contents
from kit.tests.races import apart, at_once
from notifications.models import Delivery, State
from notifications.tests.factories import make_delivery
from projects import services as projects
from projects.models import Project
from sla.models import Calendar
from ticketing.tests.pages import Examples, Try, everything, make_examples
from ticketing.tests.test_roles import YES, table
from tickets import bulk, services
from tickets.models import Comment, Macro, SavedFilter, Status, Ticket, Undo
from tickets.tests.factories import assign, make_ticket
from webhooks import services as webhooks
from webhooks.models import Delivery as WebhookDelivery
from webhooks.models import Webhook
from webhooks.tests.factories import make_delivery as make_webhook_delivery

# These sign somebody in or out, or lead to another form.
SESSIONS = {"login", "logout", "second_factor", "send_again"}
# These lead to a page that asks for confirmation, or to a download; or an admin cannot be assigned.
CHANGING_NOTHING = {
    *(f"tickets_ticket_changelist {name}" for name in ("assign_user", "replace_assignees", "hand_over", "export")),
    *(
        f"tickets_ticket_changelist {name}"
        for name in ("set_status", "set_priority", "change_labels", "merge", "assign_to_me")
    ),
    *("tickets_ticket_assign_me", "accounts_user_deactivate", "accounts_user_hand_over_tickets"),
    "accounts_auditentry_changelist export",
}
# A script sends these. Saving a property twice is harmless, because the second time its version is outdated.
SENT_BY_SCRIPTS = {"tickets_ticket_save", "tickets_ticket_looking"}
NEW_PASSWORD = "another, better password"

# What is filled in, by the key of the page or action.
FORMS: dict[str, dict[str, Any]] = {
    "weekly_report": {},
    "password_change": {"old_password": PASSWORD, "new_password1": NEW_PASSWORD, "new_password2": NEW_PASSWORD},
    "axes_accessattempt_changelist lift_lockout": {},
    "accounts_user_reset_second_factor": {},
    "auth_user_password_change": {"password1": NEW_PASSWORD, "password2": NEW_PASSWORD},
    "accounts_user_add": {
        "name": "Nora New",
        "email": "nora@example.com",
        "type": "customer",
        "password1": NEW_PASSWORD,
        "password2": NEW_PASSWORD,
    },
    "accounts_user_delete": {"post": "yes"},
    "accounts_user_me": {"time_zone": "Europe/Berlin"},
    "accounts_user_own_email": {"email": "other@example.com", "current_password": PASSWORD},
    "accounts_user_own_keys": {"name": "Nightly import", "scope": "read"},
    "accounts_user_revoke_key": {},
    "accounts_apikey_changelist revoke_keys": {},
    "accounts_user_note": {"text": "Prefers the telephone."},
    "accounts_user_change": {"name": "Another Name"},
    "projects_project_add": {"name": "Another"},
    "projects_project_delete": {"post": "yes"},
    "projects_project_change": {"name": "Another"},
    "sla_slapolicy_change": {"hours": "5"},
    "sla_calendar_add": {"name": "Another"},
    "sla_calendar_delete": {"post": "yes"},
    "sla_calendar_change": {"name": "Another"},
    "tickets_macro_add": {"name": "Another", "text": "Hello"},
    "tickets_macro_delete": {"post": "yes"},
    "tickets_macro_change": {"name": "Another"},
    "tickets_ticket_macro": {},
    "tickets_ticket_merge": {},
    "tickets_ticket_watch": {},
    "tickets_ticket_unwatch": {},
    "tickets_ticket_bulk": {"status": "closed"},
    "tickets_ticket_comment": {"message": "We are working on it."},
    "tickets_ticket_hold": {"reason": "Parts"},
    "tickets_ticket_resume": {},
    "tickets_ticket_hand_over": {},
    "tickets_ticket_deactivate": {},
    "tickets_ticket_undo": {},
    "tickets_ticket_add": {"title": "Another"},
    "tickets_ticket_change": {"title": "Another"},
    "tickets_ticket_save_view": {"name": "Another", "query": "priority__exact=high"},
    "tickets_ticket_change_view": {"name": "Another"},
    "tickets_ticket_delete_view": {},
    "events_booking_promote": {},
    "events_booking_reissue_tickets": {},
    "events_event_check_in": {"seats": "1"},
    "events_booking_cancel_seats": {"seats": "1", "seen_refund": "25.00"},
    "events_event_new_booking": {"first_name": "Greta", "last_name": "Guest", "email": "greta@example.com"},
    "events_event_cancel_event": {},
    "events_event_add": {
        "name": "Another",
        "starts_at_0": "2099-08-01",
        "starts_at_1": "20:00",
        "capacity": "10",
        "price": "5",
    },
    "events_event_delete": {"post": "yes"},
    "events_event_change": {"name": "Another"},
    "notifications_delivery_resend": {},
    "notifications_delivery_changelist resend": {},
    "webhooks_webhook_add": {"url": "https://example.com/other", "events": "*"},
    "webhooks_webhook_change": {"description": "Another"},
    "webhooks_webhook_delete": {"post": "yes"},
    "webhooks_webhook_send_test": {},
    "webhooks_webhook_pause": {},
    "webhooks_webhook_resume": {},
    "webhooks_webhook_replace_secret": {},
    "webhooks_webhook_resend_failed": {},
    "webhooks_delivery_changelist resend": {},
}


def prepare(name: str, examples: Examples, superuser: User) -> dict[str, str]:
    """Make the page's object one that the form can change, and return what else is filled in."""
    ticket, at = Ticket.objects.get(pk=examples[Ticket].pk), timezone.now()
    if name == "tickets_ticket_resume":
        services.hold(ticket_id=ticket.pk, by=superuser, at=at)
    elif name == "tickets_ticket_macro":
        return {"macro": str(examples[Macro].pk)}
    elif name == "tickets_ticket_merge":
        return {"into": str(make_ticket(superuser).pk)}
    elif name == "tickets_ticket_unwatch":
        services.watch(ticket_id=ticket.pk, by=superuser)
    elif name == "tickets_ticket_bulk":
        return {"tickets": str(ticket.pk)}
    elif name == "tickets_ticket_hand_over":
        assign(ticket, examples[User])  # type: ignore[arg-type]
    elif name == "tickets_ticket_undo":
        choose = services.only(examples[User].pk)
        changed = services.reassign(ticket_id=ticket.pk, choose=choose, by=superuser, at=at)
        services.keep_for_undo([changed], by=superuser, at=at)
        Undo.objects.update(id=ticket.pk)
    elif name == "tickets_ticket_add":
        return {"project": str(ticket.project_id), "created_by": str(superuser.pk)}
    elif name in ("tickets_ticket_delete_view", "tickets_ticket_change_view"):
        # The page has the ticket's id.
        SavedFilter.objects.create(pk=ticket.pk, owner=superuser, name="Urgent", query="priority=high")
        return {"view": str(ticket.pk)}
    elif name == "events_booking_promote":
        event = make_event(superuser, capacity=3, withheld=2)
        examples[Booking] = book(event, quantity=2)
        box_office.update(event_id=event.pk, by=superuser, at=at, bookings_close_at=at)
        box_office.update(event_id=event.pk, by=superuser, at=at, withheld=0)
    elif name == "events_booking_cancel_seats":
        examples[Booking] = book(make_event(superuser), quantity=3)
    elif name == "events_event_check_in":
        return {"booking": str(book(examples[Event], quantity=3).pk)}  # type: ignore[arg-type]
    elif name == "events_event_cancel_event":
        book(examples[Event])  # type: ignore[arg-type]
    elif name == "notifications_delivery_resend":
        make_delivery(superuser, ticket=ticket, state=State.FAILED)
    elif name == "notifications_delivery_changelist resend":
        Delivery.objects.update(state=State.FAILED)
    elif name == "webhooks_webhook_resume":
        webhooks.update(webhook_id=examples[Webhook].pk, status="paused")
    elif name in ("webhooks_webhook_resend_failed", "webhooks_delivery_changelist resend"):
        WebhookDelivery.objects.update(status="failed")
        make_webhook_delivery(examples[Webhook], status="failed")  # type: ignore[arg-type]
    return {}


def submitted(browser: Browser, page: Try) -> dict[str, Any]:
    """Return what a browser sends for the form as it is shown. Buttons on other pages have only a token."""
    shown = browser.get(page.url, page.query)
    if shown.status_code != 200 or page.action or "html" not in shown["Content-Type"]:
        return {TOKEN: fields(browser.get(reverse("admin:index")))[TOKEN], **page.action}
    return {"_save": "Save", **fields(shown)}


def said(answer: Any) -> list[tuple[int, str]]:
    """Return the level and the text of the messages that the request added."""
    storage: Any = get_messages(answer.wsgi_request)
    return [(message.level, str(message)) for message in storage._queued_messages]


@pytest.mark.django_db
class TestEveryForm:
    def test_has_an_example(self) -> None:
        changing = {key for key, words in table().items() if words["superuser"] == YES}

        assert changing - SESSIONS - CHANGING_NOTHING - SENT_BY_SCRIPTS == FORMS.keys()

    @pytest.mark.parametrize("name", FORMS)
    def test_acts_once(self, superuser: User, name: str) -> None:
        examples, browser = make_examples(), Browser(superuser)
        more = prepare(name, examples, superuser)
        page = next(page for page in everything(examples) if page.key == name)
        values = {**submitted(browser, page), **FORMS[name], **more}
        before = contents()

        first = browser.post(page.url, values)
        between = contents()
        second = browser.post(page.url, values)

        assert first.status_code == second.status_code == 302, first.content
        assert before != between == contents()
        assert (second["Location"], said(second)) == (first["Location"], said(first))


# "Add another", "change" and "delete" next to a field open the form in a window of its own.
IN_POPUPS = [name for name in FORMS if name.endswith(("_add", "_change", "_delete")) and name.count("_") == 2]


@pytest.mark.django_db
class TestPopup:
    @pytest.mark.parametrize("name", IN_POPUPS)
    def test_acts_once(self, superuser: User, name: str) -> None:
        examples, browser = make_examples(), Browser(superuser)
        more = prepare(name, examples, superuser)
        page = next(page for page in everything(examples) if page.key == name)
        url = f"{page.url}?_popup=1"
        values = {"_save": "Save", **fields(browser.get(url)), **FORMS[name], **more}
        before = contents()

        first = browser.post(url, values)
        between = contents()
        second = browser.post(url, values)

        assert first.status_code == second.status_code == 200
        assert b"data-popup-response" in first.content
        assert before != between == contents()
        assert (second.content, second["Content-Type"]) == (first.content, first["Content-Type"])

    def test_with_errors_can_be_sent_again(self, superuser: User) -> None:
        browser, url = Browser(superuser), reverse("admin:projects_project_add") + "?_popup=1"
        values = {"_save": "Save", **fields(browser.get(url)), "name": ""}

        answers = [browser.post(url, values), browser.post(url, values)]

        assert [b"This field is required." in answer.content for answer in answers] == [True, True]
        assert not IdempotencyKey.objects.exists()


@pytest.fixture
def reply(browser: Browser, ticket: Ticket) -> Callable[..., Any]:
    """Return a function that submits the reply form of one page: `reply("Hello")`."""
    token = fields(browser.get(page_of(ticket)))[TOKEN]
    return lambda message, **more: browser.post(page_of(ticket, "comment"), {TOKEN: token, "message": message, **more})


@pytest.fixture
def ticket(superuser: User) -> Ticket:
    return make_ticket(superuser)


def page_of(ticket: Ticket, name: str = "change") -> str:
    return reverse(f"admin:tickets_ticket_{name}", args=[ticket.pk])


@pytest.mark.django_db
class TestForm:
    def test_acts_again_if_filled_in_differently(self, reply: Callable[..., Any]) -> None:
        for message in ("First", "Second", "First"):
            reply(message)

        assert [comment.message for comment in Comment.objects.order_by("pk")] == ["First", "Second"]

    def test_acts_again_from_another_page(self, browser: Browser, ticket: Ticket) -> None:
        for _ in range(2):
            browser.submit(page_of(ticket, "comment"), message="Ping")

        assert Comment.objects.count() == 2

    def test_acts_again_for_another_user(self, admin: User, ticket: Ticket, reply: Callable[..., Any]) -> None:
        token = reply("Ping").wsgi_request.POST[TOKEN]

        Browser(admin).post(page_of(ticket, "comment"), {TOKEN: token, "message": "Ping"})

        assert Comment.objects.count() == 2

    def test_acts_again_after_a_day(self, reply: Callable[..., Any]) -> None:
        reply("Ping")
        IdempotencyKey.objects.update(created_at=timezone.now() - LIFETIME_OF_KEYS)

        reply("Ping")

        assert Comment.objects.count() == 2

    def test_with_errors_does_not_use_up_its_key(self, reply: Callable[..., Any]) -> None:
        assert [reply("").status_code, reply("").status_code] == [200, 200]
        assert not IdempotencyKey.objects.exists()

    def test_that_a_rule_refused_can_be_sent_again(self, browser: Browser, ticket: Ticket, superuser: User) -> None:
        values = fields(browser.get(page_of(ticket, "hold")))
        change: dict[str, Any] = {"ticket_id": ticket.pk, "by": superuser, "at": timezone.now()}
        services.hold(**change)

        refused = browser.post(page_of(ticket, "hold"), values)
        services.resume(**change)
        accepted = browser.post(page_of(ticket, "hold"), values)

        assert (refused.status_code, accepted.status_code) == (200, 302)
        ticket.refresh_from_db()
        assert ticket.held_at

    def test_that_only_led_to_an_error_message_can_be_sent_again(
        self, browser: Browser, ticket: Ticket, superuser: User
    ) -> None:
        token = fields(browser.get(page_of(ticket)))[TOKEN]

        refused = browser.post(page_of(ticket, "resume"), {TOKEN: token})
        services.hold(ticket_id=ticket.pk, by=superuser, at=timezone.now())
        accepted = browser.post(page_of(ticket, "resume"), {TOKEN: token})

        assert [message for _, message in [*said(refused), *said(accepted)]] == [
            "Ticket is not on hold.",
            "Resumed. SLA clock running.",
        ]

    def test_keeps_links_in_messages(self, browser: Browser) -> None:
        url = reverse("admin:projects_project_add")
        values = fields(browser.get(url)) | {"name": "Website", "_save": "Save"}

        browser.post(url, values)
        page = browser.get(browser.post(url, values)["Location"])

        assert b"was added successfully" in page.content
        assert b"&lt;a href" not in page.content

    def test_that_is_still_being_processed_is_not_processed_again(
        self, reply: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def wait(*_: Any, **__: Any) -> None:
            raise StillRunning

        monkeypatch.setattr(once, "claim", wait)

        answer = reply("Ping")

        assert (answer.status_code, [text for _, text in said(answer)]) == (302, [STILL_RUNNING])
        assert not Comment.objects.exists()

    def test_is_rolled_back_with_its_key(self, reply: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(*_: Any, **__: Any) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(once, "keep", crash)
            with pytest.raises(RuntimeError):
                reply("Ping")

        assert not Comment.objects.exists()
        reply("Ping")
        assert Comment.objects.count() == 1

    def test_is_refused_if_something_it_refers_to_was_deleted(
        self, browser: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Foreign keys are checked at the end of the transaction. The form is shown again, with what was typed."""
        url = reverse("admin:projects_project_add")
        values = fields(browser.get(url)) | {"name": "Website", "_save": "Save"}
        monkeypatch.setattr(projects, "create", refer_to_nobody)

        answer = browser.post(url, values)

        assert answer.status_code == 200
        assert InUse.message in answer.content.decode()
        assert b'value="Website"' in answer.content

    def test_stores_at_most_64_kib(self, browser: Browser, superuser: User) -> None:
        """A message quotes names, and an action can affect any number of objects."""
        for number in range(200):
            AccessAttempt.objects.create(
                username=f"{number:0>255}", ip_address="192.0.2.1", failures_since_start=5, user_agent=""
            )
        url = reverse("admin:axes_accessattempt_changelist")
        values = {
            "action": "lift_lockout",
            "_selected_action": list(AccessAttempt.objects.values_list("pk", flat=True)),
        }
        token = fields(browser.get(url))[TOKEN]

        answer = browser.post(url, {TOKEN: token, **values})

        assert (answer.status_code, len(said(answer))) == (302, 200)
        assert len(IdempotencyKey.objects.get().body.encode()) <= MAX_BYTES


def refer_to_nobody(**_: Any) -> Ticket:
    """Leave a foreign key without its row, as if a user had been deleted at the same time."""
    return Ticket.objects.create(
        title="x",
        project=Project.objects.general(),
        created_by_id=10**9,
        created_at=timezone.now(),
        sla_due_at=timezone.now(),
    )


@pytest.mark.django_db
class TestBulkChange:
    """It has a transaction for each ticket, so its key is stored before the first."""

    @pytest.fixture
    def close(self, browser: Browser, ticket: Ticket) -> Callable[[], Any]:
        token = fields(browser.get(reverse("admin:index")))[TOKEN]
        url = reverse("admin:tickets_ticket_bulk", args=["status"])
        return lambda: browser.post(url, {TOKEN: token, "tickets": str(ticket.pk), "status": "closed"})

    def test_is_not_undone_by_a_second_click(self, close: Callable[[], Any], ticket: Ticket, superuser: User) -> None:
        close()
        services.update(ticket_id=ticket.pk, by=superuser, at=timezone.now(), status=Status.OPEN)

        close()

        ticket.refresh_from_db()
        assert ticket.status == Status.OPEN

    def test_does_not_run_twice_at_a_time(self, close: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(once, "WAIT_SECONDS", 0)
        second: list[Any] = []
        apply = bulk.apply

        def apply_and_click(*arguments: Any, **more: Any) -> bulk.Outcome:
            second.append(close())
            return apply(*arguments, **more)

        monkeypatch.setattr(bulk, "apply", apply_and_click)

        first = close()

        assert [text for _, text in said(first)] == ["1 ticket changed."]
        assert [text for _, text in said(second[0])] == [INTERRUPTED]
        assert len(second) == 1

    def test_can_be_sent_again_after_a_crash(self, close: Callable[[], Any], monkeypatch: pytest.MonkeyPatch) -> None:
        def crash(*_: Any, **__: Any) -> None:
            raise RuntimeError

        with monkeypatch.context() as patch:
            patch.setattr(bulk, "apply", crash)
            with pytest.raises(RuntimeError):
                close()

        assert [text for _, text in said(close())] == ["1 ticket changed."]

    def test_that_changed_nothing_can_be_sent_again(
        self, browser: Browser, ticket: Ticket, assignee: User, superuser: User
    ) -> None:
        token = fields(browser.get(reverse("admin:index")))[TOKEN]
        url = reverse("admin:tickets_ticket_bulk", args=["assign"])
        values = {TOKEN: token, "tickets": str(ticket.pk), "user": str(assignee.pk)}
        change: dict[str, Any] = {"ticket_id": ticket.pk, "by": superuser, "at": timezone.now()}
        services.update(**change, status=Status.CLOSED)

        browser.post(url, values)
        services.update(**change, status=Status.OPEN)

        ((_, text),) = said(browser.post(url, values))
        assert text.startswith(f"1 ticket assigned to Axel Assignee (#{ticket.pk}).")


def claim_without_lock(key: Key, *, at: datetime) -> IdempotencyKey | None:
    """Replace `claim` with a lookup without a lock, followed by a pause in which others do the same."""
    found = IdempotencyKey.objects.filter(digest=key.digest).first()
    time.sleep(0.2)
    return found


def keep_nothing(key: Key, **_: Any) -> None:
    """Replace `keep`, whose unique key would stop the others as well."""


@pytest.mark.database
@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestParallelPosts:
    def post(self, superuser: User, url: str, values: dict[str, str]) -> list[Any]:
        browsers = [Browser(superuser) for _ in range(3)]
        shown = {"_save": "Save", **fields(browsers[0].get(url))}
        return at_once(*(lambda browser=browser: browser.post(url, shown | values) for browser in browsers))

    def test_comment_once(self, superuser: User, ticket: Ticket) -> None:
        answers = self.post(superuser, page_of(ticket, "comment"), {"message": "Ping"})

        assert Comment.objects.count() == 1
        assert [[text for _, text in said(answer)] for answer in answers] == [["Reply sent."]] * 3

    def test_create_one_calendar(self, superuser: User) -> None:
        answers = self.post(superuser, reverse("admin:sla_calendar_add"), {"name": "Office hours"})

        assert Calendar.objects.count() == 1
        assert len({(answer.status_code, answer["Location"]) for answer in answers}) == 1

    def test_change_tickets_once(self, superuser: User, ticket: Ticket) -> None:
        """A bulk change runs in several transactions, and the others wait for the last."""
        token = fields(Browser(superuser).get(reverse("admin:index")))[TOKEN]
        values = {TOKEN: token, "tickets": str(ticket.pk), "status": "closed"}

        answers = self.post(superuser, reverse("admin:tickets_ticket_bulk", args=["status"]), values)

        assert [[text for _, text in said(answer)] for answer in answers] == [["1 ticket changed."]] * 3

    def test_comment_several_times_without_the_lock(
        self, superuser: User, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(once, "claim", claim_without_lock)
        monkeypatch.setattr(once, "keep", keep_nothing)

        self.post(superuser, page_of(ticket, "comment"), {"message": "Ping"})

        assert Comment.objects.count() > 1

    def test_are_not_reported_as_done_if_the_commit_fails(
        self, superuser: User, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(services, "reply", refer_to_nobody)

        answer = Browser(superuser).submit(page_of(ticket, "comment"), message="Ping")

        assert (answer.status_code, [text for _, text in said(answer)]) == (302, [f"{InUse.message}."])
        assert Ticket.objects.count() == 1

    def test_show_the_form_again_while_a_lock_is_held(self, superuser: User) -> None:
        event, browser = make_event(superuser), Browser(superuser)
        page = reverse("admin:events_event_new_booking", args=[event.pk])

        with ThreadPoolExecutor(1) as pool, transaction.atomic():
            Inventory.objects.locked().get(pk=event.pk)
            answer = pool.submit(apart, lambda: browser.submit(page, **FORMS["events_event_new_booking"])).result()

        assert answer.status_code == 200
        assert b"The server is busy, please try again" in answer.content
        assert not IdempotencyKey.objects.exists()
