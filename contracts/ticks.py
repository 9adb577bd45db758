"""Document 003, "Ticks": bookings of several tickets at a time, also by guests, under /api/v1.

The document defines the wire format, docs/api.md records our choices where it is ambiguous, and the domain's services
enforce the rules.
"""

from typing import Any, cast

from django.urls import path, re_path
from django.utils import timezone
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request

from accounts import services as accounts
from accounts.models import User, UserType
from accounts.permissions import IsAdmin, caller, caller_if_any
from accounts.serializers import SignInSerializer
from accounts.tokens import BareToken, OptionalToken
from contracts.ticks_shapes import (
    SHORTEST_PASSWORD,
    CancellationSerializer,
    EventQuerySerializer,
    NewBookingSerializer,
    NewEventSerializer,
    OwnBookingSerializer,
    RegisterSerializer,
    event_faults,
    new_booking,
    shape_of_event,
    shape_of_user,
)
from events import queries, services
from events.models import Booking, BookingStatus, Origin
from events.services import Guest, Joins
from kit.errors import Forbidden, Invalid, Unauthenticated
from kit.idempotency.views import idempotent
from kit.web import views
from kit.web.bodies import read
from kit.web.problems import Problem
from kit.web.query_strings import read_query
from kit.web.responses import Response
from kit.web.throttling import GuestRateLimit, SignInRateLimit
from kit.web.views import Answer, Dialect

# Status and message for a new booking.
BOOKED: dict[str, tuple[int, str]] = {
    BookingStatus.CONFIRMED: (201, "Booking created successfully."),
    BookingStatus.WAITING: (200, "Tickets are sold out; you are on the waitlist."),
}
# The document has one sentence for this field, whatever is wrong with it.
MESSAGES_BY_FIELD = {"ticketsToCancel": "Please specify a valid number of tickets to cancel."}


# --- Dialect ------------------------------------------------------------------------------------------------------


NOT_ENOUGH_TICKETS = Answer(400, "Not enough tickets available to fulfill your request.")


class Ticks(Dialect):
    """Base view of every path under /api/v1: one envelope for successes and failures."""

    # A header without a valid token is refused, so that its sender does not pass for a guest.
    authentication_classes = [BareToken]
    answers = {
        services.NotEnoughLeft: NOT_ENOUGH_TICKETS,
        services.MoreThanCapacity: NOT_ENOUGH_TICKETS,
        services.AlreadyBooked: Answer(409, "You already have a booking for this event."),
        services.MoreThanBooked: Answer(400, "Cannot cancel more tickets than reserved."),
        services.AlreadyCancelled: Answer(400, "This booking has already been cancelled."),
    }

    def body(self, problem: Problem) -> dict[str, Any]:
        by_field = [MESSAGES_BY_FIELD[name] for name, _ in problem.errors if name in MESSAGES_BY_FIELD]
        message = by_field[0] if by_field else problem.message
        return {"message": f"{message.removesuffix('.')}.", "error": True}


def success(message: str, data: Any = None, *, status: int = 200) -> Response:
    return Response({"message": message, **({} if data is None else {"data": data}), "error": False}, status)


# --- Endpoints ----------------------------------------------------------------------------------------------------


class Register(Ticks):
    authentication_classes = [OptionalToken]
    permission_classes = [AllowAny]
    throttle_classes = [GuestRateLimit]
    type = UserType.CUSTOMER

    @idempotent
    def post(self, request: Request) -> Response:
        new = read(RegisterSerializer, request)
        user = accounts.sign_up(**new, type=self.type, by=caller_if_any(request), min_password_length=SHORTEST_PASSWORD)
        return success("User registered successfully.", shape_of_user(user), status=201)


class RegisterAdmin(Register):
    type = UserType.ADMIN


class Login(Ticks):
    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]

    def post(self, request: Request) -> Response:
        pair = accounts.sign_in(**read(SignInSerializer, request), request=request._request)
        return success("Login successful.", {"token": pair.access})


class Me(Ticks):
    def get(self, request: Request) -> Response:
        return success("User retrieved successfully.", shape_of_user(caller(request)))


class Events(Ticks):
    def get_permissions(self) -> list[BasePermission]:
        return [IsAdmin()] if self.request.method == "POST" else [IsAuthenticated()]

    def get(self, request: Request) -> Response:
        query = read_query(EventQuerySerializer, request)
        skipped = (query["page"] - 1) * query["limit"]
        events = queries.page_of_events(viewer=caller(request), skipped=skipped, limit=query["limit"])
        return success("Events retrieved successfully.", [shape_of_event(event) for event in events])

    @idempotent
    def post(self, request: Request) -> Response:
        new = read(NewEventSerializer, request, faults=event_faults)
        made = services.create(**new, price=0, origin=Origin.TICKS, by=caller(request), at=timezone.now())
        event = cast(queries.Row, queries.event(event_id=made.pk, viewer=caller(request)))
        return success("Event created successfully.", shape_of_event(event), status=201)


class OneEvent(Ticks):
    permission_classes = [IsAdmin]

    @idempotent
    def delete(self, request: Request, event_id: int) -> Response:
        services.withdraw(event_id=event_id, by=caller(request), at=timezone.now())
        return success("Event deleted successfully.")


class Bookings(Ticks):
    permission_classes = [AllowAny]
    throttle_classes = [GuestRateLimit]

    @idempotent
    def post(self, request: Request) -> Response:
        by = caller_if_any(request)
        wanted = read(OwnBookingSerializer if by else NewBookingSerializer, request)
        seats = {name: wanted.pop(name) for name in ("event_id", "quantity")}
        holder = Guest(**(contact_of(by) | wanted if by else wanted))
        booking = book(**seats, guest=None if by else holder, by=by)
        status, message = BOOKED[booking.status]
        sent = cast(dict[str, Any], request.data)
        return success(message, new_booking(booking, holder, sent), status=status)


def book(*, event_id: int, quantity: int, guest: Guest | None, by: User | None) -> Booking:
    """Book as the document does: join the waiting list only if the event is sold out or others are waiting."""
    return services.book(
        event_id=event_id,
        quantity=quantity,
        guest=guest,
        joins=Joins.WHEN_SOLD_OUT,
        origin=Origin.TICKS,
        by=by,
        at=timezone.now(),
    )


def contact_of(user: User) -> dict[str, str]:
    first_name, _, last_name = user.name.partition(" ")
    return {"first_name": first_name, "last_name": last_name, "email": user.email}


class OneBooking(Ticks):
    permission_classes = [AllowAny]

    @idempotent
    def delete(self, request: Request, booking_id: int) -> Response:
        wanted = read(CancellationSerializer, request)
        if wanted.get("bookingId", booking_id) != booking_id:
            raise Invalid("bookingId does not match the booking in the URL")
        by = caller_if_any(request)
        check_may_cancel(booking_id, by)
        services.cancel(booking_id=booking_id, by=by, seats=wanted["ticketsToCancel"], is_proven=True)
        return success("Booking cancelled successfully.")


def check_may_cancel(booking_id: int, by: User | None) -> None:
    """Check that the caller may cancel the booking.

    Anyone may cancel a guest's booking made here, as in the document. Other bookings require their user or an admin.

    :raises BookingNotFound: there is no such booking.
    :raises Unauthenticated: the booking needs a token.
    :raises Forbidden: the booking is another user's.
    """
    booking = Booking.objects.filter(pk=booking_id).first()
    if booking is None:
        raise services.BookingNotFound
    is_own_guest_booking = booking.user_id is None and booking.origin == Origin.TICKS
    if not is_own_guest_booking and not (by and (by.is_admin or by.pk == booking.user_id)):
        raise Forbidden if by else Unauthenticated


class EventStatus(Ticks):
    authentication_classes = [OptionalToken]
    permission_classes = [AllowAny]

    def get(self, request: Request, event_id: int) -> Response:
        seats = queries.availability(event_id=event_id, viewer=caller_if_any(request))
        if seats is None:
            raise services.EventNotFound
        status = {"availableTickets": seats["available"], "waitlistedCount": seats["waiting"]}
        return success("Event status retrieved successfully.", status)


class Unknown(views.Unknown, Ticks):
    """Answer 404 for every other path under /api/v1."""


urlpatterns = [
    path("api/v1/auth/register", Register.as_view()),
    path("api/v1/auth/admin/register", RegisterAdmin.as_view()),
    path("api/v1/auth/login", Login.as_view()),
    path("api/v1/auth/me", Me.as_view()),
    path("api/v1/event", Events.as_view()),
    path("api/v1/event/<int:event_id>", OneEvent.as_view()),
    path("api/v1/booking", Bookings.as_view()),
    path("api/v1/booking/<int:booking_id>", OneBooking.as_view()),
    path("api/v1/booking/status/<int:event_id>", EventStatus.as_view()),
    re_path(r"^api/v1(?:/|$)", Unknown.as_view()),
]
