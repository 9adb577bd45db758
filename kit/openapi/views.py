"""The OpenAPI document and its documentation page."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularSwaggerView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from kit.web.base import APIView


class Schema(APIView):
    """The OpenAPI document."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def get(self, request: Request) -> Response:
        return Response(document())


@cache
def document() -> Any:
    """Return the document, which is the same for everyone. Generated once per process, as that takes a while."""
    return SchemaGenerator().get_schema(public=True)


class Docs(APIView, SpectacularSwaggerView):
    """Swagger UI."""

    url_name = "schema"
    authentication_classes = []

    def options(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:  # type: ignore[override]
        # DRF's response would be rendered with the page's template.
        return HttpResponse()
