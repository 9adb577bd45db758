"""Bulk changes from the admin's list. Each ticket is changed through the services, one by one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.contrib import admin
from django.utils import timezone
from unfold.widgets import UnfoldAdminSelectWidget

from accounts.admin.person_picker import PersonField
from accounts.models import User
from kit.admin.forms import Autocomplete
from kit.admin.refusals import database_errors_as_refusals, refusal_messages
from kit.errors import Refused
from sla.models import Priority
from tickets import services
from tickets.forms import LabelsField
from tickets.models import Assignment, Status, Ticket

# Each change takes a few hundredths of a second, and the user waits for all of them.
MAX_TICKETS = 1_000
LISTED_TICKETS = 5


class BulkForm(forms.Form):
    """The ids of the tickets, and the fields with what to set."""

    tickets = forms.RegexField(r"^\d{1,18}(,\d{1,18})*$", max_length=19 * MAX_TICKETS, widget=forms.HiddenInput)

    def __init__(self, *args: Any, fields: dict[str, forms.Field], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update(fields)

    def clean_tickets(self) -> list[int]:
        ids = dict.fromkeys(map(int, self.cleaned_data["tickets"].split(",")))
        if len(ids) > MAX_TICKETS:
            raise forms.ValidationError(f"You can update at most {MAX_TICKETS:,} tickets at once.")
        return list(ids)

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        giver = self.cleaned_data.get("giver")
        if giver is not None and giver == self.cleaned_data.get("user"):
            self.add_error("user", f"{services.SamePerson.message}.")
        if {"add", "remove"} <= self.cleaned_data.keys():
            self._check_labels(self.cleaned_data["add"], self.cleaned_data["remove"])
        return cleaned

    def _check_labels(self, added: list[str], removed: list[str]) -> None:
        if not added and not removed:
            self.add_error("add", "Enter labels to add or to remove.")
        if both := set(added) & set(removed):
            self.add_error("remove", f"Cannot be both added and removed: {', '.join(sorted(both))}.")


def _choice(choices: list[tuple[str, str]]) -> forms.Field:
    return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget)


def merge_field() -> forms.ModelChoiceField:
    """Return a field to look up the ticket to merge into, by its number or by words."""
    return forms.ModelChoiceField(
        Ticket.objects.all(),
        label="Merge into",
        help_text="A ticket number, or words from the title or description.",
        widget=Autocomplete(Ticket._meta.get_field("merged_into"), admin.site),
    )


def _person(label: str, **options: Any) -> forms.Field:
    return PersonField(Assignment._meta.get_field("user"), label=label, **options)


@dataclass(frozen=True)
class BulkChange:
    """One kind of change. `fields` makes the form's fields; `change` applies their values to one ticket.

    `done` says what was done, after a number of tickets, as in "assigned to Max".
    """

    title: str
    submit: str
    fields: Callable[[], dict[str, forms.Field]]
    change: Callable[..., object]
    done: Callable[..., str] = lambda **values: "changed"


def _reassign(ticket_id: int, by: User, choose: services.Choice) -> services.Reassigned:
    return services.reassign(ticket_id=ticket_id, choose=choose, by=by, at=timezone.now())


def _assign(ticket_id: int, by: User, *, user: User) -> services.Reassigned:
    return _reassign(ticket_id, by, services.adding(user.pk))


def _replace(ticket_id: int, by: User, *, user: User | None) -> services.Reassigned:
    return _reassign(ticket_id, by, services.only(user.pk if user else None))


def _hand_over(ticket_id: int, by: User, *, giver: User, user: User | None) -> services.Reassigned:
    return _reassign(ticket_id, by, services.instead(giver.pk, user.pk if user else None))


def _undo(ticket_id: int, by: User, *, kept: dict[int, services.Reassigned]) -> None:
    services.undo(kept[ticket_id], by=by, at=timezone.now())


def _merge(ticket_id: int, by: User, *, into: Ticket) -> None:
    services.merge(ticket_id=ticket_id, into_id=into.pk, by=by, at=timezone.now())


def _set_status(ticket_id: int, by: User, *, status: str) -> None:
    services.update(ticket_id=ticket_id, by=by, at=timezone.now(), status=status)


def _set_priority(ticket_id: int, by: User, *, priority: str) -> None:
    services.update(ticket_id=ticket_id, by=by, at=timezone.now(), priority=priority)


def _relabel(ticket_id: int, by: User, *, add: list[str], remove: list[str]) -> None:
    services.relabel(ticket_id=ticket_id, add=add, remove=remove, by=by, at=timezone.now())


def _relabelled(add: list[str], remove: list[str]) -> str:
    parts = [f"labelled {', '.join(add)}"] if add else []
    parts += [f"no longer labelled {', '.join(remove)}"] if remove else []
    return " and ".join(parts)


CHANGES = {
    "assign": BulkChange(
        "Assign a user to",
        "Assign",
        lambda: {"user": _person("Assignee")},
        _assign,
        lambda user: f"assigned to {user.name}",
    ),
    "replace": BulkChange(
        "Replace the assignees of",
        "Replace assignees",
        lambda: {"user": _person("New assignee", required=False, help_text="Leave empty to unassign the tickets.")},
        _replace,
        lambda user: f"assigned to {user.name} only" if user else "left unassigned",
    ),
    "hand-over": BulkChange(
        "Hand over",
        "Hand over",
        lambda: {
            "giver": _person("From"),
            "user": _person(
                "To",
                unlike="giver",
                required=False,
                help_text="If empty, they stay with their other assignees or become unassigned.",
            ),
        },
        _hand_over,
        lambda giver, user: f"handed over from {giver.name} to {user.name}" if user else f"taken from {giver.name}",
    ),
    "merge": BulkChange(
        "Merge", "Merge", lambda: {"into": merge_field()}, _merge, lambda into: f"merged into #{into.pk}"
    ),
    "status": BulkChange("Set the status of", "Set status", lambda: {"status": _choice(Status.choices)}, _set_status),
    "priority": BulkChange(
        "Set the priority of", "Set priority", lambda: {"priority": _choice(Priority.choices)}, _set_priority
    ),
    "labels": BulkChange(
        "Change the labels of",
        "Change labels",
        lambda: {
            "add": LabelsField(required=False, label="Add", help_text="Separated by commas."),
            "remove": LabelsField(required=False, label="Remove", help_text="Separated by commas."),
        },
        _relabel,
        _relabelled,
    ),
}
UNDO = BulkChange("Undo the change of", "Undo", dict, _undo, lambda kept: "assigned as before")


@dataclass
class Outcome:
    """The ids of the tickets that were changed, that already had the value, and that were refused, by reason."""

    changed: list[int] = field(default_factory=list)
    unchanged: list[int] = field(default_factory=list)
    refused: dict[str, list[int]] = field(default_factory=dict)
    reassigned: list[services.Reassigned] = field(default_factory=list)


def apply(
    change: BulkChange,
    ticket_ids: Iterable[int],
    *,
    by: User,
    on_each: Callable[[], object] = lambda: None,
    **values: Any,
) -> Outcome:
    """Change the tickets in this order, each in its own transaction, so that a refusal affects one ticket only.

    `values` are those of the change's fields. `on_each` is called before each ticket.
    """
    ticket_ids = list(ticket_ids)
    outcome, versions_before = Outcome(), _versions(ticket_ids)
    accepted = []
    for ticket_id in ticket_ids:
        on_each()
        try:
            with database_errors_as_refusals():
                result = change.change(ticket_id, by, **values)
        except Refused as refusal:
            for _, reason in refusal_messages(refusal):
                outcome.refused.setdefault(reason.removesuffix("."), []).append(ticket_id)
        else:
            accepted.append(ticket_id)
            if isinstance(result, services.Reassigned):
                outcome.reassigned.append(result)
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
