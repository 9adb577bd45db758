"""E-tickets and check-ins over HTTP."""

import hashlib
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.api import SignedIn
from events import queries, services, shapes
from events.models import Booking, CheckIn, Event
from events.serializers import AdmissionSerializer, CheckInAnswerSerializer, CheckInSerializer, ETicketSerializer
from events.tests.factories import GUEST, book, make_event
from events.ticket_codes import Ticket
from events.tokens import manage_token
from kit.db.sql import MAX_ID

pytestmark = pytest.mark.django_db


@pytest.fixture
def booking(event: Event) -> Booking:
    return book(event, guest=GUEST, quantity=2)


def code_of(booking: Booking, seat: int = 1) -> str:
    return Ticket(booking.pk, seat, 1).code()


def post(api: APIClient, booking: Booking, seat: int = 1, *, event: Event | None = None, **more: Any) -> Any:
    headers = more.pop("headers", {})
    path = f"/events/{event.pk if event else booking.event_id}/check-ins"
    return api.post(path, {"code": code_of(booking, seat), **more}, headers=headers)


def error(answer: Any) -> tuple[int, str]:
    assert answer["Content-Type"] == "application/problem+json"
    return answer.status_code, answer.json()["code"]


class TestTickets:
    def test_have_a_code_for_each_seat(self, booking: Booking, admin: User, agent: User, signed_in: SignedIn) -> None:
        done = post(signed_in(agent), booking, 2).json()

        answer = signed_in(admin).get(f"/bookings/{booking.pk}/tickets")

        assert answer.json() == {
            "items": [
                {"seat": 1, "code": code_of(booking, 1), "checkedInAt": None},
                {"seat": 2, "code": code_of(booking, 2), "checkedInAt": done["checkedInAt"]},
            ],
            "nextCursor": None,
        }
        assert answer["Cache-Control"] == "no-store"

    def test_are_for_the_holder_and_admins(
        self, event: Event, booking: Booking, owner: User, outsider: User, agent: User, signed_in: SignedIn
    ) -> None:
        own = book(event, owner)
        token, other = manage_token(booking.pk), manage_token(own.pk)

        assert signed_in(owner).get(f"/bookings/{own.pk}/tickets").status_code == 200
        assert APIClient().get(f"/bookings/{booking.pk}/tickets", headers={"X-Manage-Token": token}).status_code == 200
        for user in (outsider, agent):
            assert error(signed_in(user).get(f"/bookings/{own.pk}/tickets")) == (404, "booking_not_found")
        wrong = APIClient().get(f"/bookings/{booking.pk}/tickets", headers={"X-Manage-Token": other})
        assert error(wrong) == (404, "booking_not_found")
        assert APIClient().get(f"/bookings/{booking.pk}/tickets").status_code == 401
        assert error(signed_in(owner).get(f"/bookings/{MAX_ID + 1}/tickets")) == (404, "booking_not_found")

    def test_are_empty_while_waiting_and_after_cancelling(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        event = make_event(admin, capacity=1)
        first, waiting = book(event, owner), book(event)
        services.cancel(booking_id=first.pk, by=owner)
        still = book(event)

        for each in (first, still):
            assert signed_in(admin).get(f"/bookings/{each.pk}/tickets").json()["items"] == []
        assert len(signed_in(admin).get(f"/bookings/{waiting.pk}/tickets").json()["items"]) == 1

    def test_lose_the_highest_numbers(self, booking: Booking, admin: User, signed_in: SignedIn) -> None:
        services.cancel(booking_id=booking.pk, by=admin, seats=1)

        items = signed_in(admin).get(f"/bookings/{booking.pk}/tickets").json()["items"]

        assert [item["seat"] for item in items] == [1]

    def test_are_paged(self, admin: User, signed_in: SignedIn) -> None:
        large = book(make_event(admin, capacity=1500), quantity=1200)
        path, api = f"/bookings/{large.pk}/tickets", signed_in(admin)
        seats: list[int] = []
        cursor: Any = ""
        while cursor is not None:
            page = api.get(path, {"cursor": cursor, "limit": 500}).json()
            seats += [item["seat"] for item in page["items"]]
            cursor = page["nextCursor"]

        assert seats == [*range(1, 1201)]
        assert len(api.get(path).json()["items"]) == 1000

    def test_run_one_statement(
        self, booking: Booking, admin: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        with django_assert_num_queries(1):
            queries.tickets(booking_id=booking.pk, viewer=admin, limit=10)


class TestReissue:
    def test_returns_the_booking(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        path, headers = f"/bookings/{booking.pk}/tickets", {"X-Manage-Token": manage_token(booking.pk)}
        before = APIClient().get(path, headers=headers).json()

        answer = APIClient().post(f"{path}/reissue", headers=headers | {"If-Match": '"1"'})

        assert (answer.status_code, answer.json()["id"], answer.json()["version"]) == (200, booking.pk, 2)
        assert answer["ETag"].startswith('"2-')
        after = APIClient().get(path, headers=headers).json()
        assert all(old["code"] != new["code"] for old, new in zip(before["items"], after["items"], strict=True))
        assert error(post(signed_in(agent), booking)) == (409, "ticket_cancelled")

    def test_checks_the_version(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        path = f"/bookings/{booking.pk}/tickets/reissue"
        assert signed_in(agent).post(path, {"version": 1}).status_code == 200

        answer = signed_in(agent).post(path, {"version": 1})

        assert error(answer) == (409, "version_conflict")
        assert answer.json()["errors"] == [{"field": "tickets", "message": "Changed since you read it."}]
        assert error(signed_in(agent).post(path, headers={"If-Match": '"1"'})) == (412, "precondition_failed")

    def test_keeps_no_codes_for_retries(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        answer = signed_in(agent).post(f"/bookings/{booking.pk}/tickets/reissue", headers={"Idempotency-Key": "a"})

        assert "code" not in answer.json()


class TestCheckIn:
    def test_admits(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        answer = post(signed_in(agent), booking, 2, device="North door", nonce="a")

        row = CheckIn.objects.get()
        assert answer.status_code == 201
        assert list(answer.json()) == list(CheckInAnswerSerializer().fields)
        assert answer.json() == {
            "id": row.pk,
            "booking": booking.pk,
            "seat": 2,
            "quantity": 2,
            "holder": "Greta Guest",
            "checkedInAt": answer.json()["checkedInAt"],
        }
        assert (row.by, row.device, row.nonce) == (agent, "North door", "a")

    def test_says_when_and_where_the_first_was(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        first = post(signed_in(agent), booking, device="North door").json()

        answer = post(signed_in(agent), booking, device="South door")

        assert error(answer) == (409, "already_checked_in")
        facts = ("booking", "seat", "holder", "checkedInAt", "device")
        assert [answer.json()[name] for name in facts] == [
            *(booking.pk, 1, "Greta Guest", first["checkedInAt"], "North door")
        ]
        assert CheckIn.objects.count() == 2

    def test_reads_codes_leniently(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        code = f" {code_of(booking).lower().replace('-', ' ')} "

        assert post(signed_in(agent), booking, code=code).status_code == 201

    def test_refuses(self, booking: Booking, admin: User, agent: User, signed_in: SignedIn) -> None:
        full, api = make_event(admin, capacity=1), signed_in(agent)
        book(full)
        waiting, draft = book(full), make_event(admin, status="draft")

        assert error(post(api, booking, code="no such code")) == (404, "ticket_not_found")
        assert error(post(api, booking, event=draft)) == (404, "event_not_found")
        assert error(post(api, booking, event=full)) == (409, "wrong_event")
        assert error(post(api, waiting)) == (409, "not_confirmed")
        assert error(post(api, booking, 3)) == (409, "ticket_cancelled")
        services.cancel_event(event_id=booking.event_id, by=admin, at=timezone.now())
        assert error(post(api, booking)) == (409, "ticket_cancelled")
        assert error(api.post(f"/events/{MAX_ID + 1}/check-ins", {"code": "x"})) == (404, "event_not_found")

    @pytest.mark.parametrize(
        "body",
        [
            *({"code": ""}, {"code": None}, {"code": 7}, {"code": "x" * 256}),
            *({"nonce": ""}, {"nonce": "x" * 101}, {"nonce": 7}, {"device": "x" * 101}, {"device": "a\nb"}),
            *({"at": "soon"}, {"at": "2024-07-01T18:00:00"}, {"at": "1999-07-01T18:00:00Z"}),
            *({"at": "9998-07-01T18:00:00Z"}, {"at": "0001-01-01T00:00:00Z"}),
        ],
    )
    def test_refuses_bad_values(self, booking: Booking, agent: User, signed_in: SignedIn, body: dict[str, Any]) -> None:
        answer = post(signed_in(agent), booking, **body)

        assert error(answer) == (400, "invalid")
        assert [each["field"] for each in answer.json()["errors"]] == list(body)

    def test_reads_null_as_absent(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        assert post(signed_in(agent), booking, at=None, nonce=None, device=None).status_code == 201

    def test_takes_scans_of_the_past(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        at = booking.event.created_at + timedelta(seconds=1)

        answer = post(signed_in(agent), booking, at=at.isoformat(), nonce="a")
        again = post(signed_in(agent), booking, at=at.isoformat(), nonce="a")

        assert answer.json()["checkedInAt"] == at.isoformat().replace("+00:00", "Z")
        assert (again.status_code, again.json()) == (201, answer.json())

    def test_refuses_a_nonce_of_another_ticket(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        post(signed_in(agent), booking, nonce="a")

        assert error(post(signed_in(agent), booking, 2, nonce="a")) == (422, "nonce_reused")

    def test_honours_idempotency_keys(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        """A repetition is refused and uses up no key, but is recorded."""
        api = signed_in(agent)
        first, second = (post(api, booking, headers={"Idempotency-Key": key}) for key in "ab")

        again = [post(api, booking, headers={"Idempotency-Key": key}) for key in "ab"]

        assert (first.status_code, error(second)) == (201, (409, "already_checked_in"))
        assert (again[0].content, again[0]["Idempotent-Replayed"]) == (first.content, "true")
        assert error(again[1]) == (409, "already_checked_in")
        assert CheckIn.objects.valid().count() == 1
        assert CheckIn.objects.count() == 3

    @pytest.mark.parametrize(
        ("method", "path"),
        [("post", "check-ins"), ("get", "check-ins"), ("delete", "check-ins/1"), ("get", "admissions")],
    )
    def test_is_for_staff(self, event: Event, owner: User, signed_in: SignedIn, method: str, path: str) -> None:
        for event_id in (event.pk, event.pk + 1000):
            url = f"/events/{event_id}/{path}"
            assert error(getattr(signed_in(owner), method)(url)) == (403, "forbidden")
            assert error(getattr(APIClient(), method)(url)) == (401, "unauthenticated")


class TestList:
    @pytest.fixture
    def scans(self, booking: Booking, agent: User, admin: User, signed_in: SignedIn) -> list[int]:
        """The ids of an undone check-in, a valid one, and a repetition of that."""
        first = post(signed_in(agent), booking).json()["id"]
        signed_in(admin).delete(f"/events/{booking.event_id}/check-ins/{first}")
        second = post(signed_in(agent), booking, device="North door").json()["id"]
        post(signed_in(admin), booking)
        return [first, second, CheckIn.objects.latest("pk").pk]

    def test_is_the_log(
        self, booking: Booking, scans: list[int], agent: User, admin: User, signed_in: SignedIn
    ) -> None:
        answer = signed_in(agent).get(f"/events/{booking.event_id}/check-ins").json()

        items = answer.pop("items")
        assert answer == {"nextCursor": None, "checkedIn": 1, "expected": 2}
        assert all(list(item) == list(CheckInSerializer().fields) for item in items)
        assert [(item["id"], item["outcome"], item["by"]["name"], item["device"]) for item in items] == [
            (scans[2], "already_checked_in", admin.name, None),
            (scans[1], "admitted", agent.name, "North door"),
            (scans[0], "undone", agent.name, None),
        ]
        assert items[2]["undoneBy"] == {"id": admin.pk, "name": admin.name}
        assert (items[1]["undoneAt"], items[1]["undoneBy"]) == (None, None)
        assert [each.outcome.value for each in CheckIn.objects.order_by("-pk")] == [each["outcome"] for each in items]

    def test_is_filtered_and_paged(self, booking: Booking, scans: list[int], agent: User, signed_in: SignedIn) -> None:
        api, path = signed_in(agent), f"/events/{booking.event_id}/check-ins"
        first = api.get(path, {"limit": 2}).json()
        rest = api.get(path, {"limit": 2, "cursor": first["nextCursor"]}).json()

        assert [item["id"] for item in first["items"] + rest["items"]] == scans[::-1]
        assert [each["id"] for each in api.get(path, {"outcome": "admitted"}).json()["items"]] == [scans[1]]
        assert error(api.get(path, {"outcome": "x"})) == (400, "invalid")

    def test_runs_three_statements(
        self, booking: Booking, scans: list[int], agent: User, signed_in: SignedIn, django_assert_num_queries: Any
    ) -> None:
        api = signed_in(agent)

        # The caller, the counts, the rows.
        with django_assert_num_queries(3):
            api.get(f"/events/{booking.event_id}/check-ins")

    def test_is_404_without_the_event(self, admin: User, agent: User, signed_in: SignedIn) -> None:
        draft = make_event(admin, status="draft")
        for path in ("check-ins", "admissions"):
            assert error(signed_in(agent).get(f"/events/{draft.pk}/{path}")) == (404, "event_not_found")
            assert signed_in(admin).get(f"/events/{draft.pk}/{path}").status_code == 200


class TestUndo:
    def test_frees_the_seat(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        first = post(signed_in(agent), booking).json()["id"]
        path = f"/events/{booking.event_id}/check-ins/{first}"

        assert signed_in(agent).delete(path).status_code == 204
        assert error(signed_in(agent).delete(path)) == (404, "check_in_not_found")
        assert post(signed_in(agent), booking).status_code == 201


class TestAdmissions:
    def test_have_the_digest_of_every_valid_code(
        self, event: Event, booking: Booking, owner: User, agent: User, admin: User, signed_in: SignedIn
    ) -> None:
        """Not those of cancelled and waiting bookings."""
        cancelled, own = book(event), book(event, owner, quantity=2)
        services.cancel(booking_id=cancelled.pk, by=admin)
        services.cancel(booking_id=own.pk, by=admin, seats=1)
        services.reissue_tickets(booking_id=own.pk, by=admin)
        book(event, quantity=10)
        done = post(signed_in(agent), booking, 2).json()

        items = signed_in(agent).get(f"/events/{event.pk}/admissions").json()["items"]

        def digest(booking: Booking, seat: int, revision: int = 1) -> list[str]:
            return [hashlib.sha256(Ticket(booking.pk, seat, revision).code().encode()).hexdigest()]

        assert [list(item) for item in items] == [list(AdmissionSerializer().fields)] * 3
        assert [tuple(item.values()) for item in items] == [
            (booking.pk, 1, "Greta Guest", None, digest(booking, 1)),
            (booking.pk, 2, "Greta Guest", done["checkedInAt"], digest(booking, 2)),
            (own.pk, 1, owner.name, None, digest(own, 1, 2)),
        ]

    def test_include_codes_of_earlier_secrets(
        self, booking: Booking, agent: User, settings: Any, signed_in: SignedIn
    ) -> None:
        code, settings.SECRET_KEY_FALLBACKS = code_of(booking), [settings.SECRET_KEY]
        settings.SECRET_KEY = "another secret that is long enough for a token"

        item = signed_in(agent).get(f"/events/{booking.event_id}/admissions").json()["items"][0]

        assert hashlib.sha256(code.encode()).hexdigest() == item["sha256"][1]
        assert post(signed_in(agent), booking, code=code).status_code == 201

    def test_have_a_tag(self, booking: Booking, agent: User, signed_in: SignedIn) -> None:
        api, path = signed_in(agent), f"/events/{booking.event_id}/admissions"
        tag = api.get(path)["ETag"]

        assert api.get(path, headers={"If-None-Match": tag}).status_code == 304
        post(api, booking)
        assert api.get(path, headers={"If-None-Match": tag}).status_code == 200

    @pytest.mark.parametrize("limit", [1, 2, 3, 4, 100])
    def test_are_paged(self, event: Event, agent: User, admin: User, signed_in: SignedIn, limit: int) -> None:
        made = [book(event, quantity=quantity) for quantity in (3, 1, 2, 1)]
        services.cancel(booking_id=made[1].pk, by=admin)
        seats: list[tuple[int, int]] = []
        cursor: Any = ""
        while cursor is not None:
            page = signed_in(agent).get(f"/events/{event.pk}/admissions?limit={limit}&cursor={cursor}").json()
            seats += [(item["booking"], item["seat"]) for item in page["items"]]
            cursor = page["nextCursor"]

        quantities = [(made[0], 3), (made[2], 2), (made[3], 1)]
        assert seats == [(booking.pk, seat) for booking, number in quantities for seat in range(1, number + 1)]


def test_keys_of_tickets_are_those_of_the_schema(booking: Booking, admin: User) -> None:
    (row, _) = queries.tickets(booking_id=booking.pk, viewer=admin, limit=10) or []

    assert list(shapes.ticket(row)) == list(ETicketSerializer().fields)
