"""What the page of an event says after it was saved."""

from typing import Any

from django.forms import BaseForm
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst, get_text_list

from events import services
from events.models import Event, EventStatus
from kit.text import counted

# Holders are notified if one of these changes.
WHEN_AND_WHERE = {"starts_at", "ends_at", "venue", "time_zone"}
_OWN_SENTENCE = {*services.SEATS, "status"}


def created(event: Event) -> str:
    if event.status == EventStatus.DRAFT:
        return f"{event.name} was created as a draft. Only admins see it until you publish it."
    return f"{event.name} was created. Bookings are open."


def changed(event: Event, form: BaseForm, values: dict[str, Any], before: dict[str, Any]) -> SafeString:
    """Return what the changed values did. `before` has the seats before the change."""
    sentences = []
    if "capacity" in values:
        verb = "raised" if values["capacity"] > before["capacity"] else "lowered"
        sentences.append(f"Capacity {verb} to {values['capacity']:,}.")
    if "withheld" in values:
        sentences.append(f"{counted(values['withheld'], 'seat')} held back.")
    if "status" in values:
        sentences.append("Published." if values["status"] == EventStatus.PUBLISHED else "Back to draft.")
    others = [
        str(form.fields[name].label).lower() for name in form.changed_data if name in values.keys() - _OWN_SENTENCE
    ]
    if others:
        sentences.append(f"{capfirst(get_text_list(others, 'and'))} changed.")
    is_told = values.keys() & WHEN_AND_WHERE and event.status == EventStatus.PUBLISHED
    if is_told and event.bookings.live().exists():
        sentences.append("Everyone with a booking will be notified.")
    return format_html("{}", " ".join(sentences) or "Nothing changed.")
