"""Bulk changes from the admin's list. Each ticket is changed through the services, one by one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.models import User
from kit.admin.refusals import database_errors_as_refusals, refusal_messages
from kit.errors import Refused
from sla.models import Priority
from tickets import services
from tickets.models import Status, Ticket

# Each change takes a few hundredths of a second, and the user waits for all of them.
MAX_TICKETS = 1_000
LISTED_TICKETS = 5


class BulkForm(forms.Form):
    """The ids of the tickets, and a field with the value to set."""

    tickets = forms.RegexField(r"^\d{1,18}(,\d{1,18})*$", max_length=19 * MAX_TICKETS, widget=forms.HiddenInput)

    def __init__(self, *args: Any, name: str, field: forms.Field, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[name] = field

    def clean_tickets(self) -> list[int]:
        ids = dict.fromkeys(map(int, self.cleaned_data["tickets"].split(",")))
        if len(ids) > MAX_TICKETS:
            raise forms.ValidationError(f"You can update at most {MAX_TICKETS:,} tickets at once.")
        return list(ids)


@dataclass(frozen=True)
class BulkChange:
    """One kind of change. `field` is the form's field for the value; `change` applies it to one ticket."""

    title: str
    submit: str
    field: str
    change: Callable[[int, User, Any], object]
    choices: list[tuple[str, str]] | None = None

    def choice_field(self) -> forms.Field:
        return forms.ChoiceField(choices=self.choices or [], widget=UnfoldAdminSelectWidget)


def _assign(ticket_id: int, by: User, user: User) -> None:
    services.assign(ticket_id=ticket_id, user_id=user.pk, by=by)


def _merge(ticket_id: int, by: User, into: Ticket) -> None:
    services.merge(ticket_id=ticket_id, into_id=into.pk, by=by, at=timezone.now())


def _set_status(ticket_id: int, by: User, status: str) -> None:
    services.update(ticket_id=ticket_id, by=by, at=timezone.now(), status=status)


def _set_priority(ticket_id: int, by: User, priority: str) -> None:
    services.update(ticket_id=ticket_id, by=by, at=timezone.now(), priority=priority)


CHANGES = {
    "assign": BulkChange("Assign a user to", "Assign", "user", _assign),
    "merge": BulkChange("Merge", "Merge", "into", _merge),
    "status": BulkChange("Set the status of", "Set status", "status", _set_status, Status.choices),
    "priority": BulkChange("Set the priority of", "Set priority", "priority", _set_priority, Priority.choices),
}


@dataclass
class Outcome:
    """The ids of the tickets that were changed, that already had the value, and that were refused, by reason."""

    changed: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    refused: dict[str, list[int]] = field(default_factory=dict)


def apply(
    change: BulkChange, ticket_ids: Iterable[int], *, by: User, value: Any, on_each: Callable[[], object] = lambda: None
) -> Outcome:
    """Change the tickets in this order, each in its own transaction, so that a refusal affects one ticket only.

    `on_each` is called before each ticket.
    """
    ticket_ids = list(ticket_ids)
    outcome, versions_before = Outcome(), _versions(ticket_ids)
    accepted = []
    for ticket_id in ticket_ids:
        on_each()
        try:
            with database_errors_as_refusals():
                change.change(ticket_id, by, value)
        except Refused as refusal:
            for _, reason in refusal_messages(refusal):
                outcome.refused.setdefault(reason.removesuffix("."), []).append(ticket_id)
        else:
            accepted.append(ticket_id)
    versions = _versions(accepted)
    for ticket_id in accepted:
        is_unchanged = versions.get(ticket_id) == versions_before.get(ticket_id)
        (outcome.unchanged if is_unchanged else outcome.changed).append(ticket_id)
    return outcome


def _versions(ticket_ids: list[int]) -> dict[int, int]:
    return dict(Ticket.objects.filter(pk__in=ticket_ids).values_list("pk", "version"))


def listed(ticket_ids: list[int]) -> str:
    """Return the first few ids, as in "#1, #2 and 3 more"."""
    more = f" and {len(ticket_ids) - LISTED_TICKETS:,} more" if len(ticket_ids) > LISTED_TICKETS else ""
    return ", ".join(f"#{ticket_id}" for ticket_id in ticket_ids[:LISTED_TICKETS]) + more
