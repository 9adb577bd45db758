"""No response grows without bound, however much text the database holds."""

import re
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from accounts.models import User
from events.tests.factories import book, make_event
from kit.web import paging
from projects.models import Project
from ticketing import urls
from ticketing.tests.calls import LONG_TEXT
from ticketing.tests.pages import patterns
from tickets import services
from tickets.models import Comment
from tickets.tests.factories import make_ticket
from webhooks.models import MAX_RESPONSE
from webhooks.tests.factories import make_delivery, make_webhook

ROWS = 60
# Texts, and as much again for keys and short fields.
MAX_BYTES = 2 * paging.MAX_BYTES
# Not JSON, or about the server itself.
OTHERS = {"", "healthz", "readyz", "metrics", "schema", "docs", "tickets/export", "bookings/export", "api/health"}


def reads() -> list[str]:
    """Return the path of each view that answers `GET`."""
    found = []
    for page in patterns(urls.urlpatterns):
        view, path = getattr(page.callback, "cls", None), str(page.pattern)
        actions = getattr(page.callback, "actions", None) or {"get": "get"}
        if hasattr(view, actions.get("get", "-")) and path not in OTHERS:
            found.append(path)
    return found


@pytest.fixture
def ids(admin: User, owner: User) -> dict[str, int]:
    """Fill every list with the longest texts. Return the ids in paths."""
    ticket, event = make_ticket(owner, project=Project.objects.helpdesk()), make_event(admin)
    at = timezone.now()
    Project.objects.filter(pk=ticket.project_id).update(description=LONG_TEXT)
    for number in range(ROWS):
        services.update(ticket_id=ticket.pk, by=owner, at=at, description=f"{number}{LONG_TEXT}"[:20_000])
    Comment.objects.bulk_create(
        Comment(ticket=ticket, author=owner, message=LONG_TEXT, created_at=at) for _ in range(ROWS)
    )
    for number in range(ROWS):
        other = make_ticket(owner, description=LONG_TEXT, project=ticket.project)
        Comment.objects.create(ticket=other, author=owner, message=LONG_TEXT, created_at=at)
        Project.objects.create(name=f"Project {number}", description=LONG_TEXT)
        make_event(admin, description=LONG_TEXT)
    webhook = make_webhook(by=admin)
    body = orjson.dumps({"type": "ticket.updated", "data": {"description": LONG_TEXT}}).decode()
    deliveries = [make_delivery(webhook, body=body, response="x" * MAX_RESPONSE) for _ in range(ROWS)]
    return {
        "webhook_id": webhook.pk,
        "delivery_id": deliveries[0].pk,
        "ticket_id": ticket.pk,
        "event_id": event.pk,
        "booking_id": book(event).pk,
        "user_id": owner.pk,
        "project_id": Project.objects.latest("pk").pk,
    }


@pytest.mark.django_db
class TestResponse:
    def test_is_bounded_in_bytes(
        self, ids: dict[str, int], admin: User, signed_in: Callable[[User], APIClient]
    ) -> None:
        api, sizes = signed_in(admin), {}
        for path in reads():
            url = "/" + re.sub(r"<\w+:(\w+)>", lambda match: str(ids[match[1]]), path)
            answer = api.get(f"{url}?limit=100")
            answer = answer if answer.status_code == 200 else api.get(url)
            assert answer.status_code == 200, (url, answer.content)
            sizes[path] = len(answer.content)

        assert {path: size for path, size in sizes.items() if size > MAX_BYTES} == {}
        assert len(sizes) > 20


@pytest.mark.django_db
class TestList:
    @pytest.mark.parametrize(
        ("path", "number"),
        [
            ("/tickets", ROWS + 1),
            ("/tickets/{ticket_id}/comments", ROWS),
            ("/tickets/{ticket_id}/history", ROWS + 1),
            ("/events", ROWS + 1),
            ("/projects", ROWS + 2),
            ("/tickets?include=comments,project", ROWS + 1),
            ("/tickets?include=comments,project&updatedSince=2020-01-01T00:00:00Z", ROWS + 1),
        ],
    )
    def test_of_long_texts_is_complete(
        self, ids: dict[str, int], admin: User, signed_in: Callable[[User], APIClient], path: str, number: int
    ) -> None:
        api, found, cursor, pages = signed_in(admin), list[int](), "", 0
        while pages == 0 or cursor:
            answer = api.get(f"{path.format(**ids)}{'&' if '?' in path else '?'}limit=100&cursor={cursor}")
            assert len(answer.content) <= MAX_BYTES
            page = answer.json()
            found += [item["id"] for item in page["items"]]
            pages, cursor = pages + 1, page["nextCursor"]

        assert pages > 1
        assert (len(found), len(set(found))) == (number, number)

    def test_of_the_help_desk_is_complete(
        self, ids: dict[str, int], admin: User, signed_in: Callable[[User], APIClient]
    ) -> None:
        api, found = signed_in(admin), list[str]()
        offset: Any = 0
        while offset is not None:
            page = api.get(f"/api/tickets?limit=100&offset={offset}").json()
            found += [item["_id"] for item in page["items"]]
            offset = page["next_offset"]

        assert len(found) == len(set(found)) == ROWS + 1
