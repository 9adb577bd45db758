"""Forms in the admin whose rules are those of the services and the database: each is reported beside its field."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import make_user
from events.models import Event
from kit.admin.forms import ServiceForm
from kit.tests.browser import Browser, errors, fields
from projects.models import Project
from ticketing.tests.pages import Examples
from ticketing.tests.test_stale_forms import page_of
from tickets.models import Macro, Ticket

# What the constraints of the database forbid, and the field that is to blame.
BROKEN: list[tuple[type[models.Model], str, dict[str, Any]]] = [
    (Ticket, "title", {"title": " "}),
    (Ticket, "type", {"type": " "}),
    (Ticket, "labels", {"labels": "x" * 51}),
    (Ticket, "status", {"status": "lost"}),
    (Ticket, "priority", {"priority": "urgent"}),
    (Ticket, "price", {"price": "-1"}),
    (Ticket, "price", {"price": "100000000"}),
    (Project, "name", {"name": "ab"}),
    (Project, "name", {"name": "GENERAL"}),
    (Project, "visibility", {"visibility": "nobody"}),
    (User, "name", {"name": "ab"}),
    (User, "email", {"email": "taken@example.com"}),
    (User, "email", {"email": "no address"}),
    (User, "phone", {"phone": "call me"}),
    (User, "type", {"type": "boss"}),
    (User, "is_superuser", {"is_superuser": "on"}),
    (Event, "name", {"name": " "}),
    (Event, "ends_at", {"ends_at_0": "2001-01-01", "ends_at_1": "00:00:00"}),
    (Event, "currency", {"currency": "euro"}),
    (Event, "price", {"price": "-1"}),
    (Event, "max_per_booking", {"max_per_booking": "0"}),
    (Event, "status", {"status": "full"}),
    (Event, "withheld", {"capacity": "10", "withheld": "11"}),
    (Macro, "name", {"name": " "}),
    (Macro, "name", {"name": "TAKEN"}),
    (Macro, "status", {"status": "lost"}),
    (Macro, "priority", {"priority": "urgent"}),
    (Macro, "labels", {"labels": "x" * 51}),
    (Macro, "status", {"status": "closed", "puts_on_hold": "on"}),
]
FORMS = [model for model, model_admin in site._registry.items() if issubclass(model_admin.form, ServiceForm)]


@pytest.mark.django_db
class TestRules:
    @pytest.mark.parametrize(
        ("model", "field", "edit"), [pytest.param(*each, id=f"{each[0].__name__}-{each[2]}"[:60]) for each in BROKEN]
    )
    def test_are_reported_beside_their_field(
        self, browser: Browser, examples: Examples, model: type[models.Model], field: str, edit: dict[str, Any]
    ) -> None:
        make_user("Tom Taken", email="taken@example.com")
        Macro.objects.create(name="Taken", text="Thank you")

        refused = browser.submit(page_of(examples[model]), **edit)

        assert list(errors(refused)) == [field]

    @pytest.mark.parametrize("model", FORMS)
    def test_are_not_checked_by_the_form_as_well(
        self, browser: Browser, examples: Examples, model: type[models.Model]
    ) -> None:
        page = page_of(examples[model])
        shown = fields(browser.get(page))

        with CaptureQueriesContext(connection) as queries:
            browser.post(page, {**shown, "_save": "Save"})

        # The name of the column by which Django checks a constraint.
        assert not [query["sql"] for query in queries if '"_check"' in query["sql"]]
