"""Views for the server itself, and the base class of the contracts' views."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import orjson
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.cache import patch_vary_headers
from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from kit import errors
from kit.openapi.describe import describes
from kit.web.base import APIView
from kit.web.pages import prefers_html
from kit.web.problems import Problem
from kit.web.responses import Response

# Names of URL patterns, by the key under which the root lists their addresses.
ADDRESSES = {"docs": "docs", "schema": "schema", "admin": "admin:index", "health": "health"}


class AddressesSerializer(serializers.Serializer[Any]):
    docs = serializers.URLField(help_text="The API's documentation, for people.")
    schema = serializers.URLField(help_text="The API's OpenAPI description.")
    admin = serializers.URLField(help_text="The back office, for staff.")
    health = serializers.URLField(help_text="The health check.")


class Root(APIView):
    """Where to go from here: a page for browsers, addresses in JSON for programs."""

    authentication_classes = []
    permission_classes = [AllowAny]

    @describes(
        "List the server's addresses",
        name="getRoot",
        more="Browsers (`Accept: text/html`) get a page with the same links.",
        query=None,
        answers={
            200: (
                AddressesSerializer,
                {
                    "docs": "https://tickets.example.com/docs",
                    "schema": "https://tickets.example.com/schema",
                    "admin": "https://tickets.example.com/admin/",
                    "health": "https://tickets.example.com/healthz",
                },
            )
        },
    )
    def get(self, request: Request) -> HttpResponseBase:
        if prefers_html(request):
            answer: HttpResponseBase = render(request._request, "pages/root.html")
        else:
            answer = Response({key: request.build_absolute_uri(reverse(name)) for key, name in ADDRESSES.items()})
        patch_vary_headers(answer, ["Accept"])
        return answer


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok"])


class Health(APIView):
    """Health check for load balancers, without the database or a rate limit."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []

    @describes(
        "Check that the server is up",
        name="getHealth",
        more="Does not use the database.",
        query=None,
        answers={200: (HealthSerializer, {"status": "ok"})},
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


@dataclass(frozen=True)
class Answer:
    """The response that a contract's document gives to an exception. A value of None keeps the product's own.

    `message` may contain the view's `ids`: "Event with ID {event_id} not found". `field` is the key of the request that
    is wrong.
    """

    status: int | None = None
    message: str | None = None
    code: str | None = None
    field: str | None = None

    def apply_to(self, problem: Problem, ids: Mapping[str, int]) -> Problem:
        """Return the problem with the document's values in place of the product's."""
        message = problem.message if self.message is None else self.message.format_map(ids)
        return replace(
            problem,
            status=problem.status if self.status is None else self.status,
            message=message,
            code=problem.code if self.code is None else self.code,
            errors=problem.errors if self.field is None else [(self.field, message)],
        )


class Dialect(APIView):
    """Base class of a contract's views: described by its own document, with that document's errors.

    `answers` maps exceptions to what the document says; the most specific class wins, and an exception that is not
    listed is answered as in the product's own API. `body` builds the document's error body from the result.
    """

    schema = None
    answers: ClassVar[Mapping[type[Exception], Answer]] = {}
    # Ids for the messages in `answers`. A handler sets them once it knows them.
    ids: Mapping[str, int] = MappingProxyType({})

    def lay_out(self, problem: Problem) -> HttpResponse:
        """Return the response for a problem."""
        answer = self.answer_to(problem.cause)
        problem = answer.apply_to(problem, self.ids) if answer else problem
        body = orjson.dumps(self.body(problem))
        return HttpResponse(body, "application/json", problem.status, headers=problem.headers)

    def answer_to(self, cause: Exception | None) -> Answer | None:
        """Return the entry for the exception's class, or else for its closest base class."""
        return next((self.answers[kind] for kind in type(cause).__mro__ if kind in self.answers), None)

    def body(self, problem: Problem) -> dict[str, Any]:
        """Return the document's error body."""
        raise NotImplementedError

    def check_permissions(self, request: Request) -> None:
        # A wrong method is 405 for everyone, signed in or not.
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().check_permissions(request)


class Unknown(APIView):
    """Answer 404 for every path that nothing else serves."""

    permission_classes = []
    authentication_classes = []
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        # Count the request, but skip the other checks: a contract would answer 405 before this 404.
        self.perform_authentication(request)
        raise errors.Missing("No such path")
