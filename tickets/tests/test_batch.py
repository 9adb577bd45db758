"""`POST /tickets/batch`: up to 100 tickets created or changed by one request."""

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from pytest_django.live_server_helper import LiveServer
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from accounts.tests.factories import make_user
from kit.errors import Invalid
from kit.idempotency.models import IdempotencyKey
from kit.tests.races import at_once, during
from notifications.models import Delivery
from projects.models import Project
from projects.tests.psql import psql
from tickets import queries, services
from tickets.models import Assignment, Ticket, TicketEvent
from tickets.serializers import MAX_BATCH
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]
committing = pytest.mark.django_db(transaction=True, serialized_rollback=True)
LONG_AGO = "2001-01-01T00:00:00Z"


def send(api: APIClient, *items: Any, **headers: str) -> list[Any]:
    answer = api.post("/tickets/batch", {"items": list(items)}, headers=headers)
    assert answer.status_code == 200, answer.content
    found: list[Any] = answer.json()["items"]
    return found


def statuses(results: list[Any]) -> list[int]:
    return [result["status"] for result in results]


def without(result: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in result.items() if name not in names}


class TestCreatedItems:
    def test_are_returned_in_order(self, api: APIClient) -> None:
        results = send(api, *({"title": f"Ticket {number}"} for number in range(MAX_BATCH)))

        assert statuses(results) == [201] * MAX_BATCH
        assert [result["ticket"]["title"] for result in results] == [f"Ticket {number}" for number in range(MAX_BATCH)]
        ids = [result["ticket"]["id"] for result in results]
        assert ids == sorted(set(ids))

    def test_are_like_those_of_single_calls(
        self, owner: User, assignee: User, project: Project, api: APIClient
    ) -> None:
        bodies: list[dict[str, Any]] = [
            {"title": "Only a title"},
            {
                "title": "Everything",
                "description": 'Quotes " and \\ and “é”\nand 😀',
                "type": "bug",
                "venue": "Hall 7",
                "price": 12.5,
                "priority": "low",
                "project": project.pk,
                "status": "in progress",
                "dueDate": "2099-08-01T18:00:00.123456+02:00",
                "createdBy": owner.pk,
                "assignedUsers": [assignee.pk, owner.pk],
            },
            {"title": "Nulls", "description": None, "venue": None, "price": None, "dueDate": None, "status": None},
            {"title": "Done", "status": "closed", "priority": "high"},
        ]

        results = send(api, *bodies)

        singles = [api.post("/ticket", body).json() for body in bodies]
        differing = ("id", "createdDate", "activityDate", "slaDue")
        assert [without(each["ticket"], *differing) for each in results] == [
            without(one, *differing) for one in singles
        ]
        details = [api.get(f"/tickets/{each['ticket']['id']}").json()["sla"] for each in results]
        assert [without(sla, "closedDate") for sla in details] == [
            without(api.get(f"/tickets/{one['id']}").json()["sla"], "closedDate") for one in singles
        ]

    def test_have_the_history_of_single_calls_and_no_mail(self, owner: User, assignee: User, api: APIClient) -> None:
        results = send(api, *({"title": title, "assignedUsers": [assignee.pk]} for title in ("A", "B")))

        for result in results:
            items = api.get(f"/tickets/{result['ticket']['id']}/history").json()["items"]
            assert [(item["by"]["id"], item["door"]) for item in items] == [(owner.pk, "api")] * 2
            assert result["ticket"]["version"] == 1
        assert not Delivery.objects.exists()

    def test_stand_alone(self, owner: User, assignee: User, admin: User, api: APIClient) -> None:
        bodies: list[Any] = [
            {"title": "First"},
            {"title": ""},
            {"title": "Late", "dueDate": LONG_AGO},
            {"title": "Lost", "project": 10**30},
            {"title": "Not mine", "createdBy": assignee.pk},
            {"title": "Closed", "status": "closed", "assignedUsers": [assignee.pk]},
            {"title": "Nobody", "assignedUsers": [10**30]},
            {"title": "Admin", "assignedUsers": [assignee.pk, admin.pk]},
            {"title": "Twice", "assignedUsers": [assignee.pk, assignee.pk]},
            {"title": "", "project": 10**6, "dueDate": LONG_AGO, "assignedUsers": [10**6]},
            {"title": "Last"},
        ]

        results = send(api, *bodies)

        assert [result.get("ticket", {}).get("title") for result in results] == ["First", *[None] * 9, "Last"]
        assert list(Ticket.objects.order_by("pk").values_list("title", flat=True)) == ["First", "Last"]
        assert not Assignment.objects.exists()
        for body, result in zip(bodies[1:-1], results[1:-1], strict=True):
            single = api.post("/ticket", body)
            assert result["status"] == single.status_code
            assert without(result["problem"], "requestId") == without(single.json(), "requestId")

    @pytest.mark.parametrize("item", [None, 5, "title", ["title"], [{"title": "A"}]])
    def test_that_are_no_objects_are_refused_alone(self, item: Any, api: APIClient) -> None:
        results = send(api, {"title": "First"}, item, {"title": "Last"})

        assert statuses(results) == [201, 400, 201]
        assert results[1]["problem"]["message"] == "The item must be a JSON object"

    def test_that_a_constraint_refuses_do_not_affect_the_others(self, api: APIClient) -> None:
        psql("ALTER TABLE tickets_ticket ADD CONSTRAINT no_venue CHECK (venue <> 'Nowhere') NOT VALID")

        results = send(api, {"title": "A", "key": "a"}, {"title": "B", "venue": "Nowhere", "key": "b"}, {"title": "C"})

        assert statuses(results) == [201, 500, 201]
        assert Ticket.objects.count() == 2
        assert IdempotencyKey.objects.count() == 1

    def test_by_admins_can_be_of_other_users(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        results = send(signed_in(admin), {"title": "A", "createdBy": owner.pk}, {"title": "B"})

        assert [result["ticket"]["createdBy"] for result in results] == [owner.pk, admin.pk]


class TestChangedItems:
    def test_are_like_those_of_single_calls(self, ticket: Ticket, api: APIClient) -> None:
        results = send(api, {"id": ticket.pk, "status": "in-progress"}, {"id": str(ticket.pk), "title": "Renamed"})

        assert statuses(results) == [200, 200]
        assert [result["ticket"]["version"] for result in results] == [2, 3]
        single = api.get(f"/tickets/{ticket.pk}").json()
        assert results[1]["ticket"] == without(single, *(single.keys() - results[0]["ticket"].keys()))

    def test_stand_alone(
        self, ticket: Ticket, hidden_ticket: Ticket, project: Project, outsider: User, signed_in: SignedIn
    ) -> None:
        own, api = make_ticket(outsider), signed_in(outsider)
        bodies: list[dict[str, Any]] = [
            {"id": own.pk, "priority": "high"},
            {"id": hidden_ticket.pk, "status": "closed"},
            {"id": ticket.pk, "status": "closed"},
            {"id": own.pk, "status": "closed", "version": 1},
            {"id": own.pk, "title": "", "dueDate": LONG_AGO, "project": 10**6},
            {"id": 10**30, "title": "A"},
            {"id": own.pk, "createdBy": ticket.created_by_id},
            {"id": own.pk, "venue": "Hall 7", "version": 2},
        ]

        results = send(api, *bodies)

        assert statuses(results) == [200, 404, 403, 409, 400, 404, 403, 200]
        for body, result in zip(bodies[1:-1], results[1:-1], strict=True):
            single = api.patch(f"/tickets/{body['id']}", without(body, "id")).json()
            # By now, more fields have changed than when the batch was refused.
            left_out = ["requestId", *(["errors"] if result["status"] == 409 else [])]
            assert without(result["problem"], *left_out) == without(single, *left_out)
        own.refresh_from_db()
        assert (own.priority, own.status, own.venue, own.version) == ("high", "open", "Hall 7", 3)

    @pytest.mark.parametrize("ticket_id", ["seven", 1.5, True, [1]])
    def test_need_a_valid_id(self, ticket_id: Any, api: APIClient) -> None:
        (result,) = send(api, {"id": ticket_id, "title": "A"})

        assert (result["status"], result["problem"]["errors"][0]["field"]) == (400, "id")

    def test_mix_with_new_tickets(self, ticket: Ticket, api: APIClient) -> None:
        results = send(
            api, {"id": ticket.pk, "title": "Old"}, {"title": "New", "id": None}, {"id": 10**6, "title": "No"}
        )

        assert statuses(results) == [200, 201, 404]
        assert [results[0]["ticket"]["title"], results[1]["ticket"]["title"]] == ["Old", "New"]

    @committing
    def test_notify_as_single_calls_do(self, ticket: Ticket, assignee: User, api: APIClient) -> None:
        assign(ticket, assignee)
        Delivery.objects.all().delete()

        send(api, {"id": ticket.pk, "status": "closed"})

        assert list(Delivery.objects.values_list("user_id", flat=True)) == [assignee.pk]

    @committing
    def test_are_executed_although_another_ticket_is_locked(
        self, ticket: Ticket, owner: User, signed_in: SignedIn
    ) -> None:
        other, api = make_ticket(owner), signed_in(owner)

        (results,) = during(
            lambda: Ticket.objects.select_for_update().get(pk=ticket.pk),
            lambda: send(api, {"id": other.pk, "title": "A"}, {"id": ticket.pk, "title": "B"}),
        )

        assert statuses(results) == [200, 200]


class TestBody:
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "This field is required."),
            ({"items": None}, "This field may not be null."),
            ({"items": []}, "This list may not be empty."),
            ({"items": {}}, "Must be a list of items."),
            ({"items": "title"}, "Must be a list of items."),
            ({"items": [{"title": "A"}] * 101}, "Ensure this field has no more than 100 elements."),
        ],
    )
    def test_without_a_list_of_items_is_refused(self, body: dict[str, Any], message: str, api: APIClient) -> None:
        answer = api.post("/tickets/batch", body)

        assert answer.status_code == 400
        assert answer.json()["errors"] == [{"field": "items", "message": message}]
        assert not Ticket.objects.exists()

    def test_must_be_an_object(self, api: APIClient) -> None:
        assert api.generic("POST", "/tickets/batch", "[]", "application/json").status_code == 400

    def test_needs_a_signed_in_caller(self, anonymous: APIClient) -> None:
        assert anonymous.post("/tickets/batch", {"items": [{"title": "A"}]}).status_code == 401


class TestKeys:
    def test_return_the_first_result(self, api: APIClient) -> None:
        items = [{"title": title, "key": title} for title in "ABC"]

        first = send(api, *items)

        assert send(api, *reversed(items)) == first[::-1]
        assert Ticket.objects.count() == 3

    def test_return_the_first_result_of_a_change(self, ticket: Ticket, api: APIClient) -> None:
        change = {"id": ticket.pk, "title": "Renamed", "version": 1, "key": "k"}

        first = send(api, change)

        assert send(api, change) == first
        assert statuses(send(api, without(change, "key"))) == [409]

    def test_of_another_content_are_refused_alone(self, ticket: Ticket, api: APIClient) -> None:
        send(api, {"title": "A", "key": "a"}, {"id": ticket.pk, "title": "B", "key": "b"})

        results = send(
            api,
            {"title": "Another", "key": "a"},
            {"title": ""},
            {"id": ticket.pk, "title": "Another", "key": "b"},
            {"title": "C", "key": "c"},
        )

        assert statuses(results) == [422, 400, 422, 201]
        assert results[0]["problem"]["code"] == "idempotency_key_reused"
        assert Ticket.objects.count() == 3

    def test_are_not_used_up_by_refused_items(self, api: APIClient) -> None:
        assert statuses(send(api, {"title": "", "key": "a"}, {"id": 10**6, "key": "b"})) == [400, 404]

        assert statuses(send(api, {"title": "A", "key": "a"}, {"title": "B", "key": "b"})) == [201, 201]

    def test_must_differ_within_a_request(self, api: APIClient) -> None:
        results = send(api, {"title": "A", "key": "a"}, {"title": "A", "key": "a"}, {"title": "B", "key": "b"})

        assert statuses(results) == [201, 400, 201]
        assert results[1]["problem"]["errors"] == [{"field": "key", "message": "Another item has the same key."}]

    @pytest.mark.parametrize("key", ["", "a b", "é", "k" * 256, 5, True, ["a"], {"a": 1}])
    def test_must_be_valid(self, key: Any, api: APIClient) -> None:
        results = send(api, {"title": "A", "key": key}, {"title": "B", "key": None})

        assert statuses(results) == [400, 201]
        assert results[0]["problem"]["errors"][0]["field"] == "key"

    def test_belong_to_their_user(self, api: APIClient, outsider: User, signed_in: SignedIn) -> None:
        item = {"title": "A", "key": "a"}

        assert statuses(send(api, item) + send(signed_in(outsider), item)) == [201, 201]
        assert Ticket.objects.count() == 2

    def test_in_the_header_apply_to_items_by_position(self, api: APIClient) -> None:
        items = [{"title": "A"}, {"title": ""}, {"title": "C", "key": "c"}, {"title": "D"}]
        first = send(api, *items, **{"Idempotency-Key": "whole"})

        again = send(api, {"title": "A"}, {"title": "B"}, {"title": "C", "key": "c"}, **{"Idempotency-Key": "whole"})

        assert statuses(first) == [201, 400, 201, 201]
        assert (again[0], statuses(again)[1], again[2]) == (first[0], 201, first[2])
        assert statuses(send(api, {"title": "Z"}, **{"Idempotency-Key": "whole"})) == [422]
        assert Ticket.objects.count() == 4

    def test_in_the_header_must_be_valid(self, api: APIClient) -> None:
        answer = api.post("/tickets/batch", {"items": [{"title": "A"}]}, headers={"Idempotency-Key": "a b"})

        assert answer.status_code == 400

    def test_read_a_long_ticket_again(
        self, owner: User, hidden_project: Project, assignee: User, api: APIClient
    ) -> None:
        long = {"title": "Long", "description": "😀" * 20_000, "key": "long"}
        first = send(api, long)

        assert send(api, long) == first
        assert Ticket.objects.count() == 1

    def test_do_not_reveal_a_long_ticket_that_is_hidden_by_now(
        self, hidden_ticket: Ticket, assignee: User, signed_in: SignedIn
    ) -> None:
        assign(hidden_ticket, assignee)
        change = {"id": hidden_ticket.pk, "description": "😀" * 20_000, "key": "long"}
        assert statuses(send(signed_in(assignee), change)) == [200]
        services.unassign(ticket_id=hidden_ticket.pk, user_id=assignee.pk, by=hidden_ticket.created_by)

        assert statuses(send(signed_in(assignee), change)) == [404]


class TestStatements:
    @pytest.mark.parametrize("number", [1, 100])
    def test_of_new_tickets_are_nine(
        self, number: int, api: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        """The caller, the project, the policy, the tickets and the result, besides those of two savepoints."""
        with django_assert_num_queries(9):
            send(api, *({"title": f"Ticket {each}"} for each in range(number)))

    @pytest.mark.parametrize("number", [1, 100])
    def test_do_not_depend_on_the_number_of_items(
        self, number: int, assignee: User, project: Project, api: APIClient, admin: User, signed_in: SignedIn
    ) -> None:
        people = [make_user() for _ in range(5)]
        new = {"title": "A", "project": project.pk, "assignedUsers": [user.pk for user in people]}
        api = signed_in(admin)

        with CaptureQueriesContext(connection) as captured:
            results = send(
                api, *(new | {"key": f"k{each}", "createdBy": people[each % 5].pk} for each in range(number))
            )

        assert statuses(results) == [201] * number
        # They also claim keys, lock people, assign them and store the results.
        assert len(captured) == 13

    @pytest.mark.parametrize("number", [2, 99])
    def test_do_not_depend_on_the_number_of_bad_items(self, number: int, api: APIClient) -> None:
        bad = {"title": "", "project": 10**6, "createdBy": 10**6, "assignedUsers": [10**6], "dueDate": LONG_AGO}

        with CaptureQueriesContext(connection) as captured:
            send(api, *[bad] * number, {"title": "A"})

        assert len(captured) == 11


class TestRecipe:
    @committing
    def test_creates_more_than_a_batch_and_can_be_repeated(self, owner: User, live_server: LiveServer) -> None:
        text = (settings.BASE_DIR / "docs" / "api.md").read_text()
        (recipe,) = re.findall(r"```python\n(import requests\n.*?)```", text, re.DOTALL)
        names: dict[str, Any] = {}
        exec(recipe, names)
        tickets = [{"title": f"Ticket {number}", "key": f"k{number}"} for number in range(101)]

        first = names["send"](tickets, live_server.url, tokens.issue(owner).access)

        assert names["send"](tickets, live_server.url, tokens.issue(owner).access) == first
        assert (statuses(first), Ticket.objects.count()) == ([201] * 101, 101)


class TestRaces:
    @committing
    @pytest.mark.parametrize("is_reversed", [False, True])
    def test_items_with_the_same_keys_are_executed_once(
        self, is_reversed: bool, owner: User, assignee: User, signed_in: SignedIn
    ) -> None:
        clients = [signed_in(owner) for _ in range(4)]
        items = [{"title": f"Ticket {each}", "key": f"k{each}", "assignedUsers": [assignee.pk]} for each in range(30)]
        orders = [items, items[:: -1 if is_reversed else 1]] * 2

        answers = at_once(
            *(lambda api=api, order=order: send(api, *order) for api, order in zip(clients, orders, strict=True))
        )

        assert Ticket.objects.count() == 30
        assert [statuses(answer) for answer in answers] == [[201] * 30] * 4
        by_title = [{each["ticket"]["title"]: each["ticket"] for each in answer} for answer in answers]
        assert by_title == [by_title[0]] * 4

    @committing
    def test_changes_with_the_same_keys_are_executed_once(self, owner: User, signed_in: SignedIn) -> None:
        tickets = [make_ticket(owner) for _ in range(10)]
        items = [{"id": each.pk, "title": "Renamed", "version": 1, "key": f"k{each.pk}"} for each in tickets]
        clients = [signed_in(owner) for _ in range(3)]

        answers = at_once(*(lambda api=api: send(api, *items) for api in clients))

        assert [statuses(answer) for answer in answers] == [[200] * 10] * 3
        assert set(Ticket.objects.values_list("version", flat=True)) == {2}

    @committing
    def test_batches_that_assign_the_same_people_in_another_order_do_not_deadlock(
        self, owner: User, agent: User, signed_in: SignedIn
    ) -> None:
        people = [make_user() for _ in range(5)]
        items = [{"title": "A", "assignedUsers": [user.pk]} for user in people * 6]

        def rename() -> None:
            for user in people[::-1]:
                User.objects.filter(pk=user.pk).update(name="Renamed")

        answers = at_once(
            lambda: send(signed_in(owner), *items),
            lambda: send(signed_in(agent), *items[::-1]),
            lambda: send(signed_in(owner), *items[::-1]),
            rename,
        )

        assert [statuses(answer) for answer in answers[:3]] == [[201] * 30] * 3

    @committing
    def test_an_assignee_who_is_deactivated_meanwhile_is_refused_alone(
        self, owner: User, assignee: User, outsider: User
    ) -> None:
        items = [{"title": "A", "assigned_user_ids": [user.pk]} for user in (assignee, outsider)]

        (made,) = during(
            lambda: User.objects.filter(pk=assignee.pk).update(is_active=False),
            lambda: services.create_many(items=items, by=owner, at=timezone.now()),
        )

        assert [type(each) for each in made] == [services.UserNotFound, int]
        assert list(Assignment.objects.values_list("user_id", flat=True)) == [outsider.pk]

    @committing
    def test_a_project_that_is_deleted_meanwhile_refuses_its_items_alone(self, owner: User, project: Project) -> None:
        items: list[dict[str, Any]] = [{"title": "A", "project_id": project.pk}, {"title": "B"}]

        (made,) = during(
            lambda: Project.objects.filter(pk=project.pk).delete(),
            lambda: services.create_many(items=items, by=owner, at=timezone.now()),
        )

        assert [type(each) for each in made] == [Invalid, int]
        assert list(Ticket.objects.values_list("title", flat=True)) == ["B"]


class TestCreateMany:
    @examples(max_examples=25, suppress_health_check=list(HealthCheck))
    @given(choices=st.lists(st.integers(0, 7), min_size=1, max_size=12))
    def test_has_the_outcomes_of_creating_one_by_one(
        self, choices: list[int], owner: User, assignee: User, admin: User, project: Project
    ) -> None:
        at = timezone.now()
        kinds: list[dict[str, Any]] = [
            {},
            {"project_id": project.pk, "priority": "high"},
            {"assigned_user_ids": [assignee.pk, owner.pk]},
            {"assigned_user_ids": [admin.pk]},
            {"project_id": 10**6, "due_at": at - timedelta(days=1)},
            {"created_by_id": assignee.pk},
            {"status": "closed", "priority": "low"},
            {"due_at": at + timedelta(days=1), "price": 5},
        ]
        items = [{"title": f"Ticket {choice}", **kinds[choice]} for choice in choices]

        together_made = services.create_many(items=items, by=owner, at=at)

        one_by_one = [services.create_many(items=[item], by=owner, at=at)[0] for item in items]
        assert [self.outcome(each) for each in together_made] == [self.outcome(each) for each in one_by_one]

    def outcome(self, made: Any) -> Any:
        if not isinstance(made, int):
            return type(made), made.message, made.fields
        event = TicketEvent.objects.get(pgh_obj_id=made)
        (row,) = queries.tickets_by_id([made])
        detail = queries.ticket(ticket_id=made, viewer=event.created_by, at=event.created_at)
        return without(row, "id"), without(detail or {}, "id"), event.version, event.title
