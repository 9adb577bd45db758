"""The admin's search: tickets, people, bookings and events in one box on every page, and on a page of its own.

It takes the place of the theme's search, which looks at the names of apps and models.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from accounts import queries as accounts
from accounts.models import User, UserType
from accounts.permissions import staff_user
from events import queries as events
from events.admin.display import holder_of
from events.models import Booking, BookingStatus, EventStatus
from kit.admin.forms import is_id
from kit.text import counted
from kit.zones import compact
from tickets import queries as tickets
from tickets.models import Status, Ticket

SHOWN = 6
MAX_TEXT = 200


@dataclass(frozen=True)
class Result:
    """One hit. `note` says what makes it differ from others, such as "Closed"."""

    url: str
    title: str
    detail: str = ""
    note: str = ""


@dataclass(frozen=True)
class Group:
    """The best hits of one kind, and the list that has all of them."""

    title: str
    icon: str
    results: list[Result]
    list_url: str

    @property
    def has_more(self) -> bool:
        return len(self.results) == SHOWN


def search_page(request: HttpRequest, extra_context: object = None) -> HttpResponse:
    """Show the best hits. The box on each page gets them alone; a search with one hit leads to it."""
    text = request.GET.get("q", "").replace("\x00", "").strip()[:MAX_TEXT]
    groups = list(_groups(request, text)) if text else []
    hits = [hit for group in groups for hit in group.results]
    context = {"text": text, "groups": groups}
    if "HX-Request" in request.headers:
        return render(request, "admin/search_results.html", context)
    if len(hits) == 1:
        return HttpResponseRedirect(hits[0].url)
    context |= admin.site.each_context(request) | {"title": f"Search: {text}" if text else "Search"}
    return render(request, "admin/search.html", context)


# The site has no setting for it, and builds its URLs later.
admin.site.search = search_page  # type: ignore[attr-defined]


def _groups(request: HttpRequest, text: str) -> Iterator[Group]:
    """Yield the kinds that the user may view and that have hits: by number first, if the text is one."""
    number = text.removeprefix("#").strip()
    found = []
    if request.user.has_perm("accounts.view_user"):
        found.append(Group("People", "group", _people(text), _list("accounts_user", text)))
    if request.user.has_perm("tickets.view_ticket"):
        found.append(Group("Tickets", "confirmation_number", _tickets(text, number), _list("tickets_ticket", text)))
    if request.user.has_perm("events.view_booking"):
        found.append(Group("Bookings", "local_activity", _bookings(text, number), _list("events_booking", text)))
    if request.user.has_perm("events.view_event"):
        user = staff_user(request)
        found.append(Group("Events", "event", _events(text, user), _list("events_event", text)))
    if is_id(number):
        found.sort(key=lambda group: group.title not in ("Tickets", "Bookings"))
    yield from (group for group in found if group.results)


def _list(name: str, text: str) -> str:
    return f"{reverse(f'admin:{name}_changelist')}?{urlencode({'q': text})}"


def _page(name: str, row_id: int) -> str:
    return reverse(f"admin:{name}_change", args=[row_id])


def _people(text: str) -> list[Result]:
    return [
        Result(
            _page("accounts_user", row["id"]),
            row["name"],
            " · ".join(filter(None, [row["email"], row["phone"]])),
            str(UserType(row["type"]).label) if row["is_active"] else "Deactivated",
        )
        for row in accounts.people(text=text, limit=SHOWN)
    ]


def _tickets(text: str, number: str) -> list[Result]:
    if is_id(number) and (ticket := Ticket.objects.select_related("created_by").filter(pk=int(number)).first()):
        return [_ticket(ticket.pk, ticket.title, ticket.status, ticket.created_by.name)]
    return [
        _ticket(row["id"], row["title"], row["status"], row["creator"])
        for row in tickets.likely(text=text, limit=SHOWN)
    ]


def _ticket(ticket_id: int, title: str, status: str, creator: str) -> Result:
    page = _page("tickets_ticket", ticket_id)
    return Result(page, f"#{ticket_id} {title}", f"from {creator}", str(Status(status).label))


def _bookings(text: str, number: str) -> list[Result]:
    if is_id(number):
        found = Booking.objects.select_related("event", "user").filter(pk=int(number))
        return [
            _booking(booking.pk, holder_of(booking), booking.left, booking.event.name, booking.status)
            for booking in found
        ]
    return [
        _booking(
            row["id"],
            f"{row['first_name']} {row['last_name']} (guest, {row['email']})",
            row["seats"],
            row["event"],
            row["status"],
        )
        for row in events.guests(text=text, limit=SHOWN)
    ]


def _booking(booking_id: int, holder: str, seats: int, event: str, status: str) -> Result:
    detail = f"{counted(seats, 'seat')}, {event}"
    return Result(_page("events_booking", booking_id), f"#{booking_id} {holder}", detail, BookingStatus(status).label)


def _events(text: str, viewer: User) -> list[Result]:
    return [
        Result(
            _page("events_event", row["id"]),
            row["name"],
            " · ".join(filter(None, [compact(row["starts_at"], row["time_zone"]), row["venue"]])),
            "" if row["status"] == EventStatus.PUBLISHED else str(EventStatus(row["status"]).label),
        )
        for row in events.likely_events(text=text, viewer=viewer, at=timezone.now(), limit=SHOWN)
    ]
