"""What the triggers note, whatever made the change, and how it gets into the log."""

from collections.abc import Callable

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from changes import services
from changes.models import Change, Log
from events import services as events
from events.tests.factories import book, make_event, make_guest
from notifications.services import mute
from projects.models import Project
from projects.tests.psql import psql
from tickets import services as tickets
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

Logged = tuple[str, int, str, int | None]


@pytest.fixture(autouse=True)
def nothing_changed(db: None) -> None:
    """Begin after the rows that tests restore or make first."""
    services.sequence()


def logged(*types: str) -> list[Logged]:
    """Return what was logged since the test began to look, oldest first."""
    since = Log.objects.get().position
    services.sequence()
    changes = Change.objects.filter(position__gt=since).order_by("position")
    if types:
        changes = changes.filter(type__in=types)
    return [(change.type, change.object_id, change.action, change.version) for change in changes]


def actors(*types: str) -> list[tuple[int | None, str]]:
    """Return who made the changes of these types that are not logged yet, and through which door."""
    since = Log.objects.get().position
    services.sequence()
    changes = Change.objects.filter(position__gt=since, type__in=types).order_by("position")
    return list(changes.values_list("by_id", "door"))


class TestTickets:
    def test_are_logged_when_created(self, owner: User) -> None:
        logged()

        ticket = make_ticket(owner)

        assert logged() == [("ticket", ticket.pk, "created", 1)]

    def test_are_logged_when_they_change_in_sql(self, owner: User) -> None:
        ticket = make_ticket(owner)
        logged()

        psql("UPDATE tickets_ticket SET title = 'Fix it' WHERE id = %(id)s", id=ticket.pk)

        assert logged() == [("ticket", ticket.pk, "updated", 2)]

    def test_are_not_logged_when_nothing_changes(self, owner: User) -> None:
        ticket = make_ticket(owner)
        logged()

        psql("UPDATE tickets_ticket SET title = title WHERE id = %(id)s", id=ticket.pk)

        assert logged() == []

    def test_are_logged_when_their_assignees_change(self, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        logged()

        assign(ticket, assignee)
        ticket.refresh_from_db()

        assert logged("ticket") == [("ticket", ticket.pk, "updated", ticket.version)]

    def test_are_logged_once_for_several_changes_in_a_transaction(self, owner: User) -> None:
        ticket = make_ticket(owner)
        logged()

        psql("UPDATE tickets_ticket SET title = 'Fix it' WHERE id = %(id)s", id=ticket.pk)
        psql("UPDATE tickets_ticket SET title = 'Fix it now' WHERE id = %(id)s", id=ticket.pk)

        assert logged() == [("ticket", ticket.pk, "updated", 3)]

    def test_are_logged_when_commented(self, owner: User) -> None:
        ticket = make_ticket(owner)
        logged()

        comment = make_comment(ticket, owner)

        assert logged() == [("ticket", ticket.pk, "commented", None)]
        assert Change.objects.latest("position").detail_id == comment.pk

    def test_are_logged_when_merged(self, owner: User, agent: User) -> None:
        source, target = make_ticket(owner), make_ticket(owner)
        logged()

        tickets.merge(ticket_id=source.pk, into_id=target.pk, by=agent, at=timezone.now())

        found = logged()
        assert ("ticket", source.pk, "merged", 2) in found
        assert ("ticket", target.pk, "updated", 2) in found
        assert {ticket_id for _, ticket_id, _, _ in found} == {source.pk, target.pk}


class TestBookings:
    def test_are_logged_when_confirmed_at_once(self, admin: User) -> None:
        event = make_event(admin)
        logged()

        booking = book(event, guest=make_guest())

        assert logged("booking") == [("booking", booking.pk, "confirmed", 1)]

    def test_are_logged_from_the_waiting_list_to_the_end(self, admin: User) -> None:
        event = make_event(admin, capacity=2)
        first = book(event, quantity=2)
        logged()

        second = book(event, quantity=2)
        waiting = logged("booking")
        events.cancel(booking_id=first.pk, by=admin)
        promoted = logged("booking")
        events.cancel(booking_id=second.pk, by=admin, seats=1)
        changed = logged("booking")

        assert waiting == [("booking", second.pk, "waiting", 1)]
        assert promoted == [("booking", first.pk, "cancelled", 2), ("booking", second.pk, "promoted", 2)]
        assert changed == [("booking", second.pk, "changed", 3)]

    def test_are_logged_when_a_guests_name_is_corrected(self, admin: User) -> None:
        booking = book(make_event(admin), guest=make_guest())
        logged()

        psql("UPDATE events_booking SET guest_last_name = 'Guests' WHERE id = %(id)s", id=booking.pk)

        assert logged() == [("booking", booking.pk, "changed", 2)]


class TestOthers:
    def test_events_are_logged(self, admin: User) -> None:
        logged()

        event = make_event(admin)
        created = logged()
        psql("UPDATE events_event SET venue = 'Hall 2' WHERE id = %(id)s", id=event.pk)
        updated = logged()
        psql("UPDATE events_inventory SET capacity = 12 WHERE event_id = %(id)s", id=event.pk)
        enlarged = logged()
        psql("UPDATE events_event SET status = 'cancelled' WHERE id = %(id)s", id=event.pk)
        cancelled = logged()

        assert created == [("event", event.pk, "created", 1)]
        assert updated == [("event", event.pk, "updated", 2)]
        assert enlarged == [("event", event.pk, "updated", 3)]
        assert cancelled == [("event", event.pk, "cancelled", 4)]

    def test_projects_are_logged(self) -> None:
        logged()

        project = Project.objects.create(name="Buildings")
        created = logged()
        psql("UPDATE projects_project SET name = 'Houses' WHERE id = %(id)s", id=project.pk)
        updated = logged()
        Project.objects.filter(pk=project.pk).delete()
        deleted = logged()

        assert created == [("project", project.pk, "created", 1)]
        assert updated == [("project", project.pk, "updated", 2)]
        assert deleted == [("project", project.pk, "deleted", None)]

    def test_users_are_logged(self) -> None:
        logged()

        user = make_user("Ulla User")
        created = logged()
        psql("UPDATE accounts_user SET last_login = now() WHERE id = %(id)s", id=user.pk)
        signed_in = logged()
        psql("UPDATE accounts_user SET name = 'Ulla Newname' WHERE id = %(id)s", id=user.pk)
        updated = logged()
        psql("UPDATE accounts_user SET is_active = false WHERE id = %(id)s", id=user.pk)
        deactivated = logged()

        assert created == [("user", user.pk, "created", 1)]
        assert signed_in == []
        assert updated == [("user", user.pk, "updated", 2)]
        assert deactivated == [("user", user.pk, "deactivated", 3)]


class TestActors:
    def test_are_those_of_the_request(self, signed_in: Callable[[User], APIClient], owner: User) -> None:
        client = signed_in(owner)
        logged()

        client.post("/ticket", {"title": "Fix the lamp"})
        booked = client.post(f"/events/{make_event(owner).pk}/bookings", {"quantity": 1})

        assert booked.status_code == 201
        assert actors("ticket", "booking") == [(owner.pk, "api"), (owner.pk, "api")]

    def test_are_unknown_in_sql(self, owner: User) -> None:
        ticket = make_ticket(owner)
        logged()

        psql("UPDATE tickets_ticket SET title = 'Fix it' WHERE id = %(id)s", id=ticket.pk)

        assert actors("ticket") == [(None, "database")]

    def test_of_quiet_changes_notify_nobody(self, admin: User) -> None:
        event = make_event(admin)
        logged()

        mute()
        book(event)

        services.sequence()
        assert Change.objects.filter(type="booking").get().is_quiet
