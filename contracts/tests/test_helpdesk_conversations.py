"""Document 004: tickets with more comments than fit into one response."""

from typing import Any

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from contracts import helpdesk
from contracts.helpdesk import MOST_BYTES
from contracts.tests.helpdesk_document import assert_error, path_of
from tickets import queries
from tickets.models import Comment, Ticket
from tickets.tests.factories import make_comment

pytestmark = pytest.mark.django_db

# Beside the comments: a description, and the ticket's other keys.
REST = 130_000


def add_comments(ticket: Ticket, number: int, *, message: str, is_internal: bool = False) -> None:
    Comment.objects.bulk_create(
        Comment(
            ticket=ticket,
            author=ticket.created_by,
            message=f"{index} {message}"[:20_000],
            is_internal=is_internal,
            created_at=timezone.now(),
        )
        for index in range(number)
    )


def read_back(api: APIClient, ticket: Ticket) -> list[list[Any]]:
    """Return the comments of each response, from the newest to the oldest."""
    found, before = [], ""
    while True:
        answer = api.get(path_of(ticket) + before)
        assert len(answer.content) <= MOST_BYTES + REST
        found.append(answer.json()["comments"])
        if answer.json()["next_before"] is None:
            return found
        before = f"?before={answer.json()['next_before']}"


# One, two, three and six bytes per character in JSON.
@pytest.fixture(params=["a", '"', "€", "\x01"])
def long_ticket(ticket: Ticket, request: pytest.FixtureRequest) -> Ticket:
    """A ticket with 60 comments and a description of 20,000 characters."""
    add_comments(ticket, 60, message=request.param * 20_000)
    Ticket.objects.filter(pk=ticket.pk).update(description=request.param * 20_000)
    return ticket


class TestLongConversation:
    def test_is_returned_in_parts_of_500_kb(self, owner_api: APIClient, long_ticket: Ticket) -> None:
        parts = read_back(owner_api, long_ticket)

        assert len(parts) > 2
        numbers = [int(comment["message"].split()[0]) for part in reversed(parts) for comment in part]
        assert numbers == list(range(60))

    def test_is_bounded_in_the_response_to_a_comment(self, owner_api: APIClient, long_ticket: Ticket) -> None:
        answer = owner_api.post(f"{path_of(long_ticket)}/comments", {"message": "Hm"})

        assert len(answer.content) <= MOST_BYTES + 1_000
        shown = answer.json()["ticket"]
        assert shown["comments"][-1]["message"] == "Hm"
        assert shown["next_before"] == shown["comments"][0]["_id"]

    def test_is_bounded_in_the_response_to_a_change(self, owner_api: APIClient, long_ticket: Ticket) -> None:
        answer = owner_api.patch(path_of(long_ticket), {"priority": "high"})

        # The ticket is there twice.
        assert len(answer.content) <= 2 * (MOST_BYTES + REST)
        assert answer.json()["next_before"] == answer.json()["ticket"]["next_before"] is not None

    def test_is_not_read_from_the_database_as_a_whole(self, long_ticket: Ticket, owner: User) -> None:
        found = queries.last_comments(ticket_id=long_ticket.pk, viewer=owner, limit=1_000, most_bytes=MOST_BYTES)

        assert sum(len(comment["message"].encode()) for comment in found) <= MOST_BYTES + 80_000

    def test_is_also_limited_in_number(
        self, owner_api: APIClient, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(helpdesk, "MOST_COMMENTS", 2)
        add_comments(ticket, 5, message="Hm")

        assert [len(part) for part in read_back(owner_api, ticket)] == [2, 2, 1]

    def test_hides_internal_comments_in_every_part(self, owner_api: APIClient, ticket: Ticket) -> None:
        add_comments(ticket, 60, message="a" * 20_000, is_internal=True)
        make_comment(ticket, ticket.created_by)

        assert [len(part) for part in read_back(owner_api, ticket)] == [1]


class TestShortConversation:
    def test_has_no_next_part(self, owner_api: APIClient, ticket: Ticket, owner: User) -> None:
        make_comment(ticket, owner)

        assert owner_api.get(path_of(ticket)).json()["next_before"] is None

    def test_of_exactly_the_limit_has_no_next_part(
        self, owner_api: APIClient, ticket: Ticket, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(helpdesk, "MOST_COMMENTS", 3)
        add_comments(ticket, 3, message="Hm")

        assert [len(part) for part in read_back(owner_api, ticket)] == [3]

    @pytest.mark.parametrize("before", ["x", "0", "-1", "1.5"])
    def test_is_400_before_something_else_than_an_id(self, owner_api: APIClient, ticket: Ticket, before: str) -> None:
        assert_error(owner_api.get(f"{path_of(ticket)}?before={before}"), 400, "INVALID_FIELD", "before")

    @pytest.mark.parametrize("before", [1, 2**63, 10**30])
    def test_before_any_number_is_200(self, owner_api: APIClient, ticket: Ticket, owner: User, before: int) -> None:
        make_comment(ticket, owner)

        shown = owner_api.get(f"{path_of(ticket)}?before={before}").json()["comments"]

        assert len(shown) == (before > 1)
