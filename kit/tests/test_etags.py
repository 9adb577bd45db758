"""`expected` and `versioned` without a database. tickets/tests/test_change.py tests them over HTTP."""

from typing import Any

import pytest
from django.http import HttpResponseBase
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from kit.versions import Expected, PreconditionFailed, VersionConflict
from kit.web import etags
from kit.web.responses import Response


def make_request(method: str = "PATCH", **headers: str) -> Request:
    return Request(APIRequestFactory().generic(method, "/", headers=headers))


class TestExpected:
    def test_without_a_version_is_none(self) -> None:
        assert etags.expected(make_request(), None) is None

    def test_version_in_the_body_is_no_precondition(self) -> None:
        assert etags.expected(make_request(), 3) == Expected(frozenset([3]), VersionConflict)

    @pytest.mark.parametrize(
        ("header", "versions"),
        [
            *(('"4-0a"', {4}), ('W/"4-0a", 5', {4, 5}), ("4", {4}), ("garbage", set()), ("", set())),
            *(('"4-0a-gzip"', {4}), ('W/"4-0a--br"', {4}), ('"4-0a;zstd", "5-gzip"', {4, 5}), ('"4-0a-"', set())),
        ],
    )
    def test_header_takes_precedence_over_the_body(self, header: str, versions: set[int]) -> None:
        found = etags.expected(make_request(**{"If-Match": header}), 3)

        assert found == Expected(frozenset(versions), PreconditionFailed)

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

        assert [answer.status_code for answer in answers] == [200, 304]

    @pytest.mark.parametrize("written", ["{}", "W/{}", '"1", {}', "{}, x", "*", " * "])
    def test_current_tag_is_304(self, written: str) -> None:
        tag = self.call("GET")["ETag"]

        assert self.call("GET", **{"If-None-Match": written.format(tag)}).status_code == 304

    @pytest.mark.parametrize("suffix", ["-gzip", "--gzip", ";br", ":zstd"])
    def test_suffix_of_a_compressing_proxy_does_not_matter(self, suffix: str) -> None:
        tag = self.call("GET")["ETag"]

        assert self.call("GET", **{"If-None-Match": f'{tag[:-1]}{suffix}"'}).status_code == 304

    @pytest.mark.parametrize("written", ['"3"', "3", '"3-0123456789abcdef"', '"3-gzip"', "garbage", "", '"*"'])
    def test_another_body_of_the_same_version_is_200(self, written: str) -> None:
        assert self.call("GET", **{"If-None-Match": written}).status_code == 200

    def test_tag_of_the_handler_stays(self) -> None:
        @etags.versioned
        def handler(view: Any, request: Request) -> Response:
            return Response({"id": 3}, headers={"ETag": etags.tag({"id": 3, "version": 1})})

        assert handler(None, make_request("POST"))["ETag"].startswith('"1-')
