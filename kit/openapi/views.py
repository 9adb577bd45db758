"""The OpenAPI document and its documentation page."""

import os
import subprocess
import sys
import threading
from functools import cache
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from kit.db import configuration
from kit.web.base import APIView

SECONDS_TO_WRITE = 60

# Requests at the same time wait for the first of them.
_writing = threading.Lock()


class Schema(APIView):
    """The OpenAPI document."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def get(self, request: Request) -> HttpResponse:
        text, _ = written()
        return HttpResponse(text, content_type="application/json")


class Docs(APIView):
    """The OpenAPI document for people, with a form to try each call."""

    authentication_classes = []
    permission_classes = [AllowAny]
    schema = None

    def get(self, request: Request) -> HttpResponse:
        _, page = written()
        return HttpResponse(page)


def written() -> tuple[bytes, bytes]:
    """Return the document as JSON, and the documentation page. They are the same for everyone."""
    with _writing:
        return _written()


@cache
def _written() -> tuple[bytes, bytes]:
    """Have a process with the same settings write both, because this one would keep the 10 to 20 MB that it takes."""
    command = [sys.executable, str(settings.BASE_DIR / "manage.py"), "write_docs"]
    environment = {
        **os.environ,
        "DATABASE_URL": configuration.connection_url(settings.DATABASES["default"]),
        # drf-spectacular goes through sets, and names of components depend on their order.
        "PYTHONHASHSEED": "0",
    }
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, timeout=SECONDS_TO_WRITE, check=True)
    text, page = run.stdout.split(b"\n", maxsplit=1)
    return text, page


@cache
def document() -> Any:
    """Return the document as Python values."""
    return SchemaGenerator().get_schema(public=True)
