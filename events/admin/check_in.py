"""The page at the door: check in by code or by name, see who is in, and undo that.

A scanner that types is enough: the code's field has the focus, and Enter sends it. The next page shows the result.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.db.models import Case, When
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import capfirst, get_text_list
from unfold.admin import ModelAdmin
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.permissions import staff_user
from events import services
from events.admin.display import address_of, event_page, person_of
from events.models import MAX_DEVICE, Booking, BookingStatus, CheckIn, Event, Outcome, seats_checked_in
from events.models.check_in import CheckInQuerySet
from kit.admin.forms import is_id
from kit.errors import Refused
from kit.text import counted
from kit.web.fields import NO_CONTROL_CHARACTERS
from kit.zones import compact, relative

# How many people a search lists, how many scans the page, and how many seats can be checked in by name at once.
FOUND, LATEST, MAX_SEATS = 20, 10, 100
COLOURS = {Outcome.ADMITTED: "success", Outcome.REPEATED: "danger", Outcome.UNDONE: "warning"}
TITLES = {
    Outcome.ADMITTED: "Checked in",
    Outcome.REPEATED: "Already checked in",
    Outcome.UNDONE: "Check-in undone",
}


IS_CONFIRMED = Case(When(status=BookingStatus.CONFIRMED, then=0), default=1)


class CodeForm(forms.Form):
    code = forms.CharField(max_length=255, label="Ticket code", widget=UnfoldAdminTextInputWidget)
    door = forms.CharField(
        max_length=MAX_DEVICE,
        required=False,
        label="Door (optional)",
        widget=UnfoldAdminTextInputWidget,
        validators=[NO_CONTROL_CHARACTERS],
    )

    def __init__(self, *args: Any, has_focus: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs |= {
            "autocomplete": "off",
            "autocapitalize": "characters",
            "spellcheck": "false",
            "enterkeyhint": "go",
            "aria-describedby": "result",
            "autofocus": has_focus,
        }


class SeatsForm(forms.Form):
    booking = forms.IntegerField(min_value=1, widget=forms.HiddenInput)
    seats = forms.IntegerField(min_value=1, max_value=MAX_SEATS)
    door = forms.CharField(max_length=MAX_DEVICE, required=False, validators=[NO_CONTROL_CHARACTERS])


@dataclass(frozen=True)
class Result:
    """What a scan has led to, in words and colour."""

    title: str
    colour: str
    who: str = ""
    facts: tuple[str, ...] = ()
    url: str = ""


@dataclass(frozen=True)
class Found:
    """A booking that a search has found."""

    booking: Any
    door: str

    @property
    def name(self) -> str:
        return person_of(self.booking)

    @property
    def address(self) -> str:
        return address_of(self.booking)

    @property
    def url(self) -> str:
        return _page_of(self.booking)

    @property
    def is_confirmed(self) -> bool:
        return bool(self.booking.status == BookingStatus.CONFIRMED)

    @property
    def state(self) -> str:
        if not self.is_confirmed:
            return capfirst(self.booking.get_status_display())
        return f"{self.booking.checked_in} of {counted(self.booking.left, 'seat')} checked in"

    @property
    def free(self) -> int:
        """Return how many seats can be checked in at once."""
        return min(self.booking.left - self.booking.checked_in, MAX_SEATS) if self.is_confirmed else 0


@dataclass(frozen=True)
class Logged:
    """A scan as the page lists it."""

    scan: CheckIn
    at: datetime
    time_zone: str

    @property
    def name(self) -> str:
        return person_of(self.scan.booking)

    @property
    def url(self) -> str:
        return _page_of(self.scan.booking)

    @property
    def when(self) -> str:
        return compact(self.scan.at, self.time_zone)

    @property
    def ago(self) -> str:
        return relative(self.scan.at, self.at)

    @property
    def colour(self) -> str:
        return COLOURS[self.scan.outcome]

    @property
    def label(self) -> str:
        return TITLES[self.scan.outcome]

    @property
    def can_be_undone(self) -> bool:
        return self.scan.outcome == Outcome.ADMITTED


def check_in_page(model_admin: ModelAdmin, request: HttpRequest, event: Event) -> HttpResponse:
    text = request.GET.get("q", "").strip()
    form = CodeForm(request.POST if "code" in request.POST else None, initial=_door(request), has_focus=not text)
    result = _shown(request, event)
    if request.method == "POST":
        try:
            return HttpResponseRedirect(f"?{urlencode(_act(request, event, form))}")
        except Refused as refusal:
            result = Result(refusal.message, "danger")
        # Ready for the next code.
        form = CodeForm(initial=_door(request), has_focus=not text)
    door = form.initial["door"]
    latest = list(_scans(event).order_by("-pk")[: LATEST + 1])
    found = _found(event, text, door)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "original": event,
        "title": f"{result.title}: {event.name}" if result else f"Check in: {event.name}",
        "media": model_admin.media,
        "event": event,
        "starts": compact(event.starts_at, event.time_zone),
        "back": event_page(event),
        "guests": reverse("admin:events_event_guests", args=[event.pk]),
        "log": f"{event_page(event)}#check-ins",
        "checked_in": event.check_ins.valid().count(),
        "expected": event.inventory.confirmed,
        "form": form,
        "result": result,
        "text": text,
        "door": door,
        "found": found[:FOUND],
        "has_more": len(found) > FOUND,
        "latest": [Logged(scan, timezone.now(), event.time_zone) for scan in latest[:LATEST]],
        "has_earlier": len(latest) > LATEST,
    }
    return TemplateResponse(request, "admin/events/event/check_in.html", context)


def _door(request: HttpRequest) -> dict[str, str]:
    return {"door": (request.POST or request.GET).get("door", "")[:MAX_DEVICE]}


def _act(request: HttpRequest, event: Event, form: CodeForm) -> dict[str, str]:
    """Do what one of the page's forms asks for, and return the query string of the page that shows it.

    :raises Refused: it is not possible; nothing was changed.
    """
    user, at = staff_user(request), timezone.now()
    if is_id(request.POST.get("undo")):
        undone = services.undo_check_in(event_id=event.pk, check_in_id=int(request.POST["undo"]), by=user, at=at)
        return {"scan": str(undone.pk)} | _kept(request)
    if "booking" in request.POST:
        seats_form = SeatsForm(request.POST)
        if not seats_form.is_valid():
            raise Refused(f"Enter a number of seats from 1 to {MAX_SEATS}")
        values = seats_form.cleaned_data
        scans = services.check_in_seats(
            event_id=event.pk,
            booking_id=values["booking"],
            seats=values["seats"],
            by=user,
            at=at,
            device=values["door"],
        )
        return {"scan": ",".join(str(scan.id) for scan in scans)} | _kept(request)
    if not form.is_valid():
        raise Refused("Enter or scan a ticket code")
    values = form.cleaned_data
    scan = services.check_in(event_id=event.pk, code=values["code"], by=user, at=at, device=values["door"])
    return {"scan": str(scan.id)} | _kept(request)


def _kept(request: HttpRequest) -> dict[str, str]:
    """Return what the next page keeps of this one."""
    return {name: value for name, value in _door(request).items() if value}


def _scans(event: Event) -> CheckInQuerySet:
    scans: Any = event.check_ins.select_related("booking__user", "by", "earlier__by", "undone_by")
    return scans


def _shown(request: HttpRequest, event: Event) -> Result | None:
    """Return the result of the scans that the query string names."""
    ids = [int(part) for part in request.GET.get("scan", "").split(",")[:MAX_SEATS] if is_id(part)]
    scans = list(_scans(event).filter(pk__in=ids).order_by("seat")) if ids else []
    if not scans:
        return None
    first = scans[0]
    booking, zone = first.booking, event.time_zone
    facts = [f"{_seats([scan.seat for scan in scans])} of {booking.left}, booking #{booking.pk}"]
    if first.earlier:
        where = f", {first.earlier.device}" if first.earlier.device else ""
        ago = relative(first.earlier.at, timezone.now())
        facts.append(f"{capfirst(ago)}, at {compact(first.earlier.at, zone)}, by {first.earlier.by.name}{where}")
    return Result(TITLES[first.outcome], COLOURS[first.outcome], person_of(booking), tuple(facts), _page_of(booking))


def _seats(numbers: list[int]) -> str:
    """Return "Seat 2", "Seats 1 and 3" or "Seats 1 to 4"."""
    first, last = numbers[0], numbers[-1]
    if len(numbers) > 2 and last - first == len(numbers) - 1:
        return f"Seats {first} to {last}"
    return f"Seat{'s' * (len(numbers) > 1)} {get_text_list([str(number) for number in numbers], 'and')}"


def _found(event: Event, text: str, door: str) -> list[Found]:
    """Return the bookings that a search by name, address or number finds; confirmed ones first."""
    if not text:
        return []
    bookings: Any = event.bookings.select_related("user").annotate(checked_in=seats_checked_in())
    number = text.removeprefix("#")
    bookings = bookings.filter(pk=int(number)) if is_id(number) else bookings.search_holders(text)
    return [Found(booking, door) for booking in bookings.order_by(IS_CONFIRMED, "-pk")[: FOUND + 1]]


def _page_of(booking: Booking) -> str:
    return reverse("admin:events_booking_change", args=[booking.pk])
