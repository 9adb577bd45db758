"""Headers of JSON responses behave as Django's."""

from typing import Any

import pytest
from django.http.response import BadHeaderError, ResponseHeaders
from hypothesis import given
from hypothesis import strategies as st

from kit.web.responses import Headers, Response

NAMES = st.sampled_from(["Vary", "vary", "X-Request-ID", "content-type"])
VALUES = st.one_of(st.text(), st.integers(), st.sampled_from(["a, b", "é", "漢", "\x7f", "tab\there"]))


def stored(headers: ResponseHeaders, name: str, value: Any) -> object:
    try:
        headers[name] = value
    except (BadHeaderError, UnicodeError) as error:
        return type(error)
    return headers.get(name.upper())


class TestHeaders:
    @given(NAMES, VALUES)
    def test_store_what_django_stores(self, name: str, value: object) -> None:
        ours, theirs = Headers({}), ResponseHeaders({})

        assert stored(ours, name, value) == stored(theirs, name, value)
        assert (name in ours) is (name in theirs)

    def test_ignore_case(self) -> None:
        headers = Headers({"Vary": "origin"})
        headers["VARY"] = "Accept"

        assert headers.get("vary") == headers["vAry"] == "Accept"
        assert list(headers.items()) == [("VARY", "Accept")]

    def test_keep_the_first_default(self) -> None:
        headers = Headers({})
        headers.setdefault("Vary", "origin")
        headers.setdefault("vary", "Accept")

        assert headers["Vary"] == "origin"
        assert headers.get("Allow", "none") == "none"

    def test_refuse_a_newline(self) -> None:
        with pytest.raises(BadHeaderError):
            Response({}, headers={"Location": "/tickets\r\nSet-Cookie: a=b"})
