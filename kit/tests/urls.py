"""URLs for tests only: a view with an unexpected error, and others outside DRF."""

from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse
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


urlpatterns = [
    path("faulty", Faulty.as_view()),
    path("faulty-outside-drf", faulty_outside_drf),
    path("suspicious-outside-drf", suspicious_outside_drf),
    *real,
]
