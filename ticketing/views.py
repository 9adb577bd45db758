"""What the server says of itself: that it lives, and what it can do."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework import serializers, views
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from ticketing.openapi import describes


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok"])


class Health(views.APIView):
    """For load balancers: answered by the process alone, without the database, and not counted."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []

    @describes(
        "Is the server up",
        name="getHealth",
        more="Whether the process answers; the database is not asked.",
        answers={200: (HealthSerializer, {"status": "ok"})},
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class Schema(views.APIView):
    """The OpenAPI document."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def get(self, request: Request) -> Response:
        return Response(document())


@cache
def document() -> Any:
    """Made once a process: it is the same for everybody and takes a while."""
    return SchemaGenerator().get_schema(public=True)


class Docs(SpectacularSwaggerView):
    """The same for people."""

    url_name = "schema"
    authentication_classes = []

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        # What DRF answers would be looked for a template of.
        return HttpResponse()
