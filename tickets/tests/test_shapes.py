"""The JSON of tickets has the keys that the schema promises, and SQL decides as the models do."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from orjson import dumps, loads

from accounts.models import User
from accounts.tests.factories import make_user
from kit.web.fields import plain_number, utc_text, utc_text_of
from projects.models import Project
from projects.tests.psql import psql
from sla.models import SlaState
from tickets import queries, services, shapes
from tickets.models import Comment, Ticket
from tickets.queries import Person
from tickets.serializers import (
    AssigneeSerializer,
    ChangeSerializer,
    CommentSerializer,
    ItemSerializer,
    PersonSerializer,
    SlaSerializer,
    TicketDetailSerializer,
    TicketSerializer,
    TicketStatisticsSerializer,
)
from tickets.tests.factories import assign, make_comment, make_ticket

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def keys(serializer: Any) -> list[str]:
    return list(serializer().fields)


def reread(ticket: Ticket) -> Ticket:
    """Return the ticket with the clock that the database has started."""
    return Ticket.objects.get(pk=ticket.pk)


def detail(ticket: Ticket, at: datetime = NOON) -> dict[str, Any]:
    row = queries.ticket(ticket_id=ticket.pk, viewer=ticket.created_by, at=at)
    assert row is not None
    return shapes.detail(row)


class TestKeys:
    """In order, too: a CSV file has the values in the order of the columns."""

    def test_of_items_are_those_of_the_schema(self, ticket: Ticket, assignee: User) -> None:
        assign(ticket, assignee)
        (row,) = queries.tickets_by_id([ticket.pk])
        body = shapes.ticket(row)

        assert list(body) == keys(TicketSerializer)
        assert [list(person) for person in loads(dumps(body["assignedUsers"]))] == [keys(AssigneeSerializer)]

    def test_of_a_ticket_are_those_of_the_schema(self, ticket: Ticket) -> None:
        body = detail(ticket)

        assert list(body) == keys(TicketDetailSerializer)
        assert list(body["statistics"]) == keys(TicketStatisticsSerializer)
        assert list(body["sla"]) == keys(SlaSerializer)

    def test_of_comments_are_those_of_the_schema(self, ticket: Ticket, owner: User) -> None:
        comment = make_comment(ticket, owner)
        (row,) = queries.comments(ticket_id=ticket.pk, viewer=owner, limit=2) or []

        assert list(row) == keys(CommentSerializer)
        assert list(row["author"]) == keys(PersonSerializer)
        assert list(row.items()) == list(shapes.comment(comment).items())
        assert queries.comment(comment_id=comment.pk, viewer=owner) == row
        assert queries.last_comments(ticket_id=ticket.pk, viewer=owner, limit=2, most_bytes=1_000) == [row]

    def test_of_the_history_are_those_of_the_schema(self, ticket: Ticket, owner: User) -> None:
        (item,) = queries.history(ticket_id=ticket.pk, limit=2)
        body = shapes.history_item(replace(item, by=Person(owner.pk, owner.name)))

        assert list(body) == keys(ItemSerializer)
        assert list(body["by"]) == keys(PersonSerializer)
        assert {tuple(change) for change in body["changes"]} == {tuple(keys(ChangeSerializer))}

    def test_of_changes_are_those_of_a_ticket(self) -> None:
        names = {name for name, _ in shapes.HISTORY_FIELDS.values()}

        assert list(shapes.HISTORY_FIELDS) == [*queries.FIELDS, queries.ASSIGNEE]
        assert names - {"onHoldSince", "holdReason", "mergedInto", "mergedFrom"} < set(keys(TicketSerializer))


class TestState:
    def test_is_that_of_the_model(self, owner: User, agent: User) -> None:
        held, closed, late, running = (reread(make_ticket(owner)) for _ in range(4))
        services.hold(ticket_id=held.pk, by=agent, at=NOON)
        services.update(ticket_id=closed.pk, by=agent, at=closed.created_at, status="closed")
        services.update(ticket_id=late.pk, by=agent, at=late.sla_due_at + timedelta(days=1), status="closed")
        times = [running.created_at, running.sla_warn_at + timedelta(seconds=1), running.sla_due_at + timedelta(days=1)]

        states = set()
        for ticket, at in product((held, closed, late, running), times):
            ticket.refresh_from_db()
            assert detail(ticket, at)["sla"]["state"] == ticket.sla_state(at)
            states.add(ticket.sla_state(at))

        assert states == set(SlaState)


class TestVisible:
    def test_is_what_visible_to_selects(self, owner: User, assignee: User, outsider: User, agent: User) -> None:
        general, hidden = (Project.objects.get(system_name=name) for name in ("general", "helpdesk"))
        tickets = [
            make_ticket(owner, project=general),
            make_ticket(owner, project=hidden),
            make_ticket(owner, project=hidden),
        ]
        assign(tickets[2], assignee)

        for viewer, ticket in product((owner, assignee, outsider, agent), tickets):
            found = queries.ticket(ticket_id=ticket.pk, viewer=viewer, at=NOON) is not None
            assert found == Ticket.objects.visible_to(viewer).filter(pk=ticket.pk).exists()
            assert found == queries.is_visible(ticket_id=ticket.pk, viewer=viewer)

    def test_concerning_leaves_out_what_only_the_project_shows(
        self, owner: User, assignee: User, outsider: User, agent: User, ticket: Ticket
    ) -> None:
        assign(ticket, assignee)
        found = [
            queries.concerning(ticket_id=ticket.pk, viewer=viewer) for viewer in (owner, assignee, agent, outsider)
        ]

        assert [row and row["id"] for row in found] == [ticket.pk] * 3 + [None]

    def test_of_comments_is_what_visible_to_selects(
        self, owner: User, assignee: User, outsider: User, agent: User, hidden_ticket: Ticket, ticket: Ticket
    ) -> None:
        assign(hidden_ticket, assignee)
        comments = [
            make_comment(on, by, is_internal=by == agent) for on in (ticket, hidden_ticket) for by in (owner, agent)
        ]

        for viewer, comment in product((owner, assignee, outsider, agent), comments):
            seen = Comment.objects.visible_to(viewer).filter(ticket=comment.ticket_id)
            on_the_ticket: dict[str, Any] = {"ticket_id": comment.ticket_id, "viewer": viewer, "limit": 9}
            listed = queries.comments(**on_the_ticket)
            last = queries.last_comments(**on_the_ticket, most_bytes=1_000)
            is_found = queries.comment(comment_id=comment.pk, viewer=viewer) is not None

            assert is_found == seen.filter(pk=comment.pk).exists()
            assert (
                [row["id"] for row in listed or []]
                == [row["id"] for row in last]
                == sorted(seen.values_list("pk", flat=True))
            )
            assert (listed is None) == (not queries.is_visible(ticket_id=comment.ticket_id, viewer=viewer))


class TestUtcText:
    @pytest.mark.django_db
    @given(at=st.datetimes(timezones=st.just(UTC)))
    @example(at=NOON)
    @example(at=NOON.replace(microsecond=999))
    @example(at=NOON.replace(microsecond=50_900))
    @example(at=NOON.replace(microsecond=500_000))
    def test_is_that_of_the_fields(self, at: datetime) -> None:
        ((text, written),) = psql("SELECT kit_utc_text(%(at)s), (%(at)s::timestamptz AT TIME ZONE 'UTC')::text", at=at)

        assert text == utc_text_of(written) == utc_text(at)


class TestJson:
    """What SQL writes in JSON is what orjson would write."""

    @pytest.mark.django_db
    @given(name=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
    @example(name="".join(map(chr, range(1, 256))))
    def test_of_text(self, name: str) -> None:
        ((text,),) = psql(
            "SELECT array_to_json(ARRAY(SELECT row_to_json(row)))::text FROM (SELECT 7 AS id, %(name)s AS name) AS row",
            name=name,
        )

        assert text.encode() == dumps([{"id": 7, "name": name}])

    @pytest.mark.parametrize("price", ["0", "0.01", "0.5", "12.50", "100", "223.05", "99999999.99"])
    def test_of_prices(self, ticket: Ticket, price: str) -> None:
        ticket.price = Decimal(price)
        ticket.save()
        (row,) = queries.tickets_by_id([ticket.pk])

        assert row["price"].encode() == dumps(shapes.ticket(row)["price"]) == dumps(plain_number(ticket.price))


class TestExplanation:
    def test_of_a_deadline_names_hours_and_holds(self, owner: User, agent: User) -> None:
        ticket = make_ticket(owner, priority="high")
        services.hold(ticket_id=ticket.pk, by=agent, at=NOON)
        services.resume(ticket_id=ticket.pk, by=agent, at=NOON + timedelta(hours=2, minutes=10))

        assert detail(ticket)["sla"]["because"] == "4 h round the clock, on hold 2 h 10 m"


def test_a_ticket_of_somebody_who_may_not_see_it_is_none(hidden_ticket: Ticket) -> None:
    assert queries.ticket(ticket_id=hidden_ticket.pk, viewer=make_user(), at=NOON) is None
