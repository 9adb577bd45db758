"""The forms of a ticket's pages in the admin, and what becomes of one that was opened before somebody else's change."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.http import QueryDict
from unfold.widgets import UnfoldAdminTextareaWidget, UnfoldAdminTextInputWidget, UnfoldBooleanWidget

from kit.admin.forms import MultiLineField, ServiceForm
from kit.errors import Conflict
from kit.web.fields import NO_CONTROL_CHARACTERS
from tickets import queries, readable
from tickets.models import MAX_MESSAGE, Status, Ticket

# The prefix of the assignees' rows, and how many are read of those that somebody adds.
ROWS = "assignments"
MAX_ROWS = 20


class ChangedMeanwhile(Conflict):
    message = (
        "Somebody else changed this ticket while you were editing it, and nothing of yours was saved yet. "
        "The form below keeps what you typed; save again to have it so."
    )


class TicketForm(ServiceForm):
    # Without it, saving a page that was opened a while ago would undo what others have changed since.
    seen_version = forms.IntegerField(widget=forms.HiddenInput)
    # Set by the admin.
    is_stale = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is None:
            self.fields.pop("seen_version", None)
        elif "seen_version" in self.fields:
            self.fields["seen_version"].initial = self.instance.version

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.is_stale:
            self.add_error(None, ChangedMeanwhile.message)
        return cleaned


class ReplyForm(forms.Form):
    message = MultiLineField(
        max_length=MAX_MESSAGE, label="Write a comment", widget=UnfoldAdminTextareaWidget(attrs={"rows": 4})
    )
    is_internal = forms.BooleanField(
        required=False, label="Internal: only staff see it and are told of it", widget=UnfoldBooleanWidget
    )
    # What a button besides sends, to be had along with it; kept when the comment is refused.
    status = forms.TypedChoiceField(
        choices=[("", ""), *Status.choices], required=False, empty_value=None, widget=forms.HiddenInput
    )


class HoldForm(forms.Form):
    reason = forms.CharField(
        max_length=255,
        required=False,
        validators=[NO_CONTROL_CHARACTERS],
        widget=UnfoldAdminTextInputWidget,
        help_text="What it waits for. Whoever sees the ticket sees it, too.",
    )


@dataclass(frozen=True)
class Difference:
    """A field that somebody else changed while a page was open. `yours` is None where its form left it as it was."""

    label: str
    before: str
    now: str
    yours: str | None
    at: datetime
    by: str | None
    door: str


def brought_up_to_date(
    sent: QueryDict, ticket: Ticket, form: forms.BaseModelForm
) -> tuple[QueryDict, list[Difference]]:
    """What was sent from a page of an older version, as if typed into one of this; and what others changed meanwhile.

    Kept is what the person changed themselves. What they left as it was is as it is now: to send it back as they saw it
    would undo what they never looked at. `form` is one of the ticket as it is that nobody has sent.
    """
    seen = _number(sent.get("seen_version", ""))
    changes = queries.meanwhile(ticket_id=ticket.pk, since=seen)
    names = readable.names_in(changes)
    kept, differences = sent.copy(), []
    for change in changes:
        name, known = change.field.removesuffix("_id"), names.get(change.field, {})
        yours = None
        if field := form.fields.get(name):
            typed = field.widget.value_from_datadict(sent, {}, name)
            if field.has_changed(_to_the_second(change.before), typed):
                yours = readable.value(_cleaned(field, typed), known)
            else:
                _put(kept, _as_shown(form, name))
        differences.append(
            Difference(
                readable.label(change.field),
                readable.value(change.before, known),
                readable.value(change.after, known),
                yours,
                change.at,
                change.by.name if change.by else None,
                change.door,
            )
        )
    _put(kept, {"seen_version": str(ticket.version), **_rows(kept, ticket)})
    return kept, differences


def _number(text: str) -> int:
    """0 for what is none, or none of use here."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else 0


def _to_the_second(value: Any) -> Any:
    """As forms show times."""
    return value.replace(microsecond=0) if isinstance(value, datetime) else value


def _cleaned(field: forms.Field, typed: Any) -> Any:
    try:
        return field.clean(typed)
    except forms.ValidationError:
        return typed


def _put(kept: QueryDict, values: dict[str, str]) -> None:
    for name, value in values.items():
        kept[name] = value


def _as_shown(form: forms.BaseModelForm, name: str) -> dict[str, str]:
    """What a browser would send of a field that nobody touches."""
    widget, value = form.fields[name].widget, form[name].value()
    if not isinstance(widget, forms.MultiWidget):
        return {name: "" if value is None else str(value)}
    names: list[str] = widget.widgets_names  # type: ignore[attr-defined]
    parts = zip(names, widget.widgets, widget.decompress(value) or [], strict=True)
    return {f"{name}{suffix}": part.format_value(shown) or "" for suffix, part, shown in parts}


def _rows(kept: QueryDict, ticket: Ticket) -> dict[str, str]:
    """The rows of the assignees as they are now, less those that the person ticked off, plus those whom they added."""
    there, sent = (_number(kept.get(f"{ROWS}-{which}_FORMS", "")) for which in ("INITIAL", "TOTAL"))
    leaving = {kept.get(f"{ROWS}-{row}-id") for row in range(min(there, sent)) if f"{ROWS}-{row}-DELETE" in kept}
    joining = [kept.get(f"{ROWS}-{row}-user", "") for row in range(there, min(sent, there + MAX_ROWS))]
    assignments = list(ticket.assignments.all())
    assigned = {str(assignment.user_id) for assignment in assignments}
    joining = [user_id for user_id in joining if user_id and user_id not in assigned]
    for name in [name for name in kept if name.startswith(f"{ROWS}-") and not name.endswith("_NUM_FORMS")]:
        del kept[name]
    rows = {
        f"{ROWS}-INITIAL_FORMS": str(len(assignments)),
        f"{ROWS}-TOTAL_FORMS": str(len(assignments) + len(joining)),
    }
    for row, assignment in enumerate(assignments):
        rows |= {f"{ROWS}-{row}-id": str(assignment.pk), f"{ROWS}-{row}-ticket": str(ticket.pk)}
        if str(assignment.pk) in leaving:
            rows[f"{ROWS}-{row}-DELETE"] = "on"
    for row, user_id in enumerate(joining, start=len(assignments)):
        rows |= {f"{ROWS}-{row}-id": "", f"{ROWS}-{row}-ticket": str(ticket.pk), f"{ROWS}-{row}-user": user_id}
    return rows
