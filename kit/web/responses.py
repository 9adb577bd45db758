"""JSON responses."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse
from django.http.response import ResponseHeaders

from kit.web.waiting import Wait


class Headers(ResponseHeaders):
    """Django's headers, but printable ASCII is stored as it is. Middleware reads and writes some thirty headers."""

    def __setitem__(self, name: str, value: Any) -> None:
        if type(value) is str and value.isascii() and value.isprintable():
            self._store[name.lower()] = (name, value)
        else:
            super().__setitem__(name, value)

    def __contains__(self, name: object) -> bool:
        return str(name).lower() in self._store

    def get(self, name: str, default: Any = None) -> Any:
        return self._store.get(name.lower(), (name, default))[1]

    def setdefault(self, name: str, value: Any) -> None:
        if name.lower() not in self._store:
            self[name] = value

    def items(self) -> Any:
        return self._store.values()


class Response(HttpResponse):
    """A response with this data as JSON, or without a body if it is None.

    DRF's own is a template that is rendered after the view, which takes longer, and leaves nothing to choose here.
    """

    # Set by a view that has found nothing yet.
    wait: Wait | None = None

    def __init__(self, data: Any = None, status: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        body = b"" if data is None else orjson.dumps(data)
        super().__init__(body, "application/json", status)
        self.data = data
        self.headers = Headers(headers or {})
        if body:
            self.headers["Content-Type"] = "application/json"
