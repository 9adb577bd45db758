"""The analytics API: the exact keys of document 000, sections 6 and 7, and what the document leaves open."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from kit.web.paging import encode
from projects.models import Project
from tickets.models import Ticket
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

HISTORY = "/tickets/analytics"
DASHBOARD = "/dashboard/analytics"
SignedIn = Callable[[User], APIClient]


def july(day: int, hour: int) -> datetime:
    return datetime(2024, 7, day, hour, tzinfo=UTC)


@pytest.fixture
def tickets(owner: User, outsider: User, admin: User) -> list[Ticket]:
    """The document's tickets of the 1st and the 5th, and two more."""
    return [
        make_ticket(
            owner,
            title="Ticket Title 1",
            created_at=july(1, 18),
            status="closed",
            priority="high",
            type="concert",
            venue="Venue 1",
            price=Decimal("223"),
        ),
        make_ticket(
            outsider,
            title="Ticket Title 2",
            created_at=july(5, 18),
            status="in-progress",
            priority="medium",
            type="conference",
            venue="Venue 2",
        ),
        make_ticket(owner, created_at=july(5, 19), priority="low", type="bug", price=Decimal("0.99")),
        make_ticket(admin, created_at=july(5, 20), priority="high", type="concert", price=Decimal(1000)),
    ]


class TestHistory:
    def test_matches_the_document(self, tickets: list[Ticket], owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).get(HISTORY, {"endDate": "2024-07-05T18:00:00Z"})

        assert response.status_code == 200
        first, second = tickets[:2]
        assert list(response.json().items()) == [
            ("totalTickets", 2),
            ("closedTickets", 1),
            ("openTickets", 0),
            ("inProgressTickets", 1),
            ("priorityDistribution", {"low": 0, "medium": 1, "high": 1}),
            ("typeDistribution", {"concert": 1, "conference": 1, "sports": 0}),
            (
                "tickets",
                [
                    {
                        "id": second.pk,
                        "title": "Ticket Title 2",
                        "status": "in-progress",
                        "priority": "medium",
                        "type": "conference",
                        "venue": "Venue 2",
                        "createdDate": "2024-07-05T18:00:00Z",
                        "createdBy": second.created_by_id,
                    },
                    {
                        "id": first.pk,
                        "title": "Ticket Title 1",
                        "status": "closed",
                        "priority": "high",
                        "type": "concert",
                        "venue": "Venue 1",
                        "createdDate": "2024-07-01T18:00:00Z",
                        "createdBy": first.created_by_id,
                    },
                ],
            ),
            ("nextCursor", None),
        ]
        assert list(response.json()["tickets"][0]) == [
            *("id", "title", "status", "priority", "type", "venue", "createdDate", "createdBy")
        ]

    def test_continues_from_the_cursor(self, tickets: list[Ticket], owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        first = api.get(HISTORY, {"limit": 3}).json()
        second = api.get(HISTORY, {"limit": 3, "cursor": first["nextCursor"]}).json()

        assert [ticket["id"] for ticket in first["tickets"]] == [ticket.pk for ticket in tickets[:0:-1]]
        assert [ticket["id"] for ticket in second["tickets"]] == [tickets[0].pk]
        assert (second["totalTickets"], second["nextCursor"]) == (4, None)

    @pytest.mark.parametrize(
        "cursor",
        [
            *("x", "☃", "a" * 5000, encode(1, 1), encode("2024", 1), encode("2024-07-01", 1), encode(None, 1)),
            # Without a UTC offset; before the first date; an id that does not fit the column.
            *(encode("2024-07-01T18:00:00", 1), encode("0001-01-01T00:00:00+14:00", 1), encode(july(1, 18), 2**63)),
        ],
    )
    def test_refuses_an_invalid_cursor(self, cursor: str, owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).get(HISTORY, {"cursor": cursor})

        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == ["cursor"]

    @pytest.mark.parametrize("limit", ["0", "-1", "1001", "x", "1.5", "9" * 400])
    def test_refuses_a_limit_out_of_range(self, limit: str, owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).get(HISTORY, {"limit": limit})

        assert response.status_code == 400
        assert response.json()["errors"][0]["field"] == "limit"

    def test_runs_two_queries(
        self, tickets: list[Ticket], owner: User, signed_in: SignedIn, django_assert_num_queries: Any
    ) -> None:
        api = signed_in(owner)

        with django_assert_num_queries(2):
            api.get(HISTORY)


class TestDashboard:
    def test_matches_the_document(self, tickets: list[Ticket], owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).get(DASHBOARD)

        assert response.status_code == 200
        assert list(response.json().items()) == [
            ("totalTickets", 4),
            ("closedTickets", 1),
            ("openTickets", 2),
            # (223 + 0.99) by two customers; the admin's ticket does not count as spending.
            ("averageCustomerSpending", 112),
            # Four tickets from the 1st to the 5th.
            ("AverageTicketsBookedPerDay", 0.8),
            ("inProgressTickets", 1),
            (
                "priorityDistribution",
                {
                    "low": 1,
                    "averageLowTicketsBookedPerDay": 0.2,
                    "medium": 1,
                    "averageMediumTicketsBookedPerDay": 0.2,
                    "high": 2,
                    "AverageHighTicketsBookedPerDay": 0.4,
                },
            ),
            ("typeDistribution", {"concert": 2, "conference": 1, "sports": 0, "bug": 1}),
        ]
        assert list(response.json()["priorityDistribution"]) == [
            *("low", "averageLowTicketsBookedPerDay", "medium", "averageMediumTicketsBookedPerDay"),
            *("high", "AverageHighTicketsBookedPerDay"),
        ]

    def test_is_all_zero_without_tickets(self, owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).get(DASHBOARD)

        assert response.json() == {
            "totalTickets": 0,
            "closedTickets": 0,
            "openTickets": 0,
            "averageCustomerSpending": 0,
            "AverageTicketsBookedPerDay": 0,
            "inProgressTickets": 0,
            "priorityDistribution": {
                "low": 0,
                "averageLowTicketsBookedPerDay": 0,
                "medium": 0,
                "averageMediumTicketsBookedPerDay": 0,
                "high": 0,
                "AverageHighTicketsBookedPerDay": 0,
            },
            "typeDistribution": {"concert": 0, "conference": 0, "sports": 0},
        }

    def test_averages_over_the_requested_days(self, tickets: list[Ticket], owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)

        averages = [
            api.get(DASHBOARD, query).json()["AverageTicketsBookedPerDay"]
            for query in (
                {"startDate": "2024-07-01", "endDate": "2024-07-31"},
                {"startDate": "2024-06-30"},
                {"endDate": "2024-07-06T00:00:00Z"},
                {"startDate": "2024-07-05T00:00:00Z", "endDate": "2024-07-05T23:59:59Z"},
            )
        ]

        assert averages == [0.13, 0.67, 0.67, 3]

    @pytest.mark.parametrize(
        ("query", "tickets_per_day"),
        [
            # One local day.
            ({"startDate": "2024-07-05T00:00:00+01:00", "endDate": "2024-07-05T23:59:59+01:00"}, 3),
            ({"startDate": "2024-07-05T00:00:00-05:00", "endDate": "2024-07-05T23:59:59.999-05:00"}, 3),
            ({"startDate": "2024-07-01T00:00:00+02:00", "endDate": "2024-07-05T23:59:59+02:00"}, 0.8),
            # The clocks change: each bound is a local time.
            ({"startDate": "2024-07-04T00:00:00+02:00", "endDate": "2024-07-05T23:59:59+01:00"}, 1.5),
            # A date is a day in UTC.
            ({"startDate": "2024-07-05", "endDate": "2024-07-05T23:59:59+02:00"}, 3),
            # The last ticket is from 20:00 UTC, the first from 18:00 UTC.
            ({"startDate": "2024-07-05T18:00:00+05:00"}, 1.5),
            ({"startDate": "2024-07-05T18:00:00+03:00"}, 3),
            ({"startDate": "2024-07-01T00:00:00+05:00"}, 0.67),
            ({"endDate": "2024-07-05T23:59:59+02:00"}, 0.8),
            ({"endDate": "2024-07-06T05:00:00+07:00"}, 0.8),
            ({"endDate": "2024-07-06T05:00:00+05:00"}, 0.67),
        ],
    )
    def test_counts_days_in_the_offset_of_the_given_times(
        self, query: dict[str, str], tickets_per_day: float, tickets: list[Ticket], owner: User, signed_in: SignedIn
    ) -> None:
        response = signed_in(owner).get(DASHBOARD, query)

        assert response.json()["AverageTicketsBookedPerDay"] == tickets_per_day

    def test_rounds_half_up(self, owner: User, outsider: User, signed_in: SignedIn) -> None:
        make_ticket(owner, price=Decimal("0.01"))
        make_ticket(outsider, price=Decimal("0.02"))

        response = signed_in(owner).get(DASHBOARD)

        assert response.json()["averageCustomerSpending"] == 0.02

    def test_runs_two_queries(
        self, tickets: list[Ticket], owner: User, signed_in: SignedIn, django_assert_num_queries: Any
    ) -> None:
        api = signed_in(owner)

        with django_assert_num_queries(2):
            api.get(DASHBOARD)


@pytest.mark.parametrize("path", [HISTORY, DASHBOARD])
class TestTicketEndpoints:
    @pytest.mark.parametrize(
        ("query", "total"),
        [
            ({"startDate": "2024-07-05"}, 3),
            ({"endDate": "2024-07-05"}, 4),
            ({"startDate": "2024-07-01", "endDate": "2024-07-01"}, 1),
            ({"startDate": "2024-07-05T18:00:00Z", "endDate": "2024-07-05T18:00:00Z"}, 1),
            ({"startDate": "2024-07-05T18:00:00.0009Z"}, 3),
            ({"startDate": "2024-07-05T18:00:00.001Z"}, 2),
            ({"startDate": "2024-07-05T20:00:00+02:00", "endDate": "2024-07-05T14:00:00-05:00"}, 2),
            ({"status": "closed"}, 1),
            ({"status": "in progress"}, 1),
            ({"status": "in_progress"}, 1),
            ({"priority": "high", "type": "concert"}, 2),
            ({"priority": "high", "type": "concert", "venue": "Venue 1"}, 1),
            ({"venue": "venue 1"}, 0),
            ({"venue": "100%"}, 0),
            ({"type": "opera"}, 0),
            ({"status": "", "venue": "", "startDate": "", "type": ""}, 4),
            ({"startDate": "0001-01-01", "endDate": "9999-12-31"}, 4),
            ({"startDate": "9999-12-31T23:59:59.999Z"}, 0),
            ({"endDate": "0001-01-01T00:00:00Z"}, 0),
        ],
    )
    def test_filters(
        self, path: str, query: dict[str, str], total: int, tickets: list[Ticket], owner: User, signed_in: SignedIn
    ) -> None:
        response = signed_in(owner).get(path, query)

        assert (response.status_code, response.json().get("totalTickets")) == (200, total)

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"startDate": "yesterday"}, "startDate"),
            ({"startDate": "2024-02-30"}, "startDate"),
            ({"startDate": "0000-01-01"}, "startDate"),
            ({"endDate": "2024-07-05T18:00:00"}, "endDate"),
            ({"endDate": "20240705"}, "endDate"),
            ({"endDate": "2024-13-05T18:00:00Z"}, "endDate"),
            ({"endDate": "9999-12-31T23:59:59-14:00"}, "endDate"),
            ({"startDate": "0001-01-01T00:00:00+14:00"}, "startDate"),
            ({"startDate": "2024-07-02", "endDate": "2024-07-01"}, "startDate"),
            ({"startDate": "2024-07-01T00:00:01Z", "endDate": "2024-07-01T00:00:00Z"}, "startDate"),
            ({"status": "done"}, "status"),
            ({"priority": "urgent"}, "priority"),
            ({"venue": "a\x07b"}, "venue"),
            ({"type": "a\nb"}, "type"),
        ],
    )
    def test_refuses_invalid_parameters(
        self, path: str, query: dict[str, str], field: str, owner: User, signed_in: SignedIn
    ) -> None:
        response = signed_in(owner).get(path, query)

        assert response.status_code == 400
        assert [error["field"] for error in response.json()["errors"]] == [field]

    def test_excludes_tickets_the_user_cannot_see(
        self, path: str, owner: User, outsider: User, agent: User, signed_in: SignedIn
    ) -> None:
        make_ticket(owner, project=Project.objects.get(system_name="helpdesk"))

        totals = [signed_in(viewer).get(path).json()["totalTickets"] for viewer in (owner, outsider, agent)]

        assert totals == [1, 0, 1]

    def test_requires_authentication(self, path: str, anonymous: APIClient) -> None:
        response = anonymous.get(path)

        assert response.status_code == 401

    def test_is_read_only(self, path: str, owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).post(path)

        assert (response.status_code, response["Allow"]) == (405, "GET, HEAD, OPTIONS")
