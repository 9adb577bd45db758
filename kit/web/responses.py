"""JSON responses."""

from collections.abc import Mapping
from typing import Any

import orjson
from django.http import HttpResponse


class Response(HttpResponse):
    """A response with this data as JSON, or without a body if it is None.

    DRF's own is a template that is rendered after the view, which takes longer, and leaves nothing to choose here.
    """

    def __init__(self, data: Any = None, status: int | None = None, headers: Mapping[str, str] | None = None) -> None:
        body = b"" if data is None else orjson.dumps(data)
        super().__init__(body, "application/json", status, headers=headers)
        self.data = data
        if not body:
            del self.headers["Content-Type"]
