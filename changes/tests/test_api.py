"""`GET /changes`: what callers see, cursors, and errors."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from changes import services
from changes.models import Change
from events.tests.factories import book, make_event, make_guest
from kit.web import paging
from projects.models import Project
from projects.tests.psql import psql
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

SignIn = Callable[[User], APIClient]


class Reader:
    """A caller who begins to read the log now."""

    def __init__(self, client: APIClient) -> None:
        self.client = client
        self.cursor = client.get("/changes").json()["nextCursor"]

    def page(self, **query: Any) -> dict[str, Any]:
        response = self.client.get("/changes", {"after": self.cursor, **query})
        assert response.status_code == 200, response.json()
        page: dict[str, Any] = response.json()
        self.cursor = page["nextCursor"]
        return page

    def read(self, **query: Any) -> list[str]:
        return [f"{item['type']} {item['id']} {item['action']}" for item in self.page(**query)["items"]]


@pytest.fixture
def read_by(signed_in: SignIn) -> Callable[[User], Reader]:
    return lambda user: Reader(signed_in(user))


class TestList:
    def test_begins_now_with_an_empty_page(self, signed_in: SignIn, owner: User) -> None:
        make_ticket(owner)

        page = signed_in(owner).get("/changes").json()

        assert page["items"] == []
        assert page["nextCursor"]

    def test_returns_what_has_changed_since(self, read_by: Callable[[User], Reader], owner: User) -> None:
        reader = read_by(owner)
        ticket = make_ticket(owner)

        (item,) = reader.page()["items"]

        assert item.pop("at").endswith("Z")
        assert item == {
            "type": "ticket",
            "id": ticket.pk,
            "action": "created",
            "version": 1,
            "by": None,
            "door": "database",
        }
        assert reader.page()["items"] == []

    def test_names_who_changed_it(self, signed_in: SignIn, owner: User) -> None:
        reader = Reader(signed_in(owner))
        signed_in(owner).post("/ticket", {"title": "Fix the lamp"})

        (item,) = reader.page()["items"]

        assert (item["by"], item["door"]) == ({"id": owner.pk, "name": owner.name}, "api")

    def test_is_in_pages(self, read_by: Callable[[User], Reader], owner: User) -> None:
        reader = read_by(owner)
        tickets = [make_ticket(owner) for _ in range(3)]

        pages = [reader.read(limit=2), reader.read(limit=2), reader.read(limit=2)]

        names = [f"ticket {ticket.pk} created" for ticket in tickets]
        assert pages == [names[:2], names[2:], []]

    def test_takes_types(self, read_by: Callable[[User], Reader], admin: User) -> None:
        reader, other = read_by(admin), read_by(admin)
        ticket, project = make_ticket(admin), Project.objects.create(name="Buildings")

        assert reader.read(types="project,user") == [f"project {project.pk} created"]
        assert other.read(types="ticket") == [f"ticket {ticket.pk} created"]

    def test_moves_on_past_what_the_caller_may_not_see(
        self, read_by: Callable[[User], Reader], outsider: User, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("changes.queries.SCAN", 2)
        reader = read_by(outsider)
        hidden = Project.objects.helpdesk()
        for _ in range(3):
            make_ticket(owner, project=hidden)
        mine = make_ticket(outsider)

        assert reader.read() == []
        assert reader.read() == [f"ticket {mine.pk} created"]

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"after": "nonsense"}, "after"),
            ({"types": "ticket,nonsense"}, "types"),
            ({"limit": 1001}, "limit"),
            ({"wait": 31}, "wait"),
            ({"page": 2}, "page"),
        ],
    )
    def test_refuses_invalid_parameters(
        self, signed_in: SignIn, owner: User, query: dict[str, Any], field: str
    ) -> None:
        response = signed_in(owner).get("/changes", query)

        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == [field]

    def test_is_for_signed_in_users(self, anonymous: APIClient) -> None:
        assert anonymous.get("/changes").status_code == 401

    def test_takes_as_many_statements_for_one_change_as_for_many(
        self, read_by: Callable[[User], Reader], owner: User
    ) -> None:
        numbers = []
        for number in (1, 5):
            reader = read_by(owner)
            for _ in range(number):
                make_comment(make_ticket(owner), owner)
            services.sequence()
            with CaptureQueriesContext(connection) as captured:
                assert len(reader.read()) == 2 * number
            numbers.append(len(captured))

        # The caller, the sequencer, and the page.
        assert numbers == [3, 3]


class TestVisibility:
    def test_of_tickets(
        self, read_by: Callable[[User], Reader], owner: User, assignee: User, outsider: User, agent: User
    ) -> None:
        readers = [read_by(user) for user in (owner, assignee, outsider, agent)]
        ticket = make_ticket(owner, project=Project.objects.helpdesk())
        assign(ticket, assignee)

        for reader in readers:
            reader.read(types="ticket")
        make_comment(ticket, owner)
        make_comment(ticket, agent, is_internal=True)

        comment = f"ticket {ticket.pk} commented"
        assert [reader.read() for reader in readers] == [[comment], [comment], [], [comment, comment]]

    def test_of_tickets_that_the_caller_has_lost_sight_of(
        self, read_by: Callable[[User], Reader], owner: User, outsider: User
    ) -> None:
        ticket = make_ticket(owner)
        reader = read_by(outsider)

        ticket.project = Project.objects.helpdesk()
        ticket.save()

        assert reader.read() == []

    def test_of_bookings(self, read_by: Callable[[User], Reader], owner: User, outsider: User, admin: User) -> None:
        event = make_event(admin)
        agentless = [read_by(user) for user in (owner, outsider, admin)]
        booking, of_guest = book(event, owner), book(event, guest=make_guest())

        own, other = f"booking {booking.pk} confirmed", f"booking {of_guest.pk} confirmed"
        assert [reader.read() for reader in agentless] == [[own], [], [own, other]]

    def test_of_events(self, read_by: Callable[[User], Reader], owner: User, admin: User) -> None:
        customer, reader = read_by(owner), read_by(admin)
        event = make_event(admin, status="draft")
        assert (customer.read(), reader.read()) == ([], [f"event {event.pk} created"])

        psql("UPDATE events_event SET status = 'published' WHERE id = %(id)s", id=event.pk)
        assert customer.read() == [f"event {event.pk} updated"]

        psql("UPDATE events_event SET status = 'cancelled', deleted_at = now() WHERE id = %(id)s", id=event.pk)
        assert customer.read() == [f"event {event.pk} deleted"]

    def test_of_users(self, read_by: Callable[[User], Reader], owner: User, agent: User, admin: User) -> None:
        readers = [read_by(user) for user in (owner, agent, admin)]

        psql("UPDATE accounts_user SET name = 'Olga Newname' WHERE id = %(id)s", id=owner.pk)

        updated = [f"user {owner.pk} updated"]
        assert [reader.read() for reader in readers] == [updated, [], updated]

    def test_of_projects(self, read_by: Callable[[User], Reader], owner: User) -> None:
        reader = read_by(owner)

        project = Project.objects.create(name="Buildings")
        project.delete()

        assert [action.split()[-1] for action in reader.read()] == ["created", "deleted"]

    def test_of_who_made_room_on_the_waiting_list(
        self, signed_in: SignIn, owner: User, outsider: User, admin: User
    ) -> None:
        event = make_event(admin, capacity=1)
        first = book(event, owner)
        book(event, outsider)
        reader = Reader(signed_in(outsider))

        assert signed_in(owner).post(f"/bookings/{first.pk}/cancel").status_code == 200

        (item,) = reader.page()["items"]
        assert (item["action"], item["by"]) == ("promoted", None)


class TestPurge:
    def test_deletes_from_the_beginning_of_the_log(self, owner: User) -> None:
        old, new = make_ticket(owner), make_ticket(owner)
        services.sequence()
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute(
                "UPDATE changes_change SET at = now() - interval '31 days' WHERE object_id = %s AND type = 'ticket'",
                [old.pk],
            )
            cursor.execute("UPDATE changes_change SET at = now() - interval '32 days' WHERE type <> 'ticket'")
            cursor.execute("SET LOCAL session_replication_role = DEFAULT")

        services.purge(older_than=timedelta(days=30), at=timezone.now())

        assert [change.object_id for change in Change.objects.all()] == [new.pk]

    def test_makes_older_cursors_invalid(self, read_by: Callable[[User], Reader], owner: User) -> None:
        reader = read_by(owner)
        make_ticket(owner)
        services.sequence()
        services.purge(older_than=-timedelta(days=1), at=timezone.now())

        response = reader.client.get("/changes", {"after": reader.cursor})

        assert response.status_code == 410
        assert response.json()["code"] == "changes_expired"
        assert Reader(reader.client).read() == []

    def test_of_a_whole_log_lets_it_go_on(self, read_by: Callable[[User], Reader], owner: User) -> None:
        make_ticket(owner)
        reader = read_by(owner)
        services.purge(older_than=-timedelta(days=1), at=timezone.now())

        ticket = make_ticket(owner)

        assert reader.read() == [f"ticket {ticket.pk} created"]

    @pytest.mark.parametrize("position", [10**12, 2**63 - 1])
    def test_cursor_from_the_future_is_refused(self, signed_in: SignIn, owner: User, position: int) -> None:
        response = signed_in(owner).get("/changes", {"after": paging.encode(position)})

        assert response.status_code == 410
