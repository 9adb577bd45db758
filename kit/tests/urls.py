"""URLs for tests only: a view with an unexpected error, and others outside DRF."""

from collections.abc import Iterator
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from rest_framework.request import Request

from kit.web.base import APIView
from ticketing.urls import urlpatterns as real


class Faulty(APIView):
    permission_classes = []

    def get(self, request: Request) -> Any:
        secret = "the combination is 1-2-3-4-5"
        raise RuntimeError(secret)


def faulty_outside_drf(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("the combination is 1-2-3-4-5")


def suspicious_outside_drf(request: HttpRequest) -> HttpResponse:
    raise SuspiciousOperation("the combination is 1-2-3-4-5")


def faulty_stream(request: HttpRequest) -> StreamingHttpResponse:
    def content() -> Iterator[bytes]:
        yield b"first"
        raise RuntimeError("the combination is 1-2-3-4-5")

    return StreamingHttpResponse(content())


urlpatterns = [
    path("faulty", Faulty.as_view()),
    path("faulty-outside-drf", faulty_outside_drf),
    path("suspicious-outside-drf", suspicious_outside_drf),
    path("faulty-stream", faulty_stream),
    *real,
]
