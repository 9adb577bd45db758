"""Placeholders in the texts of macros, such as `{{ customer.name }}`."""

import re
from collections.abc import Callable

from accounts.models import User
from tickets.models import Ticket

PLACEHOLDER = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")

VALUES: dict[str, Callable[[Ticket, User], str]] = {
    "customer.name": lambda ticket, _: ticket.created_by.name,
    "customer.email": lambda ticket, _: ticket.created_by.email,
    "ticket.id": lambda ticket, _: str(ticket.pk),
    "ticket.title": lambda ticket, _: ticket.title,
    "ticket.project": lambda ticket, _: ticket.project.name,
    "ticket.status": lambda ticket, _: ticket.get_status_display(),
    "ticket.priority": lambda ticket, _: ticket.get_priority_display(),
    "agent.name": lambda _, agent: agent.name,
}
VALID = ", ".join(f"{{{{ {name} }}}}" for name in VALUES)


def faults(text: str) -> list[str]:
    """Return what is wrong with the placeholders of a text, in sentences."""
    unknown = dict.fromkeys(name for name in PLACEHOLDER.findall(text) if name not in VALUES)
    found = [f"There is no placeholder {{{{ {name} }}}}. Use one of: {VALID}." for name in unknown]
    rest = PLACEHOLDER.sub("", text)
    if "{{" in rest or "}}" in rest:
        found.append("A placeholder is incomplete. Write it as in {{ customer.name }}.")
    return found


def filled(text: str, *, ticket: Ticket, agent: User) -> str:
    """Return the text for a ticket. `ticket` must have its project and creator."""
    return PLACEHOLDER.sub(lambda match: VALUES[match[1]](ticket, agent), text)
