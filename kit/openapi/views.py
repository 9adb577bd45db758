"""The API's description, for programs and for people."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework import views
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response


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
