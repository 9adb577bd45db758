"""Exceptions become problems."""

import pytest
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions

from kit import errors
from kit.web.problems import Problem, describe


class TooTall(errors.Conflict):
    message = "You are too tall"


class TestRefused:
    def test_derives_its_code_from_the_class_name(self) -> None:
        assert (TooTall.code, errors.TooMany.code, errors.Busy.code) == ("too_tall", "too_many", "busy")

    def test_has_a_default_message_that_can_be_replaced(self) -> None:
        assert (str(TooTall()), str(TooTall("By 3 cm"))) == ("You are too tall", "By 3 cm")


class TestDescribe:
    @pytest.mark.parametrize(
        ("refusal", "status"),
        [
            (errors.Invalid(), 400),
            (errors.Unauthenticated(), 401),
            (errors.Forbidden(), 403),
            (errors.Missing(), 404),
            (errors.Conflict(), 409),
            (TooTall(), 409),
            (errors.TooMany(retry_after=7), 429),
            (errors.Busy(), 503),
            (Http404(), 404),
            (exceptions.ParseError(), 400),
            (exceptions.NotAuthenticated(), 401),
            (exceptions.AuthenticationFailed(), 401),
            (exceptions.PermissionDenied(), 403),
            (exceptions.MethodNotAllowed("PUT"), 405),
            (exceptions.UnsupportedMediaType("text/plain"), 415),
            (exceptions.Throttled(wait=6.2), 429),
        ],
    )
    def test_maps_each_kind_to_a_status(self, refusal: Exception, status: int) -> None:
        assert describe(refusal).status == status

    def test_uses_the_rules_code_and_message(self) -> None:
        assert describe(TooTall()) == Problem(409, "too_tall", "You are too tall")

    @pytest.mark.parametrize(
        ("refusal", "seconds"),
        [(errors.TooMany(retry_after=7), "7"), (errors.Busy(), "1"), (exceptions.Throttled(wait=6.2), "7")],
    )
    def test_sets_retry_after(self, refusal: Exception, seconds: str) -> None:
        assert describe(refusal).headers == {"Retry-After": seconds}

    @pytest.mark.parametrize(
        "refusal", [errors.Unauthenticated(), exceptions.NotAuthenticated(), exceptions.AuthenticationFailed()]
    )
    def test_sets_www_authenticate(self, refusal: Exception) -> None:
        assert describe(refusal).headers == {"WWW-Authenticate": "Bearer"}

    def test_uses_the_apis_field_names(self) -> None:
        problem = describe(errors.Invalid(fields={"due_at": ["Too late."], "created_by": ["Who?", "Really?"]}))

        assert problem.errors == [("dueDate", "Too late."), ("createdBy", "Who?"), ("createdBy", "Really?")]
        assert problem.message == "dueDate: Too late. createdBy: Who? createdBy: Really?"

    def test_names_nested_fields_by_path(self) -> None:
        refusal = exceptions.ValidationError({"users": {"1": ["No."]}, "non_field_errors": ["Never."]})

        assert describe(refusal).errors == [("users.1", "No."), ("", "Never.")]

    def test_reveals_nothing_about_an_unexpected_error(self) -> None:
        problem = describe(RuntimeError("the combination is 1-2-3-4-5"))

        assert problem == Problem(500, "unexpected", "An unexpected error occurred")

    def test_treats_a_database_outage_as_temporary(self) -> None:
        assert describe(OperationalError("the server closed the connection")) == describe(errors.Busy())


class TestProblem:
    def test_has_the_members_of_rfc_9457_and_our_own(self) -> None:
        body = Problem(409, "too_tall", "You are too tall", [("height", "No.")]).body()

        assert body == {
            "type": "about:blank",
            "title": "Conflict",
            "status": 409,
            "detail": "You are too tall",
            "code": "too_tall",
            "message": "You are too tall",
            "errors": [{"field": "height", "message": "No."}],
            "requestId": "",
        }

    def test_omits_errors_without_an_invalid_field(self) -> None:
        assert "errors" not in Problem(409, "too_tall", "You are too tall").body()
