"""The admin's menu."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy


def _item(title: str, icon: str, model: str) -> dict[str, Any]:
    """Return the entry for a model's list, shown to users with the view permission."""
    app, name = model.split(".")

    def may_view(request: HttpRequest) -> bool:
        return request.user.has_perm(f"{app}.view_{name}")

    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{name}_changelist"),
        "permission": may_view,
    }


SECTIONS: list[dict[str, Any]] = [
    {"items": [{"title": "Overview", "icon": "monitoring", "link": reverse_lazy("admin:index")}]},
    {
        "title": "Desk",
        "items": [
            _item("Tickets", "confirmation_number", "tickets.ticket"),
            _item("Macros", "bolt", "tickets.macro"),
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

# In the menu under the user's name.
OWN_ACCOUNT: list[dict[str, Any]] = [
    {"title": "Change e-mail address", "link": reverse_lazy("admin:accounts_user_own_email")},
    {"title": "Change password", "link": reverse_lazy("admin:password_change")},
    # Opened by kit/static/kit/shortcuts.js.
    {"title": "Keyboard shortcuts", "link": "#shortcuts"},
]
