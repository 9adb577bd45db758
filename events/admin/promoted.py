"""Who was promoted by a change: the sentence that the next page shows."""

from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from events.admin.display import SHOWN_BOOKINGS, person_link
from events.models import BookingEntry, EntryKind, Inventory
from kit.text import counted


def last_entry(event_id: int) -> int:
    """Lock the event's inventory and return the last number in the ledger: what follows for the event is ours."""
    Inventory.objects.locked().get(pk=event_id)
    return BookingEntry.objects.order_by("-pk").values_list("pk", flat=True).first() or 0


def promoted_after(entry_id: int, event_id: int) -> SafeString:
    """Return a sentence with links to the bookings of the event promoted after this ledger entry, or an empty text."""
    entries = BookingEntry.objects.filter(pk__gt=entry_id, event=event_id, kind=EntryKind.PROMOTED)
    first = list(entries.select_related("booking__user").order_by("pk")[: SHOWN_BOOKINGS + 1])
    if not first:
        return SafeString()
    total = len(first) if len(first) <= SHOWN_BOOKINGS else entries.count()
    named = format_html_join(", ", "{}", ((person_link(entry.booking),) for entry in first[:SHOWN_BOOKINGS]))
    others = SafeString()
    if total > SHOWN_BOOKINGS:
        url = f"{reverse('admin:events_booking_changelist')}?event__id__exact={event_id}&promoted_after={entry_id}"
        number = f"{total - SHOWN_BOOKINGS:,}"
        others = format_html(' <a href="{}" class="underline">and {} more</a>', url, number)
    return format_html("{} promoted: {}{}.", counted(total, "booking"), named, others)
