"""The panels of a person's tickets. Template tags, because accounts cannot import this app."""

from typing import Any

from django import template
from django.urls import reverse

from accounts.models import User
from tickets import queries
from tickets.models import Queue, Status

register = template.Library()

SHOWN_TICKETS = 8


@register.inclusion_tag("admin/accounts/user/tickets.html")
def tickets_created_by(person: User, viewer: User) -> dict[str, Any]:
    """Show the tickets that the person created."""
    found = queries.created_by(user_id=person.pk, limit=SHOWN_TICKETS) if _may_view(viewer) else []
    panel = _panel("Tickets", "No tickets yet.", found, f"created_by__id__exact={person.pk}", viewer)
    may_add = person.is_active and viewer.has_perm("tickets.add_ticket")
    add_url = f"{reverse('admin:tickets_ticket_add')}?created_by={person.pk}" if may_add else ""
    return {**panel, "add_url": add_url, "person": person}


@register.inclusion_tag("admin/accounts/user/tickets.html")
def tickets_assigned_to(person: User, viewer: User) -> dict[str, Any]:
    """Show the tickets that the person is assigned to, if there are any."""
    found = queries.assigned_to(user_id=person.pk, limit=SHOWN_TICKETS) if _may_view(viewer) else []
    return _panel("Assigned tickets", "", found, f"assignees__id__exact={person.pk}", viewer)


def _may_view(viewer: User) -> bool:
    return viewer.has_perm("tickets.view_ticket")


def _panel(title: str, empty: str, found: list[queries.Row], filters: str, viewer: User) -> dict[str, Any]:
    # The admin's modules load the templates' libraries, so this cannot be at the top.
    from tickets.admin.labels import STATUS_COLOURS

    first = found[0] if found else {"unclosed": 0, "total": 0}
    return {
        "title": title,
        "empty": empty if _may_view(viewer) else "",
        "unclosed": first["unclosed"],
        "total": first["total"],
        "is_cut": first["total"] == queries.PERSON_WALK,
        "has_more": first["total"] > len(found),
        "rows": [
            {**row, "label": Status(row["status"]).label, "colour": STATUS_COLOURS[Status(row["status"])]}
            for row in found
        ],
        "list_url": f"{reverse('admin:tickets_ticket_changelist')}?queue={Queue.ALL}&{filters}",
    }
