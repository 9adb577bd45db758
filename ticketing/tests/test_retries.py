"""`Idempotency-Key` on every call that changes something, in the API and in the contracts."""

import json
import time
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import tokens
from events.models import Booking
from kit.idempotency import views
from kit.idempotency.keys import Key
from kit.idempotency.models import IdempotencyKey
from kit.idempotency.views import REPLAYED
from kit.tests.contents import contents
from kit.tests.races import at_once
from ticketing.tests.calls import LONG_TEXT, METHODS, Call, Examples, changing

KEY = "8e03978e-40d5-43dd-bc93-6894a57f9324"
# A second request with the same key is refused, as its document says.
UNREPEATABLE = "POST /api/tickets"
# Keeps a result for each item rather than a response (tickets/tests/test_batch.py).
KEEPS_RESULTS = "POST /tickets/batch"


def send(name: str, call: Call, *, key: str = KEY) -> Any:
    """Send the call, whose name starts with the method."""
    api = APIClient()
    if call.by:
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens.issue(call.by).access}")
    body = "" if call.body is None else json.dumps(call.body)
    headers = {"Idempotency-Key": key, **call.headers}
    return api.generic(name.split()[0], call.url, body, "application/json", headers=headers)


def sizes() -> list[int]:
    return [len(answer.body.encode()) for answer in IdempotencyKey.objects.all()]


class TestEveryChangingCall:
    def test_accepts_keys(self) -> None:
        without = [name for name, handler in changing().items() if not getattr(handler, "is_idempotent", False)]

        assert without == []

    def test_has_an_example(self) -> None:
        assert changing().keys() - {KEEPS_RESULTS} == METHODS.keys()


@pytest.mark.django_db
@pytest.mark.parametrize("name", METHODS)
class TestSecondRequest:
    def test_changes_nothing_and_gets_the_first_response(self, name: str) -> None:
        call, before = Examples().call(name), contents()

        first, between = send(name, call), contents()
        second = send(name, call)

        assert (first.status_code // 100, REPLAYED in first) == (2, False), first.content
        assert before != between == contents()
        if name == UNREPEATABLE:
            assert second.status_code == 409
        else:
            assert (second.status_code, second.content) == (first.status_code, first.content)
            assert second[REPLAYED] == "true"

    def test_with_another_key_is_executed(self, name: str) -> None:
        call = Examples().call(name)

        first, second = send(name, call), send(name, call, key="another")

        assert first.status_code // 100 == 2
        assert REPLAYED not in second


@pytest.mark.django_db
@pytest.mark.parametrize("name", METHODS)
class TestStoredResponse:
    def test_is_at_most_64_kib_whatever_the_database_holds(self, name: str) -> None:
        call = Examples(text=LONG_TEXT, comments=20).call(name)

        first = send(name, call)
        (size,) = sizes()
        second = send(name, call)

        assert first.status_code // 100 == 2
        assert size <= 64 * 1024
        assert second.status_code == (409 if name == UNREPEATABLE else first.status_code)
        assert name == UNREPEATABLE or second[REPLAYED] == "true"


@pytest.mark.django_db
class TestGuestsCancellation:
    """A guest's key is only as separate as the path and the body, so a retry must prove the booking, too."""

    def test_is_repeated_only_to_the_holder_of_the_token(self) -> None:
        call = Examples().call("POST /bookings/<int:booking_id>/cancel")
        send("POST", call)

        for token in ("", "x", f"{call.headers['X-Manage-Token']}x"):
            answer = send("POST", replace(call, headers={"X-Manage-Token": token}))
            assert (answer.status_code, answer.json()["code"]) == (404, "booking_not_found")
        assert send("POST", replace(call, headers={})).status_code == 401

    def test_is_separate_per_body(self) -> None:
        call = Examples().call("POST /bookings/<int:booking_id>/cancel")

        answers = [send("POST", replace(call, body={"tickets": tickets})) for tickets in (1, 2)]

        assert [answer.json()["cancelled"] for answer in answers] == [1, 3]

    def test_is_separate_per_booking(self) -> None:
        examples = Examples()
        calls = [examples.call("POST /bookings/<int:booking_id>/cancel") for _ in range(2)]

        assert [REPLAYED in send("POST", call) for call in calls] == [False, False]


def claim_without_lock(key: Key, *, at: datetime) -> IdempotencyKey | None:
    """Replace `claim` with a lookup without a lock, followed by a pause in which others do the same."""
    found = IdempotencyKey.objects.filter(digest=key.digest).first()
    time.sleep(0.2)
    return found


def keep_nothing(key: Key, **_: Any) -> None:
    """Replace `keep`, whose unique key would stop the others as well."""


@pytest.mark.database
@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestParallelCancellations:
    def cancelled(self) -> int:
        call = Examples().call("POST /bookings/<int:booking_id>/cancel")
        at_once(*(lambda: send("POST", call) for _ in range(3)))
        return Booking.objects.get().cancelled

    def test_with_one_key_cancel_once(self) -> None:
        assert self.cancelled() == 1

    def test_cancel_several_times_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(views, "claim", claim_without_lock)
        monkeypatch.setattr(views, "keep", keep_nothing)

        assert self.cancelled() > 1
