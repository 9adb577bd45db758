"""Events and bookings over HTTP. The rules themselves are tested in test_services.py."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import MAX_CAPACITY, MAX_PRICE, Booking, BookingEntry, Event
from events.tests.factories import GUEST, book, make_event
from events.tokens import manage_token
from kit.idempotency.models import IdempotencyKey

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

NEW = {"name": "Jazz in the park", "startsAt": "2099-08-01T20:00:00+02:00", "capacity": 12, "price": 19.9}
AS_GUEST = {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"}
UNUSED_ID = 2**40
TOO_LARGE_ID = 2**70


@pytest.fixture
def draft(admin: User) -> Event:
    return make_event(admin, status="draft")


@pytest.fixture
def withdrawn(admin: User) -> Event:
    """An event deleted by document 003's rules: the rows are kept, but nobody sees them."""
    event = make_event(admin)
    services.withdraw(event_id=event.pk, by=admin, at=timezone.now())
    return event


def code(response: Any) -> tuple[int, str]:
    assert response["Content-Type"] == "application/problem+json", response.content
    return response.status_code, response.json()["code"]


def invalid_fields(response: Any) -> list[str]:
    assert response.status_code == 400, response.content
    return [error["field"] for error in response.json()["errors"]]


def ids(response: Any) -> list[int]:
    assert response.status_code == 200, response.content
    return [item["id"] for item in response.json()["items"]]


def with_token(token: str) -> APIClient:
    api = APIClient()
    api.credentials(HTTP_X_MANAGE_TOKEN=token)
    return api


class TestCreateEvent:
    def test_returns_the_event(self, admin: User, signed_in: SignedIn) -> None:
        response = signed_in(admin).post("/events", NEW)

        assert response.status_code == 201
        shown = response.json()
        assert shown.pop("createdAt").endswith("Z")
        assert shown == {
            "id": Event.objects.get().pk,
            "name": "Jazz in the park",
            "description": "",
            "venue": "",
            "timezone": "UTC",
            "startsAt": "2099-08-01T18:00:00Z",
            "endsAt": None,
            "bookingsCloseAt": "2099-08-01T18:00:00Z",
            "capacity": 12,
            "withheld": 0,
            "price": 19.9,
            "currency": "EUR",
            "maxPerBooking": 10,
            "status": "published",
            "available": 12,
            "waiting": 0,
            "createdBy": admin.pk,
            "version": 1,
        }

    def test_accepts_every_field_it_returns(self, admin: User, signed_in: SignedIn) -> None:
        more = {"bookingsCloseAt": None, "maxPerBooking": None, "withheld": 2, "status": "draft", "venue": "Hall"}

        shown = signed_in(admin).post("/events", NEW | more).json()

        assert shown == shown | more | {"available": 10}

    @pytest.mark.parametrize("missing", NEW)
    def test_requires_four_fields(self, admin: User, signed_in: SignedIn, missing: str) -> None:
        body = {name: value for name, value in NEW.items() if name != missing}

        assert invalid_fields(signed_in(admin).post("/events", body)) == [missing]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            *[("name", value) for value in ("", " ", "x" * 256, "two\nlines", 7, None)],
            *[("venue", value) for value in ("x" * 256,)],
            *[("description", value) for value in ("x" * 20_001, "\x00")],
            *[("startsAt", value) for value in ("", "2099-08-01", "2099-08-01T18:00:00", 1, None)],
            *[("bookingsCloseAt", value) for value in ("", "soon")],
            *[("capacity", value) for value in (0, -1, 1_000_001, "12.0", 1.5, True, None, 10**30)],
            *[("withheld", value) for value in (-1, 13, "-1")],
            *[("price", value) for value in (-1, 100_000_000, 0.001, "19,9", None)],
            *[("maxPerBooking", value) for value in (0, -1, "0", 2**31)],
            *[("status", value) for value in ("cancelled", "Draft")],
        ],
    )
    def test_refuses_invalid_values(self, admin: User, signed_in: SignedIn, field: str, value: Any) -> None:
        assert invalid_fields(signed_in(admin).post("/events", NEW | {field: value})) == [field]
        assert not Event.objects.exists()

    def test_is_for_admins(self, owner: User, agent: User, signed_in: SignedIn, anonymous: APIClient) -> None:
        statuses = [api.post("/events", NEW).status_code for api in (signed_in(owner), signed_in(agent), anonymous)]

        assert statuses == [403, 403, 401]


class TestReadEvent:
    def test_is_public(self, event: Event, owner: User, signed_in: SignedIn, anonymous: APIClient) -> None:
        book(event, quantity=4)

        responses = [api.get(f"/events/{event.pk}") for api in (anonymous, signed_in(owner))]

        assert [response.status_code for response in responses] == [200, 200]
        assert responses[0].json() == responses[1].json()
        assert responses[0].json()["available"] == 6

    @pytest.mark.parametrize("path", ["", "/availability", "/bookings", "/cancel"])
    @pytest.mark.parametrize("number", [UNUSED_ID, TOO_LARGE_ID])
    def test_unknown_event_is_404(self, admin: User, signed_in: SignedIn, path: str, number: int) -> None:
        method = "post" if path == "/cancel" else "get"

        assert code(getattr(signed_in(admin), method)(f"/events/{number}{path}")) == (404, "event_not_found")

    def test_shows_drafts_to_admins_only(
        self, draft: Event, owner: User, agent: User, admin: User, signed_in: SignedIn, anonymous: APIClient
    ) -> None:
        callers = (anonymous, signed_in(owner), signed_in(agent), signed_in(admin))

        for path in ("", "/availability"):
            statuses = [api.get(f"/events/{draft.pk}{path}").status_code for api in callers]
            assert statuses == [404, 404, 404, 200]
        listed = [ids(api.get("/events")) for api in callers]
        assert listed == [[], [], [], [draft.pk]]
        assert code(anonymous.post(f"/events/{draft.pk}/bookings", {"guest": AS_GUEST})) == (404, "event_not_found")
        assert code(signed_in(owner).post(f"/events/{draft.pk}/bookings")) == (404, "event_not_found")
        assert code(signed_in(admin).post(f"/events/{draft.pk}/bookings")) == (409, "event_not_published")

    def test_hides_withdrawn_events_from_everyone(self, withdrawn: Event, admin: User, signed_in: SignedIn) -> None:
        api, path = signed_in(admin), f"/events/{withdrawn.pk}"

        responses = [
            *(api.get(f"{path}{more}") for more in ("", "/availability", "/bookings")),
            *(api.post(f"{path}{more}") for more in ("/bookings", "/cancel")),
            api.put(path, NEW),
            api.patch(path, {}),
            api.delete(path),
        ]

        assert [code(response) for response in responses] == [(404, "event_not_found")] * 8
        assert ids(api.get("/events")) == []

    def test_runs_one_query(
        self, event: Event, anonymous: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for path in (f"/events/{event.pk}", f"/events/{event.pk}/availability"):
            with django_assert_num_queries(1):
                anonymous.get(path)


class TestListEvents:
    def test_has_the_same_items_as_reading_one(self, event: Event, anonymous: APIClient) -> None:
        response = anonymous.get("/events")

        assert response.json() == {"items": [anonymous.get(f"/events/{event.pk}").json()], "nextCursor": None}

    @pytest.fixture
    def season(self, admin: User) -> dict[str, Event]:
        """Events with seats left, sold out, with a waiting list, closed and cancelled; newest first."""
        at = timezone.now().replace(microsecond=0)

        def make(name: str, days: int, **fields: Any) -> Event:
            return make_event(
                admin, name=name, starts_at=at + timedelta(days=days), created_at=at - timedelta(days=days), **fields
            )

        season = {
            "free": make("Free seats", 1, venue="Old Theatre"),
            "sold_out": make("Sold out", 2, capacity=1),
            "waiting": make("Waiting list", 3, capacity=2),
            "closed": make("Closed", 4, bookings_close_at=at),
            "cancelled": make("100% theatre", 5),
        }
        book(season["sold_out"])
        book(season["waiting"])
        book(season["waiting"], quantity=2)
        services.cancel_event(event_id=season["cancelled"].pk, by=admin, at=at)
        return season

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({}, ["free", "sold_out", "waiting", "closed", "cancelled"]),
            ({"ordering": "createdAt"}, ["cancelled", "closed", "waiting", "sold_out", "free"]),
            ({"ordering": "startsAt"}, ["free", "sold_out", "waiting", "closed", "cancelled"]),
            ({"ordering": "-startsAt"}, ["cancelled", "closed", "waiting", "sold_out", "free"]),
            ({"search": "THEATRE"}, ["free", "cancelled"]),
            ({"search": "théatre"}, ["free", "cancelled"]),
            ({"search": "heatre"}, []),
            ({"search": "%"}, []),
            ({"search": "_"}, []),
            ({"search": ""}, ["free", "sold_out", "waiting", "closed", "cancelled"]),
            ({"status": "cancelled"}, ["cancelled"]),
            ({"status": "draft"}, []),
            ({"available": "true"}, ["free"]),
            ({"available": "false"}, ["sold_out", "waiting", "closed", "cancelled"]),
            ({"available": "true", "search": "sold"}, []),
        ],
    )
    def test_filters_and_orders(
        self, season: dict[str, Event], anonymous: APIClient, query: dict[str, str], found: list[str]
    ) -> None:
        assert ids(anonymous.get("/events", query)) == [season[name].pk for name in found]

    def test_filters_by_start(self, season: dict[str, Event], anonymous: APIClient) -> None:
        start, end = (season[name].starts_at for name in ("sold_out", "waiting"))

        for bounds in (
            {"startDate": start.isoformat(), "endDate": end.isoformat()},
            {"startDate": f"{start:%Y-%m-%d}", "endDate": f"{end:%Y-%m-%d}"},
        ):
            assert ids(anonymous.get("/events", bounds)) == [season["sold_out"].pk, season["waiting"].pk]

    @pytest.mark.parametrize("ordering", ["createdAt", "-createdAt", "startsAt", "-startsAt"])
    @pytest.mark.parametrize("limit", [1, 2, 3])
    def test_pages_have_every_event_once(self, admin: User, anonymous: APIClient, ordering: str, limit: int) -> None:
        at = timezone.now()
        for days in (1, 1, 1, 2, 2):
            make_event(admin, starts_at=at + timedelta(days=days), created_at=at - timedelta(days=days))
        shown: list[int] = []
        cursor: str | None = ""

        while cursor is not None:
            page = anonymous.get("/events", {"ordering": ordering, "limit": str(limit), "cursor": cursor}).json()
            shown += [item["id"] for item in page["items"]]
            cursor = page["nextCursor"]

        assert shown == ids(anonymous.get("/events", {"ordering": ordering}))
        assert sorted(shown) == sorted(Event.objects.values_list("pk", flat=True))

    @pytest.mark.parametrize(
        ("query", "field"),
        [
            ({"status": "open"}, "status"),
            ({"available": "maybe"}, "available"),
            ({"ordering": "price"}, "ordering"),
            ({"limit": 0}, "limit"),
            ({"limit": 101}, "limit"),
            ({"cursor": "bm8"}, "cursor"),
            ({"startDate": "yesterday"}, "startDate"),
            ({"startDate": "2024-07-02", "endDate": "2024-07-01"}, "startDate"),
        ],
    )
    def test_refuses_invalid_parameters(self, anonymous: APIClient, query: dict[str, Any], field: str) -> None:
        assert invalid_fields(anonymous.get("/events", query)) == [field]

    def test_refuses_the_cursor_of_another_ordering(self, admin: User, anonymous: APIClient) -> None:
        for _ in range(2):
            make_event(admin)
        cursor = anonymous.get("/events", {"limit": 1}).json()["nextCursor"]

        assert invalid_fields(anonymous.get("/events", {"cursor": cursor, "ordering": "startsAt"})) == ["cursor"]

    def test_refuses_a_bad_token(self, anonymous: APIClient) -> None:
        anonymous.credentials(HTTP_AUTHORIZATION="Bearer nonsense")

        assert code(anonymous.get("/events")) == (401, "invalid_token")

    def test_runs_one_query(
        self, season: dict[str, Event], anonymous: APIClient, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            anonymous.get("/events", {"available": "false", "search": "o"})


class TestChangeEvent:
    def test_patch_changes_only_the_given_fields(self, event: Event, admin: User, signed_in: SignedIn) -> None:
        before = signed_in(admin).get(f"/events/{event.pk}").json()

        response = signed_in(admin).patch(f"/events/{event.pk}", {"capacity": 20, "withheld": 5, "venue": "Hall"})

        assert response.status_code == 200
        # The seats are in another row, so this moves the version twice.
        changed = {"capacity": 20, "withheld": 5, "venue": "Hall", "available": 15, "version": 3}
        assert response.json() == before | changed
        assert signed_in(admin).get(f"/events/{event.pk}").json() == response.json()

    def test_put_keeps_omitted_fields(self, event: Event, admin: User, signed_in: SignedIn) -> None:
        before = signed_in(admin).get(f"/events/{event.pk}").json()

        response = signed_in(admin).put(f"/events/{event.pk}", NEW)

        assert response.json() == before | NEW | {"startsAt": "2099-08-01T18:00:00Z", "available": 12, "version": 3}

    @pytest.mark.parametrize("missing", NEW)
    def test_put_requires_four_fields(self, event: Event, admin: User, signed_in: SignedIn, missing: str) -> None:
        body = {name: value for name, value in NEW.items() if name != missing}

        assert invalid_fields(signed_in(admin).put(f"/events/{event.pk}", body)) == [missing]

    def test_promotes_before_responding(self, event: Event, admin: User, signed_in: SignedIn) -> None:
        book(event, quantity=10)
        waiting = book(event, quantity=3)

        response = signed_in(admin).patch(f"/events/{event.pk}", {"capacity": 14})

        assert (response.json()["available"], response.json()["waiting"]) == (1, 0)
        waiting.refresh_from_db()
        assert waiting.status == "confirmed"

    def test_is_refused_with_the_right_codes(self, event: Event, admin: User, signed_in: SignedIn) -> None:
        api, path = signed_in(admin), f"/events/{event.pk}"
        book(event, quantity=6)
        book(event, quantity=7)

        assert code(api.patch(path, {"capacity": 5})) == (409, "capacity_below_sold")
        assert code(api.patch(path, {"capacity": 6})) == (409, "capacity_below_waiting")
        assert code(api.patch(path, {"status": "draft"})) == (409, "event_has_bookings")
        assert invalid_fields(api.patch(path, {"withheld": 11})) == ["withheld"]
        assert invalid_fields(api.patch(path, {"status": "cancelled"})) == ["status"]

    def test_is_for_admins(self, event: Event, owner: User, signed_in: SignedIn, anonymous: APIClient) -> None:
        path = f"/events/{event.pk}"
        for api, status in ((signed_in(owner), 403), (anonymous, 401)):
            responses = [api.put(path, NEW), api.patch(path, {}), api.delete(path), api.post(f"{path}/cancel")]
            assert [response.status_code for response in responses] == [status] * 4


class TestDeleteEvent:
    def test_is_for_events_that_were_never_booked(self, event: Event, admin: User, signed_in: SignedIn) -> None:
        api, booked = signed_in(admin), make_event(admin)
        services.cancel(booking_id=book(booked).pk, by=admin)

        assert api.delete(f"/events/{event.pk}").status_code == 204
        assert code(api.get(f"/events/{event.pk}")) == (404, "event_not_found")
        assert code(api.delete(f"/events/{booked.pk}")) == (409, "event_has_bookings")


class TestCancelEvent:
    def test_cancels_its_bookings_once(self, event: Event, owner: User, admin: User, signed_in: SignedIn) -> None:
        booking = book(event, owner)

        response = signed_in(admin).post(f"/events/{event.pk}/cancel")

        assert (response.status_code, response.json()["status"], response.json()["waiting"]) == (200, "cancelled", 0)
        assert signed_in(owner).get(f"/bookings/{booking.pk}").json()["status"] == "cancelled"
        assert code(signed_in(admin).post(f"/events/{event.pk}/cancel")) == (409, "event_cancelled")
        assert code(signed_in(admin).patch(f"/events/{event.pk}", {"name": "Again"})) == (409, "event_cancelled")
        assert code(signed_in(owner).post(f"/events/{event.pk}/bookings")) == (409, "event_cancelled")


class TestAvailability:
    def test_counts_seats_and_waiting_bookings(self, admin: User, anonymous: APIClient) -> None:
        event = make_event(admin, capacity=10, withheld=2)
        book(event, quantity=5)
        book(event, quantity=4)

        response = anonymous.get(f"/events/{event.pk}/availability")

        assert response.json() == {"event": event.pk, "capacity": 10, "available": 3, "waiting": 1}

    def test_unchanged_availability_is_304(self, event: Event, anonymous: APIClient) -> None:
        path = f"/events/{event.pk}/availability"
        tag = anonymous.get(path)["ETag"]

        again = anonymous.get(path, headers={"If-None-Match": tag})
        book(event)
        changed = anonymous.get(path, headers={"If-None-Match": tag})

        assert (again.status_code, again.content, again["ETag"]) == (304, b"", tag)
        assert (changed.status_code, changed.json()["available"]) == (200, 9)
        assert changed["ETag"] != tag


class TestBook:
    def test_books_for_the_signed_in_user(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).post(f"/events/{event.pk}/bookings", {"quantity": 3, "guest": AS_GUEST})

        assert response.status_code == 201
        shown = response.json()
        assert shown.pop("createdAt").endswith("Z")
        assert shown == {
            "id": Booking.objects.get().pk,
            "event": event.pk,
            "user": owner.pk,
            "guest": None,
            "quantity": 3,
            "cancelled": 0,
            "status": "confirmed",
            "position": None,
            "unitPrice": 25,
            "version": 1,
            "reason": None,
        }

    def test_quantity_defaults_to_one(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        assert signed_in(owner).post(f"/events/{event.pk}/bookings").json()["quantity"] == 1

    def test_returns_the_same_as_reading(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        book(event, quantity=9)
        book(event, quantity=2)

        shown = signed_in(owner).post(f"/events/{event.pk}/bookings", {"quantity": 2}).json()

        assert (shown["status"], shown["position"]) == ("waiting", 2)
        read = signed_in(owner).get(f"/bookings/{shown['id']}").json()
        assert {**read, "createdAt": None} == {**shown, "createdAt": None}

    def test_returns_the_reason_for_waiting(self, event: Event, signed_in: SignedIn) -> None:
        book(event, quantity=8)

        reasons = [
            signed_in(make_user()).post(f"/events/{event.pk}/bookings", {"quantity": 3}).json()["reason"]
            for _ in range(3)
        ]

        assert reasons == ["Fewer than 3 tickets are left", "1 booking is ahead", "2 bookings are ahead"]

    def test_signed_out_booking_requires_guest(self, event: Event, anonymous: APIClient) -> None:
        path = f"/events/{event.pk}/bookings"

        assert invalid_fields(anonymous.post(path, {})) == ["guest"]
        assert invalid_fields(anonymous.post(path, {"guest": None})) == ["guest"]
        assert invalid_fields(anonymous.post(path, {"guest": {}})) == [
            "guest.firstName",
            "guest.lastName",
            "guest.email",
        ]
        assert invalid_fields(anonymous.post(path, {"guest": AS_GUEST | {"email": "greta"}})) == ["guest.email"]
        assert not Booking.objects.exists()

    def test_guest_receives_a_manage_token(self, event: Event, anonymous: APIClient) -> None:
        response = anonymous.post(f"/events/{event.pk}/bookings", {"guest": AS_GUEST})

        shown = response.json()
        assert (response.status_code, shown["user"], shown["guest"]) == (201, None, AS_GUEST)
        assert shown.pop("manageToken") == manage_token(shown["id"])
        assert with_token(manage_token(shown["id"])).get(f"/bookings/{shown['id']}").json().keys() == shown.keys()

    def test_guest_can_book_again(self, event: Event, anonymous: APIClient) -> None:
        responses = [anonymous.post(f"/events/{event.pk}/bookings", {"guest": AS_GUEST}) for _ in range(2)]

        assert [response.status_code for response in responses] == [201, 201]

    @pytest.mark.parametrize(
        "body", [{"quantity": value} for value in (0, -1, "0", 1.5, True, 10**30)] + [{"joinWaitlist": "no"}]
    )
    def test_refuses_invalid_values(self, event: Event, owner: User, signed_in: SignedIn, body: dict[str, Any]) -> None:
        assert invalid_fields(signed_in(owner).post(f"/events/{event.pk}/bookings", body)) == list(body)

    def test_accepts_the_largest_quantity_at_the_highest_price(
        self, admin: User, owner: User, signed_in: SignedIn
    ) -> None:
        event = make_event(admin, capacity=MAX_CAPACITY, price=MAX_PRICE)

        response = signed_in(owner).post(f"/events/{event.pk}/bookings", {"quantity": MAX_CAPACITY})

        assert (response.status_code, response.json()["status"]) == (201, "confirmed")
        assert BookingEntry.objects.get().amount == MAX_CAPACITY * MAX_PRICE

    def test_refuses_more_than_the_capacity_or_allowed(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        api, small = signed_in(owner), make_event(admin, capacity=4, withheld=1)
        limited = make_event(admin, capacity=9, max_per_booking=2)

        too_many = api.post(f"/events/{small.pk}/bookings", {"quantity": 5})
        at_once = api.post(f"/events/{limited.pk}/bookings", {"quantity": 3})

        assert code(too_many) == (400, "more_than_capacity")
        assert code(at_once) == (400, "too_many_at_once")
        assert invalid_fields(too_many) == invalid_fields(at_once) == ["quantity"]

    def test_is_refused_with_the_right_codes(
        self, event: Event, owner: User, outsider: User, admin: User, signed_in: SignedIn
    ) -> None:
        closed = make_event(admin, bookings_close_at=timezone.now())
        book(event, owner, quantity=9)
        refused = signed_in(outsider).post(f"/events/{event.pk}/bookings", {"quantity": 2, "joinWaitlist": False})
        book(event, outsider, quantity=2)

        assert code(refused) == (409, "not_enough_left")
        assert code(signed_in(owner).post(f"/events/{event.pk}/bookings")) == (409, "already_booked")
        assert code(signed_in(outsider).post(f"/events/{event.pk}/bookings")) == (409, "already_waiting")
        assert code(signed_in(owner).post(f"/events/{closed.pk}/bookings")) == (409, "bookings_closed")
        assert code(signed_in(owner).post(f"/events/{TOO_LARGE_ID}/bookings")) == (404, "event_not_found")

    def test_does_not_jump_the_queue(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        book(event, quantity=9)
        book(event, quantity=2)

        shown = signed_in(owner).post(f"/events/{event.pk}/bookings", {"joinWaitlist": True}).json()

        assert (shown["status"], shown["position"]) == ("waiting", 2)

    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": "k"}])
    @pytest.mark.parametrize("capacity", [10, 1])
    def test_runs_two_statements(
        self,
        admin: User,
        owner: User,
        signed_in: SignedIn,
        capacity: int,
        headers: dict[str, str],
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        """The user's lookup and the booking, confirmed or waiting. The speed of hot events depends on it."""
        event, api = make_event(admin, capacity=capacity), signed_in(owner)
        book(event)

        with django_assert_num_queries(2) as captured:
            response = api.post(f"/events/{event.pk}/bookings", headers=headers)

        assert response.status_code == 201
        assert not any(query["sql"].startswith(("BEGIN", "SAVEPOINT")) for query in captured.captured_queries)


class TestRetry:
    def test_creates_one_event(self, admin: User, signed_in: SignedIn) -> None:
        responses = [signed_in(admin).post("/events", NEW, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert responses[0].content == responses[1].content
        assert Event.objects.count() == 1

    def test_creates_one_booking(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        path = f"/events/{event.pk}/bookings"

        responses = [signed_in(owner).post(path, {}, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert responses[0].content == responses[1].content
        assert (responses[1].status_code, responses[1]["Idempotent-Replayed"]) == (201, "true")
        assert Booking.objects.count() == 1

    def test_returns_the_booking_as_it_was_at_first(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        book(event, quantity=9)
        path, api = f"/events/{event.pk}/bookings", signed_in(owner)
        first = api.post(path, {"quantity": 3}, headers={"Idempotency-Key": "k"})
        api.post(f"/bookings/{first.json()['id']}/cancel")
        services.cancel_event(event_id=event.pk, by=event.created_by, at=timezone.now())

        again = api.post(path, {"quantity": 3}, headers={"Idempotency-Key": "k"})

        assert (first.json()["status"], first.json()["position"]) == ("waiting", 1)
        assert again.content == first.content

    def test_with_a_different_body_is_refused(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        path, api = f"/events/{event.pk}/bookings", signed_in(owner)
        api.post(path, {"quantity": 1}, headers={"Idempotency-Key": "k"})

        response = api.post(path, {"quantity": 2}, headers={"Idempotency-Key": "k"})

        assert code(response) == (422, "idempotency_key_reused")
        assert Booking.objects.get().quantity == 1

    def test_of_a_refused_booking_can_succeed(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        event = make_event(admin, capacity=1)
        other = book(event)
        path, wish = f"/events/{event.pk}/bookings", {"joinWaitlist": False}
        refused = signed_in(owner).post(path, wish, headers={"Idempotency-Key": "k"})
        services.cancel(booking_id=other.pk, by=admin)

        response = signed_in(owner).post(path, wish, headers={"Idempotency-Key": "k"})

        assert code(refused) == (409, "not_enough_left")
        assert (response.status_code, "Idempotent-Replayed" in response) == (201, False)

    def test_of_a_guest_returns_the_token_without_storing_it(self, event: Event, anonymous: APIClient) -> None:
        path, body = f"/events/{event.pk}/bookings", {"guest": AS_GUEST}

        responses = [anonymous.post(path, body, headers={"Idempotency-Key": "k"}) for _ in range(2)]

        assert responses[0].content == responses[1].content
        assert "manageToken" in responses[1].json()
        kept = IdempotencyKey.objects.get()
        assert "manageToken" not in json.loads(kept.body)
        assert responses[0].json()["manageToken"] not in f"{kept.body}{kept.headers}"


class TestReadBooking:
    def test_is_for_its_owner_and_admins(
        self, event: Event, owner: User, outsider: User, agent: User, admin: User, signed_in: SignedIn
    ) -> None:
        path = f"/bookings/{book(event, owner).pk}"

        statuses = [signed_in(user).get(path).status_code for user in (owner, admin, outsider, agent)]

        assert statuses == [200, 200, 404, 404]

    def test_is_for_the_holder_of_its_token(self, event: Event, anonymous: APIClient) -> None:
        booking, other = book(event, guest=GUEST), book(event, guest=GUEST)
        path, token = f"/bookings/{booking.pk}", manage_token(booking.pk)

        response = with_token(token).get(path)

        assert (response.status_code, response.json()["guest"]) == (200, AS_GUEST)
        for no_token in ("", "x", "é", f"{token}x", manage_token(other.pk), f"{booking.pk}:{token}"):
            assert code(with_token(no_token).get(path)) == (404, "booking_not_found")
        assert code(anonymous.get(path)) == (401, "unauthenticated")

    def test_runs_two_queries(
        self, event: Event, owner: User, signed_in: SignedIn, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        api, path = signed_in(owner), f"/bookings/{book(event, owner).pk}"

        with django_assert_num_queries(2):
            api.get(path)

    @pytest.mark.parametrize("number", [UNUSED_ID, TOO_LARGE_ID])
    def test_unknown_booking_is_404(self, admin: User, signed_in: SignedIn, number: int) -> None:
        assert code(signed_in(admin).get(f"/bookings/{number}")) == (404, "booking_not_found")
        assert code(signed_in(admin).post(f"/bookings/{number}/cancel")) == (404, "booking_not_found")


class TestListBookings:
    @pytest.fixture
    def booked(self, event: Event, owner: User, outsider: User) -> list[Booking]:
        """Two bookings of the owner, then two waiting ones for the first event: the outsider's and a guest's."""
        other = make_event(event.created_by)
        return [
            book(event, owner, quantity=10),
            book(other, owner),
            book(event, outsider, quantity=2),
            book(event, guest=GUEST),
        ]

    def test_has_the_same_items_as_reading_one(self, booked: list[Booking], owner: User, signed_in: SignedIn) -> None:
        alone = signed_in(owner).get(f"/bookings/{booked[1].pk}").json()
        del alone["reason"]

        response = signed_in(owner).get("/bookings")

        assert ids(response) == [booked[1].pk, booked[0].pk]
        assert response.json()["items"][0] == alone

    def test_shows_admins_all_with_positions(self, booked: list[Booking], admin: User, signed_in: SignedIn) -> None:
        items = signed_in(admin).get("/bookings").json()["items"]

        assert [(item["id"], item["position"]) for item in items] == [
            (booking.pk, place) for booking, place in zip(reversed(booked), (2, 1, None, None), strict=True)
        ]
        assert [item["guest"] for item in items] == [AS_GUEST, None, None, None]

    def test_filters_by_event_and_status(
        self, booked: list[Booking], admin: User, owner: User, signed_in: SignedIn
    ) -> None:
        first, _, third, fourth = (booking.pk for booking in booked)
        event = booked[0].event_id
        api = signed_in(admin)

        assert ids(api.get("/bookings", {"event": event})) == [fourth, third, first]
        assert ids(api.get("/bookings", {"status": "waiting"})) == [fourth, third]
        assert ids(api.get("/bookings", {"event": str(event), "status": "confirmed"})) == [first]
        assert ids(api.get("/bookings", {"event": UNUSED_ID})) == []
        assert ids(signed_in(owner).get("/bookings", {"status": "waiting"})) == []
        assert invalid_fields(api.get("/bookings", {"status": "pending"})) == ["status"]

    def test_searches_names_and_addresses(
        self, booked: list[Booking], admin: User, owner: User, signed_in: SignedIn
    ) -> None:
        first, second, third, fourth = (booking.pk for booking in booked)
        api, event = signed_in(admin), booked[0].event_id

        assert ids(api.get("/bookings", {"search": "grétA guest"})) == [fourth]
        assert ids(api.get("/bookings", {"search": "jazz"})) == [fourth, third, second, first]
        assert ids(api.get("/bookings", {"search": "jazz otto", "status": "waiting"})) == [third]
        assert ids(api.get(f"/events/{event}/bookings", {"search": "olga"})) == [first]
        assert ids(signed_in(owner).get("/bookings", {"search": "jazz"})) == [second, first]
        assert ids(api.get("/bookings", {"search": "reta"})) == []
        assert ids(api.get("/bookings", {"search": "%"})) == []
        assert invalid_fields(api.get("/bookings", {"search": "x" * 256})) == ["search"]

    def test_of_an_event_is_for_admins(
        self, booked: list[Booking], admin: User, owner: User, signed_in: SignedIn, anonymous: APIClient
    ) -> None:
        path = f"/events/{booked[0].event_id}/bookings"

        assert ids(signed_in(admin).get(path)) == [booked[3].pk, booked[2].pk, booked[0].pk]
        assert ids(signed_in(admin).get(path, {"status": "confirmed"})) == [booked[0].pk]
        assert code(signed_in(owner).get(path)) == (403, "forbidden")
        assert code(anonymous.get(path)) == (401, "unauthenticated")

    def test_pages_have_every_booking_once(self, booked: list[Booking], admin: User, signed_in: SignedIn) -> None:
        first = signed_in(admin).get("/bookings", {"limit": 3})
        second = signed_in(admin).get("/bookings", {"limit": "3", "cursor": first.json()["nextCursor"]})

        assert ids(first) + ids(second) == [booking.pk for booking in reversed(booked)]
        assert second.json()["nextCursor"] is None

    def test_runs_two_queries(
        self,
        booked: list[Booking],
        admin: User,
        signed_in: SignedIn,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        api = signed_in(admin)

        # The user and the bookings; for an event, also the event.
        with django_assert_num_queries(2):
            api.get("/bookings")
        with django_assert_num_queries(2):
            api.get("/bookings", {"status": "confirmed"})
        with django_assert_num_queries(3):
            api.get(f"/events/{booked[0].event_id}/bookings")
        # A search that does not fill the page also asks whether there are more bookings to search.
        with django_assert_num_queries(4):
            api.get("/bookings", {"search": "jazz"})


class TestCancelBooking:
    def test_cancels_some_or_all_tickets(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        api, path = signed_in(owner), f"/bookings/{book(event, owner, quantity=5).pk}/cancel"

        responses = [api.post(path, {"tickets": 2}), api.post(path)]

        assert [
            (response.status_code, response.json()["status"], response.json()["cancelled"]) for response in responses
        ] == [
            (200, "confirmed", 2),
            (200, "cancelled", 5),
        ]
        assert "reason" not in responses[0].json()
        assert code(api.post(path)) == (409, "already_cancelled")

    def test_refuses_more_tickets_than_are_left(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        path = f"/bookings/{book(event, owner, quantity=2).pk}/cancel"

        assert code(signed_in(owner).post(path, {"tickets": 3})) == (409, "more_than_booked")
        assert invalid_fields(signed_in(owner).post(path, {"tickets": 0})) == ["tickets"]

    def test_promotes_before_responding(self, event: Event, owner: User, signed_in: SignedIn) -> None:
        booking, waiting = book(event, owner, quantity=10), book(event, quantity=4)

        signed_in(owner).post(f"/bookings/{booking.pk}/cancel", {"tickets": 5})

        waiting.refresh_from_db()
        assert waiting.status == "confirmed"

    def test_is_for_its_owner_admins_and_the_token_holder(
        self, event: Event, owner: User, outsider: User, agent: User, admin: User, signed_in: SignedIn
    ) -> None:
        booking, guests = book(event, owner, quantity=3), book(event, guest=GUEST, quantity=3)

        def cancel(api: APIClient, booking: Booking) -> int:
            return api.post(f"/bookings/{booking.pk}/cancel", {"tickets": 1}).status_code

        assert [cancel(signed_in(user), booking) for user in (outsider, agent, owner, admin)] == [404, 404, 200, 200]
        assert [cancel(signed_in(user), guests) for user in (owner, admin)] == [404, 200]
        assert [cancel(api, guests) for api in (APIClient(), with_token("x"))] == [401, 404]
        assert cancel(with_token(manage_token(guests.pk)), guests) == 200
        assert cancel(with_token(manage_token(guests.pk)), booking) == 404


class TestManageToken:
    def test_survives_rotation_while_the_old_secret_is_a_fallback(self, event: Event, settings: Any) -> None:
        booking = book(event, guest=GUEST)
        path, token, old = f"/bookings/{booking.pk}", manage_token(booking.pk), settings.SECRET_KEY
        settings.SECRET_KEY = "another secret of the server, as long as the first one was"

        statuses = []
        for fallbacks in ([old], []):
            settings.SECRET_KEY_FALLBACKS = fallbacks
            statuses.append(with_token(token).get(path).status_code)

        assert statuses == [200, 404]
