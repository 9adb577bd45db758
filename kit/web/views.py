"""What the server says of itself: that it lives, and what it can do."""

from typing import Any

from rest_framework import serializers, views
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from kit import errors
from kit.openapi.describe import describes


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


class Dialect(views.APIView):
    """A view of a contract: described by its document, not by us, and refusing in its own words (`lay_out`)."""

    schema = None

    def check_permissions(self, request: Request) -> None:
        # Which methods there are is no secret.
        if request.method not in self.allowed_methods:
            self.http_method_not_allowed(request)
        super().check_permissions(request)


class Unknown(views.APIView):
    """Every path that nothing else serves."""

    permission_classes = []
    authentication_classes = []
    schema = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        raise errors.Missing("No such path")
