"""The same done to many tickets from the admin's list: to each by itself, by the services, under their rules."""

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

# Each takes some hundredths of a second, and somebody waits for the answer.
MOST = 1_000
SHOWN = 5


class ManyForm(forms.Form):
    """Which tickets, by their ids; what is to be done to them stands in a field beside it."""

    tickets = forms.RegexField(r"^\d{1,18}(,\d{1,18})*$", max_length=19 * MOST, widget=forms.HiddenInput)

    def __init__(self, *args: Any, name: str, field: forms.Field, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields[name] = field

    def clean_tickets(self) -> list[int]:
        ids = dict.fromkeys(map(int, self.cleaned_data["tickets"].split(",")))
        if len(ids) > MOST:
            raise forms.ValidationError(f"At most {MOST:,} tickets at once.")
        return list(ids)


@dataclass(frozen=True)
class Kind:
    """Something to be done: `field` of the form says what exactly, `change` does it to one ticket."""

    title: str
    submit: str
    field: str
    change: Callable[[int, User, Any], object]
    choices: list[tuple[str, str]] | None = None

    def choice(self) -> forms.Field:
        return forms.ChoiceField(choices=self.choices or [], widget=UnfoldAdminSelectWidget)


def _assign(ticket_id: int, by: User, user: User) -> None:
    services.assign(ticket_id=ticket_id, user_id=user.pk, by=by)


def _set_status(ticket_id: int, by: User, status: str) -> None:
    services.update(ticket_id=ticket_id, by=by, at=timezone.now(), status=status)


def _set_priority(ticket_id: int, by: User, priority: str) -> None:
    services.update(ticket_id=ticket_id, by=by, at=timezone.now(), priority=priority)


KINDS = {
    "assign": Kind("Assign somebody to", "Assign", "user", _assign),
    "status": Kind("Set the status of", "Set the status", "status", _set_status, Status.choices),
    "priority": Kind("Set the priority of", "Set the priority", "priority", _set_priority, Priority.choices),
}


@dataclass
class Outcome:
    """The tickets that were changed, those that were so already, and those that were refused, by reason."""

    changed: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    refused: dict[str, list[int]] = field(default_factory=dict)


def do(kind: Kind, ticket_ids: Iterable[int], *, by: User, value: Any) -> Outcome:
    """Do it to each, in this order. Each is a transaction of its own: what is refused of one undoes no other."""
    ticket_ids = list(ticket_ids)
    outcome, version_of = Outcome(), _versions(ticket_ids)
    for ticket_id in ticket_ids:
        try:
            with database_errors_as_refusals():
                kind.change(ticket_id, by, value)
        except Refused as refusal:
            for _, reason in refusal_messages(refusal):
                outcome.refused.setdefault(reason.removesuffix("."), []).append(ticket_id)
        else:
            outcome.changed.append(ticket_id)
    moved = _versions(outcome.changed)
    outcome.unchanged = [each for each in outcome.changed if moved.get(each) == version_of.get(each)]
    outcome.changed = [each for each in outcome.changed if moved.get(each) != version_of.get(each)]
    return outcome


def _versions(ticket_ids: list[int]) -> dict[int, int]:
    return dict(Ticket.objects.filter(pk__in=ticket_ids).values_list("pk", "version"))


def some(ticket_ids: list[int]) -> str:
    """The first few of them, as people write them."""
    more = f" and {len(ticket_ids) - SHOWN:,} more" if len(ticket_ids) > SHOWN else ""
    return ", ".join(f"#{ticket_id}" for ticket_id in ticket_ids[:SHOWN]) + more


def tickets(number: int) -> str:
    return "1 ticket" if number == 1 else f"{number:,} tickets"
