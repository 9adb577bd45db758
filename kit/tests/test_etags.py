"""`expected` and `versioned` without a database. tickets/tests/test_change.py tests them over HTTP."""

from typing import Any

import pytest
from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from kit.web import etags


def make_request(method: str = "PATCH", **headers: str) -> Request:
    return Request(APIRequestFactory().generic(method, "/", headers=headers))


class TestExpected:
    def test_without_a_version_is_none(self) -> None:
        assert etags.expected(make_request(), None) is None

    def test_version_in_the_body_is_no_precondition(self) -> None:
        assert etags.expected(make_request(), 3) == etags.Expected(frozenset([3]), is_precondition=False)

    @pytest.mark.parametrize(
        ("header", "versions"), [('"4-0a"', {4}), ('W/"4-0a", 5', {4, 5}), ("garbage", set()), ("", set())]
    )
    def test_header_takes_precedence_over_the_body(self, header: str, versions: set[int]) -> None:
        found = etags.expected(make_request(**{"If-Match": header}), 3)

        assert found == etags.Expected(frozenset(versions), is_precondition=True)

    @pytest.mark.parametrize("header", ["*", '"4", *'])
    def test_asterisk_is_any_version(self, header: str) -> None:
        assert etags.expected(make_request(**{"If-Match": header}), 3) is None


class TestVersioned:
    def call(self, method: str, **headers: str) -> HttpResponseBase:
        @etags.versioned
        def handler(view: Any, request: Request) -> Response:
            return Response({"version": 3})

        response: HttpResponseBase = handler(None, make_request(method, **headers))
        return response

    @pytest.mark.parametrize("method", ["GET", "HEAD"])
    def test_reread_of_the_same_body_is_304_with_the_tag(self, method: str) -> None:
        tag = self.call(method)["ETag"]

        answer = self.call(method, **{"If-None-Match": f'"1", W/{tag}'})

        assert (answer.status_code, answer["ETag"]) == (304, tag)

    @pytest.mark.parametrize("method", ["POST", "PATCH"])
    def test_write_is_never_304(self, method: str) -> None:
        assert self.call(method, **{"If-None-Match": "*"}).status_code == 200

    def test_read_ignores_if_match(self) -> None:
        answers = [self.call("GET", **{"If-Match": '"1"', "If-None-Match": tag}) for tag in ('"1"', "*")]

        assert [answer.status_code for answer in answers] == [200, 200]
