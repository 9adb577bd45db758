"""OpenAPI descriptions of the event and booking endpoints, as decorators for the views."""

from datetime import UTC, datetime

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework.serializers import ChoiceField

from events import examples, services
from events.models import ENDS_TOO_EARLY
from events.permissions import HEADER
from events.serializers import (
    AdmissionPageSerializer,
    AdmissionQuerySerializer,
    AvailabilitySerializer,
    BookingDetailSerializer,
    BookingFilterSerializer,
    BookingPageSerializer,
    BookingQuerySerializer,
    BookingSerializer,
    BookingsOfEventQuerySerializer,
    CancellationSerializer,
    CheckInAnswerSerializer,
    CheckInPageSerializer,
    CheckInQuerySerializer,
    ETicketPageSerializer,
    ETicketQuerySerializer,
    EventPageSerializer,
    EventPatchSerializer,
    EventQuerySerializer,
    EventSerializer,
    NewBookingAnswerSerializer,
    NewBookingSerializer,
    NewCheckInSerializer,
    NewEventSerializer,
    ReplacedEventSerializer,
)
from kit import versions
from kit.dates import START_AFTER_END
from kit.errors import Forbidden
from kit.money import UNKNOWN_CURRENCY
from kit.openapi.describe import Refusal, describes, invalid, missing
from kit.web import csv_export, paging
from kit.web.etags import ExpectedVersionSerializer
from kit.web.fields import MomentField
from kit.zones import UNKNOWN_TIME_ZONE

EVENT = (EventSerializer, examples.EVENT)
CHANGED_EVENT = (EventSerializer, examples.CHANGED_EVENT)
INVALID_EVENTS: list[Refusal] = [
    invalid(withheld=services.TOO_MUCH_WITHHELD),
    invalid(ends_at=ENDS_TOO_EARLY),
    invalid(time_zone=UNKNOWN_TIME_ZONE),
    invalid(currency=UNKNOWN_CURRENCY),
]
STALE = versions.refusals("event", "starts_at", "capacity")
_, OUTDATED = STALE
REFUSED_CHANGES: list[Refusal] = [
    Forbidden,
    services.EventNotFound,
    *STALE,
    services.EventCancelled,
    services.EventHasBookings,
    services.CurrencyIsFixed,
    *INVALID_EVENTS,
    services.CapacityBelowSold(sold=40),
    services.CapacityBelowWaiting(wanted=6),
]
CHANGES = (
    "Admins only. Additional tickets go to the waiting list before the response is sent, if bookings are open; so do "
    "free tickets when bookings open again. Existing bookings keep their price. If the start, end, venue or time zone "
    "changes, everyone who has a booking or is waiting is notified. A `bookingsCloseAt` equal to `startsAt` moves with "
    "it, unless you send it too. `endsAt` does not: send a new one if the start moves past it."
)
EARLIER = services.Scan(
    id=409,
    booking_id=31,
    seat=1,
    quantity=2,
    holder="Olga Owner",
    is_repetition=True,
    checked_in_at=datetime(2099, 8, 1, 17, 42, 10, tzinfo=UTC),
    checked_in_by="Agnes Agent",
    device="North door",
)
MANAGE_TOKEN = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="The booking's `manageToken`, for guests who cannot sign in."
)


list_events = describes(
    "List events",
    name="listEvents",
    more="Only admins see drafts. A `cursor` is valid only with the `ordering` it was issued for.",
    query=EventQuerySerializer,
    answers={200: (EventPageSerializer, examples.EVENT_PAGE)},
    refusals=[
        invalid(startDate=str(MomentField.default_error_messages["invalid"])),
        invalid(start_at=START_AFTER_END),
        paging.BAD_CURSOR,
    ],
)

create_event = describes(
    "Create an event",
    name="createEvent",
    more="Admins only. By default bookings close when the event starts, a booking can have at most 10 tickets, the "
    "event is published immediately, and its time zone and currency are the site's.",
    request=(NewEventSerializer, examples.NEW_EVENT),
    answers={201: EVENT},
    refusals=[
        missing("name", "startsAt", "capacity", "price"),
        *INVALID_EVENTS,
        Forbidden,
    ],
)

read_event = describes(
    "Get an event",
    name="getEvent",
    more="Only admins see drafts.",
    answers={200: EVENT, 304: None},
    refusals=[services.EventNotFound],
)

replace_event = describes(
    "Replace an event",
    name="replaceEvent",
    more=f"Omitted fields keep their values; name, startsAt, capacity and price are required. {CHANGES}",
    request=(ReplacedEventSerializer, examples.REPLACED_EVENT),
    answers={200: CHANGED_EVENT},
    refusals=[missing("name", "startsAt", "capacity", "price"), *REFUSED_CHANGES],
)

change_event = describes(
    "Update an event",
    name="updateEvent",
    more=CHANGES,
    request=(EventPatchSerializer, examples.EVENT_PATCH),
    answers={200: CHANGED_EVENT},
    refusals=REFUSED_CHANGES,
)

delete_event = describes(
    "Delete an event",
    name="deleteEvent",
    more="Admins only, for events that were never booked. Cancel the others instead.",
    answers={204: None},
    refusals=[Forbidden, services.EventNotFound, OUTDATED, services.EventHasBookings],
)

cancel_event = describes(
    "Cancel an event",
    name="cancelEvent",
    more="Admins only, and final. Cancels all bookings and e-mails everyone who has one.",
    request=(ExpectedVersionSerializer, {"version": 3}),
    answers={200: (EventSerializer, examples.CANCELLED_EVENT)},
    refusals=[Forbidden, services.EventNotFound, *STALE, services.EventCancelled],
)

read_availability = describes(
    "Get the number of available tickets",
    name="getEventAvailability",
    more="Cheap to poll, especially with `If-None-Match`.",
    answers={200: (AvailabilitySerializer, examples.AVAILABILITY), 304: None},
    refusals=[services.EventNotFound],
)

book = describes(
    "Book tickets",
    name="createBooking",
    more="For the signed-in user, or for the `guest` if nobody is signed in; guests receive a `manageToken`. The "
    "booking is confirmed if enough tickets are left and nobody is waiting, otherwise it joins the waiting list. The "
    "list is strictly first come, first served, even if a later booking asks for fewer tickets. A user can have one "
    "booking per event at a time, a guest's e-mail address a few (5 by default).",
    request=(NewBookingSerializer, examples.NEW_BOOKING),
    answers={201: (NewBookingAnswerSerializer, examples.BOOKING_DETAIL)},
    refusals=[
        missing("guest"),
        services.EventNotFound,
        services.EventCancelled,
        services.EventNotPublished,
        services.BookingsClosed,
        services.MoreThanCapacity(capacity=12),
        services.TooManyAtOnce(max_per_booking=10),
        services.AlreadyBooked,
        services.AlreadyWaiting,
        services.TooManyGuestBookings(most=5),
        services.UserDeactivated,
        services.NotEnoughLeft(available=1),
    ],
)

list_bookings_of_event = describes(
    "List the bookings of an event",
    name="listEventBookings",
    more="Admins only. Newest first.",
    query=BookingsOfEventQuerySerializer,
    answers={200: (BookingPageSerializer, examples.BOOKING_PAGE)},
    refusals=[paging.BAD_CURSOR, Forbidden, services.EventNotFound],
)

list_bookings = describes(
    "List bookings",
    name="listBookings",
    more="Your own bookings, newest first. Admins see all.",
    query=BookingQuerySerializer,
    answers={200: (BookingPageSerializer, examples.BOOKING_PAGE)},
    refusals=[paging.BAD_CURSOR],
)

export_bookings = describes(
    "Export bookings",
    name="exportBookings",
    more="Every booking that the list returns for the same filters, as CSV (RFC 4180), one line per booking, in UTF-8 "
    f"without a byte order mark. {csv_export.GUARD_NOTE}",
    query=BookingFilterSerializer,
    answers={200: (OpenApiTypes.STR, examples.EXPORT)},
    media_type=csv_export.CSV,
    refusals=[
        invalid(status=ChoiceField.default_error_messages["invalid_choice"].format(input="soon")),
        csv_export.RUNNING,
    ],
)

read_booking = describes(
    "Get a booking",
    name="getBooking",
    more="Your own booking, or one whose manage token you have. Admins see all. `reason` says why it is waiting.",
    headers=[MANAGE_TOKEN],
    answers={200: (BookingDetailSerializer, examples.BOOKING_DETAIL), 304: None},
    refusals=[services.BookingNotFound],
)

cancel_booking = describes(
    "Cancel a booking",
    name="cancelBooking",
    more="Your own booking, or one whose manage token you have. Admins can cancel any. Send `tickets` to cancel only "
    "some of them. Freed tickets go to the waiting list before the response is sent, while bookings are open and until "
    "the event starts. From then on only admins can cancel, unless bookings never close. A waiting booking keeps its "
    "position when it gets smaller.",
    headers=[MANAGE_TOKEN],
    request=(CancellationSerializer, examples.CANCELLATION),
    answers={200: (BookingSerializer, examples.CANCELLED_BOOKING)},
    refusals=[
        services.BookingNotFound,
        *versions.refusals("booking", "status"),
        services.AlreadyCancelled,
        services.EventStarted,
        services.MoreThanBooked(left=2),
        services.TicketsCheckedIn(free=1),
    ],
)

list_tickets = describes(
    "List the e-tickets of a booking",
    name="listBookingTickets",
    more="Your own booking, or one whose manage token you have. Admins see all. One for each seat that is not "
    "cancelled; none while the booking is waiting. Codes are derived from the server's secret and not stored.",
    headers=[MANAGE_TOKEN],
    query=ETicketQuerySerializer,
    answers={200: (ETicketPageSerializer, examples.TICKET_PAGE)},
    refusals=[paging.BAD_CURSOR, services.BookingNotFound],
)

reissue_tickets = describes(
    "Replace the e-tickets of a booking",
    name="reissueBookingTickets",
    more="Your own booking, or one whose manage token you have. Staff can do this for anyone. All earlier codes become "
    "invalid; get the new ones from the list of tickets. Tickets that are checked in stay so.",
    headers=[MANAGE_TOKEN],
    request=(ExpectedVersionSerializer, {"version": 1}),
    answers={200: (BookingSerializer, examples.REISSUED_BOOKING)},
    refusals=[
        services.BookingNotFound,
        *versions.refusals("booking", "status"),
        services.NotConfirmed,
        services.AlreadyCancelled,
    ],
)

check_in = describes(
    "Check in a ticket",
    name="checkIn",
    more="Staff only. Whether a ticket is valid is checked before whether it is checked in already. A scan of a ticket "
    "that is checked in is a 409 with the facts about the check-in, and is recorded. A device that was offline sends "
    "its scans later with `at`, and with a `nonce` as often as it likes.",
    request=(NewCheckInSerializer, examples.NEW_CHECK_IN),
    answers={201: (CheckInAnswerSerializer, examples.CHECKED_IN)},
    refusals=[
        missing("code"),
        invalid(at=services.IN_THE_FUTURE),
        invalid(at=services.BEFORE_THE_EVENT),
        Forbidden,
        services.EventNotFound,
        services.TicketNotFound,
        services.WrongEvent,
        services.NotConfirmed,
        services.TicketCancelled,
        services.TicketReplaced,
        services.AlreadyCheckedIn(EARLIER),
        services.NonceReused,
    ],
)

list_check_ins = describes(
    "List the check-ins of an event",
    name="listCheckIns",
    more="Staff only. Every scan of a valid ticket, newest first, including those that were undone and those of "
    "tickets that were checked in already, and how many tickets are checked in now.",
    query=CheckInQuerySerializer,
    answers={200: (CheckInPageSerializer, examples.CHECK_IN_PAGE)},
    refusals=[paging.BAD_CURSOR, Forbidden, services.EventNotFound],
)

undo_check_in = describes(
    "Undo a check-in",
    name="undoCheckIn",
    more="Staff only. The ticket can be checked in again.",
    answers={204: None},
    refusals=[Forbidden, services.EventNotFound, services.CheckInNotFound],
)

list_admissions = describes(
    "List the tickets of an event for a device that goes offline",
    name="listAdmissions",
    more="Staff only. Digests of all valid codes, sorted by booking and seat. Before comparing a code, write it as the "
    "server does: in capitals, without spaces, O as 0, I and L as 1, with a hyphen after every fourth character.",
    query=AdmissionQuerySerializer,
    answers={200: (AdmissionPageSerializer, examples.ADMISSION_PAGE), 304: None},
    refusals=[paging.BAD_CURSOR, Forbidden, services.EventNotFound],
)
