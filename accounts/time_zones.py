"""The time zone in which the admin shows times and reads those that people enter."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from kit import zones

Respond = Callable[[HttpRequest], HttpResponseBase]


def own_time_zone(get_response: Respond) -> Respond:
    """Return the middleware that activates the viewer's own time zone, or else the site's, during a request."""

    def respond(request: HttpRequest) -> HttpResponseBase:
        name = getattr(request.user, "time_zone", "")
        with timezone.override(zones.zone(name) if name else None):
            return get_response(request)

    return respond
