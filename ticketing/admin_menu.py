"""The admin's menu: what each entry is called, where it leads, and who sees it."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy


def _item(title: str, icon: str, row: str) -> dict[str, Any]:
    """Return the entry of a model's list, for those who may view its rows; `row` is `<app>.<model>`."""
    app, model = row.split(".")

    def may_view(request: HttpRequest) -> bool:
        return request.user.has_perm(f"{app}.view_{model}")

    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": may_view,
    }


SECTIONS: list[dict[str, Any]] = [
    {"items": [{"title": "Overview", "icon": "monitoring", "link": reverse_lazy("admin:index")}]},
    {
        "title": "Desk",
        "items": [
            _item("Tickets", "confirmation_number", "tickets.ticket"),
            _item("Projects", "folder", "projects.project"),
            _item("SLA policies", "timer", "sla.slapolicy"),
            _item("Calendars", "calendar_month", "sla.calendar"),
            _item("Sent mail", "mail", "notifications.delivery"),
        ],
    },
    {
        "title": "Box office",
        "items": [
            _item("Events", "event", "events.event"),
            _item("Bookings", "local_activity", "events.booking"),
        ],
    },
    {
        "title": "People",
        "items": [
            _item("Users", "group", "accounts.user"),
            _item("Failed sign-ins", "lock", "axes.accessattempt"),
        ],
    },
]
