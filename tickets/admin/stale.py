"""A ticket's form that was opened before somebody else's change: what the history adds to `kit.admin.stale`."""

from typing import Any

from django.http import QueryDict

from kit.admin.stale import Difference, Stale, digest, digests, merge, number_or_zero
from tickets import queries, readable
from tickets.forms import STALE_FORM
from tickets.models import MAX_ASSIGNEES, Ticket


def rebase(sent: QueryDict, ticket: Ticket, form: Any, assignees: Any) -> tuple[QueryDict, Stale]:
    """Return the form's values as if the user had edited the current version, and what others have changed.

    `form` and `assignees` are those of the current ticket, without data.
    """
    changes = queries.changes_since(ticket_id=ticket.pk, since=number_or_zero(sent.get("seen_version", "")))
    before = {_name(change): change.before for change in changes}
    opened = type(form)(instance=ticket, initial=before)
    merged, stale = merge(sent, form, [assignees], digests(opened, []) | _shown_rows(sent, assignees))
    merged["seen_version"] = str(ticket.version)
    _drop_assigned(merged, assignees)
    yours = {each.label: each.yours for each in stale.differences} if stale else {}
    names_by_field, differences = readable.names_in(changes), []
    for change in changes:
        name, names = _name(change), names_by_field.get(change.field, {})
        differences.append(
            Difference(
                label=readable.label(change.field),
                before=readable.value(change.before, names),
                now=readable.value(change.after, names),
                yours=yours.get(str(form[name].label)) if name in form.fields else None,
                at=change.at,
                by=change.by.name if change.by else None,
                door=readable.door(change.door),
            )
        )
    return merged, Stale(STALE_FORM, stale.conflicts if stale else {}, differences)


def _name(change: queries.LaterChange) -> str:
    return change.field.removesuffix("_id")


def _shown_rows(sent: QueryDict, assignees: Any) -> dict[str, str]:
    """Return the digests of the rows that the page had, which can only be removed.

    One more makes sure that the rows are merged, even if they are the same.
    """
    prefix = assignees.prefix
    shown = range(min(number_or_zero(sent.get(f"{prefix}-INITIAL_FORMS", "")), MAX_ASSIGNEES))
    kept = digest({"": []})
    return {f"{prefix}-": "", **{f"{prefix}-{sent.get(f'{prefix}-{place}-id')}-DELETE": kept for place in shown}}


def _drop_assigned(merged: QueryDict, assignees: Any) -> None:
    """Leave out users whom the form adds but others have added since."""
    assigned = {str(row.instance.user_id) for row in assignees.initial_forms}
    for place in range(len(assigned), number_or_zero(merged.get(f"{assignees.prefix}-TOTAL_FORMS", ""))):
        name = f"{assignees.prefix}-{place}-user"
        if merged.get(name) in assigned:
            merged[name] = ""
