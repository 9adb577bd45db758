"""The OpenAPI document and its documentation page."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from django.template.loader import render_to_string
from drf_spectacular.generators import SchemaGenerator
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from kit.openapi.components import expanded
from kit.openapi.page import Reader, prose
from kit.web.base import APIView


class Schema(APIView):
    """The OpenAPI document."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def get(self, request: Request) -> Response:
        return Response(document())


class Docs(APIView):
    """The OpenAPI document for people, with a form to try each call."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def get(self, request: Request) -> HttpResponse:
        return HttpResponse(page())


@cache
def document() -> Any:
    """Return the document, which is the same for everyone. Generated once per process, as that takes a while."""
    return SchemaGenerator().get_schema(public=True)


@cache
def page() -> str:
    """Return the documentation page, which is also the same for everyone."""
    whole = expanded(document(), document())
    info = whole["info"]
    introduction = [prose(paragraph) for paragraph in info["description"].split("\n\n")]
    values = {"title": info["title"], "introduction": introduction, "sections": Reader(whole).sections()}
    return render_to_string("pages/docs.html", values)
