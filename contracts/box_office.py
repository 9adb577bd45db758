"""Document 002, "Ticket Management Example": events with a waiting list, served at the root.

The document defines the wire format, docs/api.md records our choices where it is ambiguous, and the domain's services
enforce the rules. A booking made here is for one ticket.
"""

from typing import Any

from django.urls import path
from django.utils import timezone
from orjson import Fragment
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, Throttled, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from accounts import services as accounts
from accounts.models import User
from accounts.permissions import caller, caller_if_any
from accounts.tokens import BareToken, OptionalToken
from contracts import joi
from events import queries, services
from events.models import MAX_CAPACITY, MAX_PER_BOOKING, MAX_PRICE, Booking, BookingStatus, Origin
from events.queries import Row
from kit.errors import Missing, TooMany, Unauthenticated
from kit.idempotency.views import idempotent
from kit.web.bodies import read
from kit.web.fields import with_milliseconds
from kit.web.problems import Problem
from kit.web.responses import Response
from kit.web.throttling import SignInRateLimit
from kit.web.views import Answer, Dialect

STATUSES: dict[str, str] = {
    BookingStatus.CONFIRMED: "CONFIRMED",
    BookingStatus.WAITING: "PENDING",
    BookingStatus.CANCELLED: "CANCELLED",
}
BOOKED: dict[str, str] = {
    BookingStatus.CONFIRMED: "Ticket booked successfully",
    BookingStatus.WAITING: "Event is sold out. User added to wait list",
}


# --- Shapes -------------------------------------------------------------------------------------------------------


class LoginShape(joi.Shape):
    email = joi.Email(max_length=254)
    password = joi.LongText(max_length=1000, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> Any:
        """Read `username` as `email`: the document uses one in a table, the other in an example."""
        renamed = dict(data)
        username = renamed.pop("username", None)
        if username is not None:
            renamed.setdefault("email", username)
        return super().to_internal_value(renamed)


class NewEventShape(joi.Shape):
    name = joi.Text(max_length=255)
    description = joi.LongText(max_length=20_000)
    date = joi.Moment(source="starts_at")
    location = joi.Text(source="venue", max_length=255)
    ticketLimit = joi.Whole(source="capacity", least=1, most=MAX_CAPACITY)
    price = joi.Price(most=MAX_PRICE)


class NewBookingShape(joi.Shape):
    eventId = joi.Whole(source="event_id")
    userId = joi.Whole(source="user_id")


class CancelShape(joi.Shape):
    id = joi.Whole(source="booking_id", required=False)
    eventId = joi.Whole(source="event_id", required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not attrs:
            raise ValidationError({"id": ["is required"]})
        return attrs


class StatusShape(joi.Shape):
    eventId = joi.Whole()


def shape_of_event(row: Row) -> dict[str, Any]:
    """Return the document's event from one of the product's."""
    return {
        "id": row["id"],
        "name": row["name"],
        "description": row["description"],
        "date": with_milliseconds(row["startsAt"]),
        "location": row["venue"],
        "ticketLimit": row["capacity"],
        "price": Fragment(row["price"]),
    }


def shape_of_booking(booking: Booking, status: str) -> dict[str, Any]:
    """Return the document's booking. Its other values never change."""
    return {"id": booking.pk, "eventId": booking.event_id, "userId": booking.user_id, "status": STATUSES[status]}


# --- Dialect ------------------------------------------------------------------------------------------------------


ACCESS_DENIED = Answer(message="Access denied")
TOO_MANY_REQUESTS = Answer(message="Too many requests from this IP address")


class BoxOffice(Dialect):
    """Base view of the document: bare tokens, and errors of one sentence."""

    authentication_classes = [BareToken]
    answers = {
        NotAuthenticated: ACCESS_DENIED,
        AuthenticationFailed: ACCESS_DENIED,
        Unauthenticated: ACCESS_DENIED,
        Throttled: TOO_MANY_REQUESTS,
        TooMany: TOO_MANY_REQUESTS,
        # The document has no lockout, so the product's message stands.
        accounts.LockedOut: Answer(),
        services.EventNotFound: Answer(404, "Event with ID {event_id} not found"),
        services.EventCancelled: Answer(400, "Event with ID {event_id} has been cancelled"),
        services.EventNotPublished: Answer(400, "Event with ID {event_id} is not open for bookings yet"),
        services.BookingsClosed: Answer(400, "Event with ID {event_id} has closed for bookings"),
        services.EventStarted: Answer(400, "Event with ID {event_id} has already started"),
        services.AlreadyBooked: Answer(400, "User already has a booking"),
        services.AlreadyWaiting: Answer(400, "User is already on wait list"),
        services.AlreadyCancelled: Answer(400, "Booking with ID {booking_id} has already been cancelled"),
        services.TicketsCheckedIn: Answer(400, "Booking with ID {booking_id} has been checked in"),
    }

    def body(self, problem: Problem) -> dict[str, Any]:
        if problem.status >= 500:
            return {"error": "An unknown error occurred"}
        # Several fields may be wrong; the document reports the first.
        if problem.kinds:
            name, message = problem.errors[0]
            return {"error": f'"{name}" {message}'}
        return {"error": problem.message}


# --- Endpoints ----------------------------------------------------------------------------------------------------


class Login(BoxOffice):
    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]

    def post(self, request: Request) -> Response:
        credentials = read(LoginShape, request)
        try:
            pair = accounts.sign_in(**credentials, request=request._request)
        except accounts.InvalidCredentials as refusal:
            # The document requires a 404 here. No other call reveals whether an account exists.
            if accounts.has_account(email=credentials["email"]):
                raise
            raise Missing(f"User with email {credentials['email']} not found") from refusal
        return Response({"token": pair.access})


class Initialize(BoxOffice):
    @idempotent
    def post(self, request: Request) -> Response:
        new = read(NewEventShape, request) | {"max_per_booking": MAX_PER_BOOKING, "origin": Origin.BOX_OFFICE}
        event = services.create(**new, by=caller(request), at=timezone.now())
        return self.retrieve(request, event.pk)

    def retrieve(self, request: Request, event_id: int) -> Response:
        """Read a new event. A retry does so again."""
        event = shape_of_event(find_event(event_id, by=caller(request)))
        return Response({"message": "Event created successfully", "event": event}, 201)

    def id_in(self, body: Any) -> int:
        return super().id_in(body["event"])


class Book(BoxOffice):
    @idempotent
    def post(self, request: Request) -> Response:
        wanted = read(NewBookingShape, request)
        event_id, by = wanted["event_id"], caller(request)
        if wanted["user_id"] != by.pk:
            raise Unauthenticated
        self.ids = {"event_id": event_id}
        booking = services.book(event_id=event_id, quantity=1, by=by, at=timezone.now(), origin=Origin.BOX_OFFICE)
        return Response({"message": BOOKED[booking.status], "booking": shape_of_booking(booking, booking.status)}, 201)


class Cancel(BoxOffice):
    @idempotent
    def post(self, request: Request) -> Response:
        booking = find_booking(read(CancelShape, request), by=caller(request))
        self.ids = {"booking_id": booking.pk, "event_id": booking.event_id}
        services.cancel(booking_id=booking.pk, by=caller(request))
        cancelled = shape_of_booking(booking, BookingStatus.CANCELLED)
        return Response({"message": "Booking cancelled successfully", "booking": cancelled})


def find_booking(wanted: dict[str, int], *, by: User) -> Booking:
    """Return the booking with the given id, or the caller's active booking for the given event.

    :raises Missing: there is none.
    :raises Unauthenticated: it belongs to someone else. Admins get no exception here.
    """
    if "booking_id" not in wanted:
        live = Booking.objects.live().filter(event_id=wanted["event_id"], user=by).first()
        if live is None:
            raise Missing(f"Booking for event with ID {wanted['event_id']} not found")
        return live
    booking = Booking.objects.filter(pk=wanted["booking_id"]).first()
    if booking is None:
        raise Missing(f"Booking with ID {wanted['booking_id']} not found")
    if booking.user_id != by.pk:
        raise Unauthenticated
    return booking


class Status(BoxOffice):
    authentication_classes = [OptionalToken]
    permission_classes = [AllowAny]

    def get(self, request: Request, event_id: str) -> Response:
        address = StatusShape(data={"eventId": event_id})
        address.is_valid(raise_exception=True)
        number: int = address.validated_data["eventId"]
        self.ids = {"event_id": number}
        event = find_event(number, by=caller_if_any(request))
        seats = {"ticketsAvailable": event["available"], "waitingListCount": event["waiting"]}
        return Response({"event": shape_of_event(event), **seats})


def find_event(event_id: int, *, by: User | None) -> Row:
    event = queries.event(event_id=event_id, viewer=by)
    if event is None:
        raise services.EventNotFound
    return event


urlpatterns = [
    path("login", Login.as_view()),
    path("initialize", Initialize.as_view()),
    path("book", Book.as_view()),
    path("cancel", Cancel.as_view()),
    path("status/<str:event_id>", Status.as_view()),
]
