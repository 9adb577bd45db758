"""`updatedSince`: every list returns what has changed, nothing is missed, and pages are cheap."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.models import User
from changes import services
from changes.tests.test_commit_order import write
from events.tests.factories import book, make_event
from projects.models import Project
from projects.tests.psql import psql
from tickets.tests.factories import make_comment, make_ticket

SignIn = Callable[[User], APIClient]
LONG_AGO = "2020-01-01T00:00:00Z"


def changed(api: APIClient, path: str, since: str, **query: Any) -> list[dict[str, Any]]:
    """Return all items of a list, page by page."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = {"updatedSince": since, "ordering": "updatedDate", **query} | ({"cursor": cursor} if cursor else {})
        response = api.get(path, page)
        assert response.status_code == 200, response.json()
        items += response.json()["items"]
        cursor = response.json()["nextCursor"]
        if cursor is None:
            return items


def now() -> str:
    services.sequence()
    ((at,),) = psql("SELECT to_json(clock_timestamp() AT TIME ZONE 'UTC') #>> '{}' || 'Z'")
    return str(at)


def ids(items: list[dict[str, Any]]) -> list[int]:
    return [item["id"] for item in items]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestTickets:
    def test_are_those_that_were_created_changed_or_commented(self, owner: User, signed_in: SignIn) -> None:
        api = signed_in(owner)
        old, changed_one, commented = (make_ticket(owner) for _ in range(3))
        since = now()

        make_comment(commented, owner)
        services.sequence()
        api.patch(f"/tickets/{changed_one.pk}", {"title": "Fix the lamp"})
        services.sequence()
        new = make_ticket(owner)

        assert ids(changed(api, "/tickets", since)) == [commented.pk, changed_one.pk, new.pk]
        assert ids(changed(api, "/tickets", since, limit=1)) == [commented.pk, changed_one.pk, new.pk]
        assert old.pk in ids(changed(api, "/tickets", LONG_AGO))

    def test_say_when_in_their_activity_date(self, owner: User, signed_in: SignIn) -> None:
        api = signed_in(owner)
        ticket = make_ticket(owner)
        since = now()
        make_comment(ticket, owner)

        (item,) = changed(api, "/tickets", since)

        assert (item["version"], item["updatedDate"]) == (1, None)
        assert item["activityDate"] >= since[:23]
        assert api.get(f"/tickets/{ticket.pk}").json()["activityDate"] == item["activityDate"]
        assert ids(changed(api, "/tickets", item["activityDate"])) == [ticket.pk]

    def test_are_only_those_that_the_caller_may_see(
        self, owner: User, outsider: User, signed_in: SignIn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("kit.activity.lists.SCAN", 8)
        hidden = Project.objects.helpdesk()
        for _ in range(12):
            make_ticket(owner, project=hidden)
            services.sequence()
        mine = make_ticket(outsider)

        first = signed_in(outsider).get(f"/tickets?updatedSince={LONG_AGO}&limit=2").json()

        assert (first["items"], first["nextCursor"] is None) == ([], False)
        assert ids(changed(signed_in(outsider), "/tickets", LONG_AGO, limit=2)) == [mine.pk]

    def test_cannot_be_filtered_or_sorted_otherwise(self, owner: User, signed_in: SignIn) -> None:
        query: dict[str, Any] = {"updatedSince": LONG_AGO, "status": "open", "ordering": "title", "page": 2}

        response = signed_in(owner).get("/tickets", query)

        assert response.status_code == 400
        assert {error["field"]: error["message"] for error in response.json()["errors"]} == {
            "status": "Cannot be combined with updatedSince.",
            "ordering": '"title" is not a valid choice.',
            "page": "This call has no such parameter.",
        }

    def test_take_the_same_statements_for_a_page_of_any_length(self, owner: User, signed_in: SignIn) -> None:
        api, numbers = signed_in(owner), []
        for number in (1, 10):
            since = now()
            for _ in range(number):
                make_ticket(owner)
            services.sequence()
            with CaptureQueriesContext(connection) as captured:
                assert len(api.get("/tickets", {"updatedSince": since}).json()["items"]) == number
            numbers.append(len(captured))

        # The caller, the sequencer, the changed ids, the visible ones, and their rows.
        assert numbers == [5, 5]


@pytest.mark.django_db
class TestOthers:
    def test_have_what_has_changed(self, admin: User, signed_in: SignIn) -> None:
        api = signed_in(admin)
        event, project = make_event(admin), Project.objects.create(name="Buildings")
        other, booking = make_event(admin), book(event)
        make_event(admin)
        since = now()

        psql("UPDATE events_booking SET status = 'cancelled', cancelled = quantity WHERE id = %(id)s", id=booking.pk)
        psql("UPDATE events_inventory SET capacity = 12 WHERE event_id = %(id)s", id=other.pk)
        psql("UPDATE projects_project SET name = 'Houses' WHERE id = %(id)s", id=project.pk)
        psql("UPDATE accounts_user SET name = 'Ada Newname' WHERE id = %(id)s", id=admin.pk)

        assert ids(changed(api, "/bookings", since)) == [booking.pk]
        assert ids(changed(api, "/events", since)) == [other.pk]
        assert ids(changed(api, "/projects", since)) == [project.pk]
        assert ids(changed(api, "/users", since)) == [admin.pk]
        for path in ("/bookings", "/events", "/projects", "/users"):
            assert changed(api, path, LONG_AGO, limit=1) == changed(api, path, LONG_AGO)

    @pytest.mark.parametrize("path", ["/bookings", "/projects", "/users"])
    def test_have_no_other_use_for_the_order(self, path: str, admin: User, signed_in: SignIn) -> None:
        response = signed_in(admin).get(path, {"ordering": "updatedDate"})

        assert response.status_code == 400
        assert response.json()["message"] == "ordering: Only with updatedSince."

    def test_are_only_those_that_the_caller_may_see(self, admin: User, owner: User, signed_in: SignIn) -> None:
        make_event(admin, status="draft")
        book(make_event(admin))
        mine = book(make_event(admin), owner)

        assert ids(changed(signed_in(owner), "/bookings", LONG_AGO)) == [mine.pk]
        assert len(changed(signed_in(owner), "/events", LONG_AGO)) == 2
        assert signed_in(owner).get("/users", {"updatedSince": LONG_AGO}).status_code == 403


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestWhileOthersWrite:
    def test_nothing_is_missed_by_a_client_that_goes_on_where_it_was(self, owner: User, signed_in: SignIn) -> None:
        """Without any overlap: the client asks for what has changed since the latest activity that it has seen."""
        api = signed_in(owner)
        tickets = [make_ticket(owner).pk for _ in range(5)]
        copy = {item["id"]: item for item in changed(api, "/tickets", LONG_AGO)}
        committed: list[tuple[int, int]] = []
        writers = [threading.Thread(target=write, args=(seed, tickets, committed)) for seed in range(6)]
        for writer in writers:
            writer.start()

        def synchronise() -> None:
            since = max(item["activityDate"] for item in copy.values())
            copy.update({item["id"]: item for item in changed(api, "/tickets", since, limit=2)})

        while any(writer.is_alive() for writer in writers):
            synchronise()
            time.sleep(0.001)
        for writer in writers:
            writer.join()
        synchronise()

        last = dict(psql("SELECT id, version FROM tickets_ticket"))
        assert {number: item["version"] for number, item in copy.items()} == last

    def test_what_commits_late_counts_from_then(self, owner: User, signed_in: SignIn) -> None:
        ticket = make_ticket(owner)
        wrote, may_commit = threading.Event(), threading.Event()

        def write_slowly() -> None:
            with transaction.atomic():
                psql("UPDATE tickets_ticket SET title = 'Slowly' WHERE id = %(id)s", id=ticket.pk)
                wrote.set()
                may_commit.wait(10)
            connection.close()

        writer = threading.Thread(target=write_slowly)
        writer.start()
        wrote.wait(10)
        since = now()
        may_commit.set()
        writer.join()

        assert ids(changed(signed_in(owner), "/tickets", since)) == [ticket.pk]
