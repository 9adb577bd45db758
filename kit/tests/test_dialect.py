"""A contract renders errors in its document's words."""

from typing import Any

import orjson
import pytest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from kit import errors
from kit.web.problems import Problem, layout_of
from kit.web.responses import Response
from kit.web.views import Answer, Dialect


class SeatTaken(errors.Conflict):
    message = "The seat is taken"


class SeatTakenByYou(SeatTaken):
    message = "The seat is already yours"


class SeatBroken(SeatTaken):
    message = "The seat is broken"


class Contract(Dialect):
    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    answers = {
        errors.Conflict: Answer(418, code="TEAPOT"),
        SeatTaken: Answer(400, "Seat {seat_id} is taken"),
        SeatBroken: Answer(),
        errors.Missing: Answer(code="GONE", field="seat"),
        Throttled: Answer(message="Slow down"),
    }

    def body(self, problem: Problem) -> dict[str, Any]:
        return {"code": problem.code, "message": problem.message, "errors": problem.errors}


def refuse(exc: Exception) -> tuple[int, dict[str, Any]]:
    """Return the status and the body that the contract sends for an exception."""

    class View(Contract):
        def get(self, request: Request) -> Response:
            self.ids = {"seat_id": 7}
            raise exc

    response = View.as_view()(APIRequestFactory().get("/"))
    return response.status_code, orjson.loads(response.content)


class TestAnswers:
    def test_use_the_entry_of_the_class(self) -> None:
        assert refuse(errors.Conflict("No")) == (418, {"code": "TEAPOT", "message": "No", "errors": []})

    def test_use_the_closest_base_class(self) -> None:
        assert refuse(SeatTakenByYou()) == (
            400,
            {"code": "seat_taken_by_you", "message": "Seat 7 is taken", "errors": []},
        )

    def test_can_exempt_a_subclass(self) -> None:
        assert refuse(SeatBroken()) == (409, {"code": "seat_broken", "message": "The seat is broken", "errors": []})

    def test_can_name_the_field_at_fault(self) -> None:
        assert refuse(errors.Missing("No seat")) == (
            404,
            {"code": "GONE", "message": "No seat", "errors": [["seat", "No seat"]]},
        )

    def test_keep_headers(self) -> None:
        class View(Contract):
            def get(self, request: Request) -> Response:
                raise Throttled(wait=30)

        response = View.as_view()(APIRequestFactory().get("/"))

        assert orjson.loads(response.content)["message"] == "Slow down"
        assert (response.status_code, response["Retry-After"]) == (429, "30")

    @pytest.mark.parametrize("exc", [errors.Invalid("Bad"), errors.Forbidden()])
    def test_leave_other_refusals_to_the_product(self, exc: errors.Refused) -> None:
        status, body = refuse(exc)

        assert status in (400, 403)
        assert body == {"code": exc.code, "message": exc.message, "errors": []}


class TestLayout:
    def test_serves_problems_found_before_a_view_runs(self) -> None:
        response = layout_of(Contract)(Problem(413, "too_large", "Too large"))

        assert (response.status_code, response["Content-Type"]) == (413, "application/json")
        assert orjson.loads(response.content) == {"code": "too_large", "message": "Too large", "errors": []}
