"""Times as every page of the admin shows them: in the viewer's own zone, with its abbreviation.

    {% load times %}
    {{ comment.created_at|exact }}       2031-12-31 20:00 CET
    {{ comment.created_at|relative }}    3 hours ago, in 2 hours; the tooltip is the exact time

Both return a <time> element, or "" for None. The columns of a model admin call them as functions. Where HTML does not
belong, use `text` and `kit.zones.relative`. The zone is the one that `accounts.time_zones` activates for the request.
"""

from datetime import datetime

from django import template
from django.utils import timezone
from django.utils.html import format_html

from kit import zones

register = template.Library()


def text(moment: datetime) -> str:
    """Return the time in the viewer's zone: "2031-12-31 20:00 CET"."""
    return zones.compact(moment, timezone.get_current_timezone_name())


@register.filter
def exact(moment: datetime | None) -> str:
    if not moment:
        return ""
    return format_html('<time datetime="{}">{}</time>', moment.isoformat(timespec="seconds"), text(moment))


@register.filter
def relative(moment: datetime | None, at: datetime | None = None) -> str:
    """Return the time that has passed since then, or that is left until then. `at` is the present by default."""
    if not moment:
        return ""
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        moment.isoformat(timespec="seconds"),
        text(moment),
        zones.relative(moment, at or timezone.now()),
    )
