"""Forms in the admin that were opened before somebody else's change: no form of any model ever undoes it."""

from typing import Any

import pytest
from django.contrib.admin import site
from django.db import models
from django.urls import reverse

from accounts.models import User
from events.models import Event
from kit.tests.browser import Browser, fields
from projects.models import Project
from sla.models import Calendar, Holiday, Opening, SlaPolicy
from ticketing.tests.pages import Examples
from tickets.models import Macro, Ticket
from webhooks.models import Webhook

# What somebody else does with each form while it is open. A model stands for its example's id. The edits of a form
# cover all its fields.
EDITS: dict[type[models.Model], list[dict[str, Any]]] = {
    User: [
        {"name": "Una Other"},
        {"email": "una.other@example.com"},
        {"type": "agent"},
        {"phone": "+49301234567"},
        {"is_active": None},
        {"type": "admin", "is_superuser": "on"},
    ],
    Project: [{"name": "Web shop"}, {"description": "Two\nlines"}, {"visibility": "involved"}],
    Ticket: [
        {"title": "The roof is gone"},
        {"description": "Two\nlines"},
        {"project": Project},
        {"status": "closed"},
        {"type": "bug"},
        {"priority": "high"},
        {"venue": "Attic"},
        {"price": "12.50"},
        {"labels": "urgent, vip"},
        {"due_at_0": "2030-01-02", "due_at_1": "03:04:05"},
        {"created_by": User},
    ],
    Macro: [
        {"name": "Many thanks"},
        {"is_shared": None},
        {"text": "Two\nlines"},
        {"is_internal": "on"},
        {"status": "closed"},
        {"priority": "high"},
        {"labels": "urgent, vip"},
        {"assigns_me": "on"},
        {"puts_on_hold": "on", "hold_reason": "Parts"},
    ],
    Webhook: [{"url": "https://example.com/other"}, {"events": "user.*, *"}, {"description": "Warehouse"}],
    SlaPolicy: [{"hours": 3}, {"calendar": Calendar}],
    Calendar: [{"name": "Night shift"}, {"time_zone": "Europe/Berlin"}],
    Event: [
        {"name": "Jazz indoors"},
        {"description": "Two\nlines"},
        {"venue": "Cellar"},
        {"status": "draft"},
        {"time_zone": "Europe/Berlin"},
        {"starts_at_0": "2030-01-02", "starts_at_1": "03:04:05"},
        {"ends_at_0": "2099-01-02", "ends_at_1": "03:04:05"},
        {"bookings_close_at_0": "2027-01-02", "bookings_close_at_1": "03:04:05"},
        {"price": "7.50"},
        {"currency": "CHF"},
        {"max_per_booking": 3},
        {"capacity": 70},
        {"withheld": 1},
    ],
}


def page_of(row: models.Model) -> str:
    return reverse(f"admin:{row._meta.label_lower.replace('.', '_')}_change", args=[row.pk])


def state(row: models.Model) -> dict[str, Any]:
    """Return all columns of the row, and of an event's inventory."""
    found = type(row)._base_manager.filter(pk=row.pk).values().get()
    return {**found, "inventory": state(row.inventory) if isinstance(row, Event) else None}


def editable_fields(browser: Browser, row: models.Model) -> set[str]:
    page = browser.get(page_of(row))
    return {bound.name for bound in page.context["adminform"].form.visible_fields()}


@pytest.mark.django_db
class TestStaleForms:
    @pytest.mark.parametrize(
        ("model", "edit"),
        [
            pytest.param(model, edit, id=f"{model.__name__}-{'-'.join(edit)}")
            for model in EDITS
            for edit in EDITS[model]
        ],
    )
    def test_undo_nothing(self, browser: Browser, examples: Examples, model: type[models.Model], edit: Any) -> None:
        row = examples[model]
        edit = {name: examples[value].pk if value in examples else value for name, value in edit.items()}
        opened = fields(browser.get(page_of(row)))
        assert browser.submit(page_of(row), **edit).status_code == 302
        theirs = state(row)

        refused = browser.post(page_of(row), {**opened, "_save": "Save"})

        assert (refused.status_code, state(row)) == (200, theirs)
        assert "save again to overwrite" in refused.content.decode()
        # The form shown again has their values, so that saving it does not undo them either.
        saved = browser.post(page_of(row), {**fields(refused), "_save": "Save"})
        assert (saved.status_code, state(row)) == (302, theirs)

    def test_are_all_tried(self, browser: Browser, examples: Examples) -> None:
        """A new form, or a new field, needs a line in EDITS."""
        tried = {
            model: {name.removesuffix("_0").removesuffix("_1") for edit in edits for name in edit}
            for model, edits in EDITS.items()
        }

        found = {model: editable_fields(browser, examples[model]) for model in site._registry}

        assert {model: names for model, names in found.items() if names} == tried

    def test_have_no_rows_but_those_of_calendars(self, rf: Any, superuser: User) -> None:
        """Their rows are tested in sla/tests/test_admin.py; a ticket's assignees can only be added and removed."""
        request = rf.get("/")
        request.user = superuser
        inlines = {
            inline.model
            for model_admin in site._registry.values()
            for inline in model_admin.get_inline_instances(request)
            if inline.has_change_permission(request)
        }

        assert inlines == {Opening, Holiday}
        assert [each for each in site._registry.values() if each.list_editable] == []
