"""What load balancers and Prometheus ask: `/readyz` and `/metrics`."""

from hmac import compare_digest

from django.conf import settings
from django.http import HttpResponse
from django.utils import timezone
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from kit import errors
from kit.openapi.describe import describes
from kit.web.address import client_address
from kit.web.base import APIView
from kit.web.responses import Response
from kit.web.views import HealthSerializer
from ticketing.operations import readiness


class NotReady(errors.Busy):
    code = "not_ready"
    message = "The server is not ready"


class Ready(APIView):
    """Readiness check for load balancers, without a rate limit."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []

    @describes(
        "Check that the server can do its work",
        name="getReadiness",
        more="503 names in `errors` what is missing: `database`, `migrations` or `worker`.",
        query=None,
        answers={200: (HealthSerializer, {"status": "ok"})},
        refusals=[NotReady(fields={readiness.WORKER: [readiness.SENTENCES[readiness.WORKER]]})],
    )
    def get(self, request: Request) -> Response:
        if lacking := readiness.missing(at=timezone.now()):
            raise NotReady(fields={name: [readiness.SENTENCES[name]] for name in lacking})
        # What the proxy makes of a request, for `manage.py doctor`.
        seen = {"client": {"address": client_address(request), "scheme": request.scheme}} if _is_known(request) else {}
        return Response({"status": "ok", **seen})


class Metrics(APIView):
    """Metrics for Prometheus, with METRICS_TOKEN. There are none without that setting."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = []
    schema = None

    def get(self, request: Request) -> HttpResponse:
        if not settings.METRICS_TOKEN:
            raise errors.Missing("No such path")
        if not _is_known(request):
            raise errors.Unauthenticated
        from ticketing.operations import metrics

        return HttpResponse(metrics.exposition(at=timezone.now()), content_type=metrics.CONTENT_TYPE)


def _is_known(request: Request) -> bool:
    """Return whether the request has METRICS_TOKEN."""
    sent = request.META.get("HTTP_AUTHORIZATION", "").encode()
    return bool(settings.METRICS_TOKEN) and compare_digest(sent, f"Bearer {settings.METRICS_TOKEN}".encode())
