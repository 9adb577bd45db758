"""Views of the server itself, and the base class of the contracts' views."""

from typing import Any

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from kit import errors
from kit.openapi.describe import describes
from kit.web.base import APIView


class HealthSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(choices=["ok"])


class Health(APIView):
    """Health check for load balancers: answered without the database, and without a rate limit."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []

    @describes(
        "Check that the server is up",
        name="getHealth",
        more="Answered by the process alone, without the database.",
        answers={200: (HealthSerializer, {"status": "ok"})},
    )
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


class Dialect(APIView):
    """Base class of a contract's views: described by its own document, with errors in its own format (`lay_out`)."""

    schema = None

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
        # Counts the request; its method and permissions do not matter.
        self.perform_authentication(request)
        raise errors.Missing("No such path")
