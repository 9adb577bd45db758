"""The demo's shared macros."""

from typing import Any

from accounts.models import User
from tickets import services
from tickets.models import Status

# Name, text, changes.
MACROS: list[tuple[str, str, dict[str, Any]]] = [
    (
        "Ask for the order number",
        "Hello {{ customer.name }},\n\ncould you send us the order number?\n\n{{ agent.name }}",
        {},
    ),
    (
        "Solved",
        "Hello {{ customer.name }},\n\nthis is solved now. Reply to ticket {{ ticket.id }} if anything is missing.\n\n"
        "{{ agent.name }}",
        {"status": Status.CLOSED},
    ),
    ("Take over", "", {"status": Status.IN_PROGRESS, "assigns_me": True}),
    (
        "Wait for the venue",
        "Hello {{ customer.name }},\n\nwe have asked the venue and will be back with their answer.\n\n{{ agent.name }}",
        {"puts_on_hold": True, "hold_reason": "Waiting for the venue"},
    ),
]


def load(admin: User) -> None:
    """Create the shared macros."""
    for name, text, changes in MACROS:
        services.create_macro(by=admin, is_shared=True, name=name, text=text, **changes)
