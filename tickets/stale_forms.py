"""Forms that were opened before somebody else's change: keep the user's edits on top of the current version."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict

from kit.admin.stale import number_or_zero
from tickets import queries, readable
from tickets.models import Ticket

# The prefix of the assignee rows.
ROWS = "assignments"
# Limit of added rows that are kept; a request could claim any number.
MAX_ADDED_ROWS = 20


@dataclass(frozen=True)
class Difference:
    """A field that somebody else changed while the form was open. `yours` is None if the user did not edit it."""

    label: str
    before: str
    now: str
    yours: str | None
    at: datetime
    by: str | None
    door: str


def rebase(sent: QueryDict, ticket: Ticket, form: forms.BaseModelForm) -> tuple[QueryDict, list[Difference]]:
    """Return the form's values as if the user had edited the current version, and what others have changed.

    Fields that the user edited keep the user's values. All others get the current values: sending back what the form
    showed would undo changes that the user never saw. `form` is an unbound form of the current ticket.
    """
    seen_version = number_or_zero(sent.get("seen_version", ""))
    changes = queries.changes_since(ticket_id=ticket.pk, since=seen_version)
    names_by_field = readable.names_in(changes)
    rebased, differences = sent.copy(), []
    for change in changes:
        name, names = change.field.removesuffix("_id"), names_by_field.get(change.field, {})
        yours = None
        if field := form.fields.get(name):
            typed = field.widget.value_from_datadict(sent, {}, name)
            if field.has_changed(_to_the_second(change.before), typed):
                yours = readable.value(_cleaned(field, typed), names)
            else:
                put(rebased, unedited(form, name))
        differences.append(
            Difference(
                label=readable.label(change.field),
                before=readable.value(change.before, names),
                now=readable.value(change.after, names),
                yours=yours,
                at=change.at,
                by=change.by.name if change.by else None,
                door=readable.door(change.door),
            )
        )
    put(rebased, {"seen_version": str(ticket.version), **_assignee_rows(rebased, ticket)})
    return rebased, differences


def _to_the_second(value: Any) -> Any:
    """Drop the microseconds of a time, which form fields do not show."""
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


def _cleaned(field: forms.Field, typed: Any) -> Any:
    try:
        return field.clean(typed)
    except forms.ValidationError:
        return typed


def put(rebased: QueryDict, values: dict[str, str]) -> None:
    """Replace values, each by a single one."""
    for name, value in values.items():
        rebased[name] = value


def unedited(form: forms.BaseModelForm, name: str) -> dict[str, str]:
    """Return what a browser sends for a field that the user does not edit."""
    widget, value = form.fields[name].widget, form[name].value()
    if not isinstance(widget, forms.MultiWidget):
        return {name: "" if value is None else str(value)}
    names: list[str] = widget.widgets_names  # type: ignore[attr-defined]
    parts = zip(names, widget.widgets, widget.decompress(value) or [], strict=True)
    return {f"{name}{suffix}": part.format_value(shown) or "" for suffix, part, shown in parts}


def _assignee_rows(rebased: QueryDict, ticket: Ticket) -> dict[str, str]:
    """Return the current assignee rows, with the user's removals, and the rows that the user added."""
    shown, sent = (number_or_zero(rebased.get(f"{ROWS}-{which}_FORMS", "")) for which in ("INITIAL", "TOTAL"))
    removed = {rebased.get(f"{ROWS}-{row}-id") for row in range(min(shown, sent)) if f"{ROWS}-{row}-DELETE" in rebased}
    added = [rebased.get(f"{ROWS}-{row}-user", "") for row in range(shown, min(sent, shown + MAX_ADDED_ROWS))]
    assignments = list(ticket.assignments.all())
    assigned = {str(assignment.user_id) for assignment in assignments}
    added = [user_id for user_id in added if user_id and user_id not in assigned]
    for name in [name for name in rebased if name.startswith(f"{ROWS}-") and not name.endswith("_NUM_FORMS")]:
        del rebased[name]
    rows = {
        f"{ROWS}-INITIAL_FORMS": str(len(assignments)),
        f"{ROWS}-TOTAL_FORMS": str(len(assignments) + len(added)),
    }
    for row, assignment in enumerate(assignments):
        rows |= {f"{ROWS}-{row}-id": str(assignment.pk), f"{ROWS}-{row}-ticket": str(ticket.pk)}
        if str(assignment.pk) in removed:
            rows[f"{ROWS}-{row}-DELETE"] = "on"
    for row, user_id in enumerate(added, start=len(assignments)):
        rows |= {f"{ROWS}-{row}-id": "", f"{ROWS}-{row}-ticket": str(ticket.pk), f"{ROWS}-{row}-user": user_id}
    return rows
