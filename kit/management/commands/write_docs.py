"""`manage.py write_docs`: print the OpenAPI document on one line, followed by its documentation page."""

from typing import Any

import orjson
from django.core.management.base import BaseCommand

from kit.openapi.page import page
from kit.openapi.views import document


class Command(BaseCommand):
    help = "Print the OpenAPI document on one line, followed by its documentation page. The web server runs this."
    requires_system_checks = []

    def handle(self, **options: Any) -> None:
        self.stdout.write(orjson.dumps(document()).decode())
        self.stdout.write(page(document()), ending="")
