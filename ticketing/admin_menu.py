"""The admin's menu."""

from typing import Any

from django.http import HttpRequest, QueryDict
from django.urls import reverse_lazy
from django.utils.text import format_lazy

# Queues of tickets that are one click away.
OWN_ENTRIES = ("mine", "at-risk", "breached")
# Pages about a person's tickets that one reaches from the person's page.
OF_PERSON = ("tickets_ticket_hand_over", "tickets_ticket_deactivate")


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


def _users() -> dict[str, Any]:
    """Return the entry for users, also highlighted where the tickets of one are handed over."""
    entry = _item("Users", "group", "accounts.user")
    return entry | {
        "active": lambda request: request.path.startswith(str(entry["link"])) or _is_of_person(request),
    }


def _is_of_person(request: HttpRequest) -> bool:
    match = request.resolver_match
    return match is not None and match.url_name in OF_PERSON


def _tickets(title: str, icon: str, *, queue: str = "") -> dict[str, Any]:
    """Return the entry for a queue of tickets, or for the list; one of them is highlighted on each page of tickets."""
    entry = _item(title, icon, "tickets.ticket")

    def is_active(request: HttpRequest) -> bool:
        if not request.path.startswith(str(entry["link"])) or _is_of_person(request):
            return False
        list_query = QueryDict(request.GET.get("_changelist_filters", ""))
        shown = request.GET.get("queue") or list_query.get("queue")
        return shown == queue if queue else shown not in OWN_ENTRIES

    link = format_lazy("{}?queue={}", entry["link"], queue) if queue else entry["link"]
    return entry | {"link": link, "active": is_active}


def _own_tickets() -> dict[str, Any]:
    """Return the entry for the user's own tickets. Admins cannot be assigned to any."""
    entry = _tickets("My tickets", "assignment_ind", queue="mine")
    return entry | {"permission": lambda request: entry["permission"](request) and not request.user.is_admin}


SECTIONS: list[dict[str, Any]] = [
    {"items": [{"title": "Overview", "icon": "monitoring", "link": reverse_lazy("admin:index")}]},
    {
        "title": "Desk",
        "items": [
            _tickets("Tickets", "confirmation_number"),
            _own_tickets(),
            _tickets("At risk", "hourglass_bottom", queue="at-risk"),
            _tickets("Breached", "alarm", queue="breached"),
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
        "title": "Integrations",
        "items": [
            _item("Webhooks", "webhook", "webhooks.webhook"),
            _item("Deliveries", "send", "webhooks.delivery"),
        ],
    },
    {
        "title": "People",
        "items": [
            _users(),
            _item("API keys", "key", "accounts.apikey"),
            _item("Audit log", "history", "accounts.auditentry"),
            _item("Failed sign-ins", "lock", "axes.accessattempt"),
        ],
    },
]

# In the menu under the user's name.
OWN_ACCOUNT: list[dict[str, Any]] = [
    {"title": "My account", "link": reverse_lazy("admin:accounts_user_me")},
    {"title": "Change e-mail address", "link": reverse_lazy("admin:accounts_user_own_email")},
    {"title": "Unsent drafts", "link": reverse_lazy("admin:accounts_user_drafts")},
    {"title": "Change password", "link": reverse_lazy("admin:password_change")},
    # Opened by kit/static/kit/shortcuts.js.
    {"title": "Keyboard shortcuts", "link": "#shortcuts"},
]
