"""Document 003, "Ticks": events that are booked by the quantity, by guests as well, under /api/v1.

What goes over the wire is the document's, and docs/api.md says what it leaves open; the rules are the domain's.
"""

from datetime import UTC, datetime, time
from typing import Any, cast

import orjson
from django.http import HttpResponse
from django.urls import path, re_path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services as accounts
from accounts.models import User, UserType
from accounts.permissions import IsAdmin, caller, caller_if_any
from accounts.serializers import NewPasswordField, SignInSerializer
from accounts.tokens import BareToken
from events import services
from events.models import MAX_CAPACITY, Booking, BookingStatus, Event, Origin
from events.services import Guest, Joins
from kit.errors import Forbidden, Invalid, Unauthenticated
from kit.idempotency.views import idempotent
from kit.web import views
from kit.web.bodies import read, read_query
from kit.web.fields import IdField, MillisecondsField, MomentField, SingleLineField
from kit.web.problems import Problem
from kit.web.throttling import SignInRateLimit
from kit.web.views import Dialect

STATUSES: dict[str, str] = {BookingStatus.CONFIRMED: "completed", BookingStatus.WAITING: "waitlisted"}
# What a new booking is answered with.
BOOKED: dict[str, tuple[int, str]] = {
    BookingStatus.CONFIRMED: (201, "Booking created successfully."),
    BookingStatus.WAITING: (200, "Tickets are sold out; you are on the waitlist."),
}
NOT_ENOUGH = (400, "Not enough tickets available to fulfill your request.")
SECOND_BOOKING = (409, "You already have a booking for this event.")
# The document's sentences for our refusals, by their codes.
SENTENCES: dict[str, tuple[int, str]] = {
    services.NotEnoughLeft.code: NOT_ENOUGH,
    services.MoreThanForSale.code: NOT_ENOUGH,
    services.AlreadyBooked.code: SECOND_BOOKING,
    services.AlreadyWaiting.code: SECOND_BOOKING,
    services.MoreThanBooked.code: (400, "Cannot cancel more tickets than reserved."),
    services.AlreadyCancelled.code: (400, "The booking has been cancelled already."),
}
# And for whatever is wrong with a field.
SENTENCES_OF_FIELDS = {"ticketsToCancel": "Please specify a valid number of tickets to cancel."}
# The document's sample has no special character.
SHORTEST_PASSWORD = 8
# The document shows all events at once, and no place for a cursor.
MOST_EVENTS = 1_000


# --- Shapes -------------------------------------------------------------------------------------------------------


class StartField(MomentField):
    """A time with an offset, or a date for its midnight in UTC."""

    def to_internal_value(self, value: Any) -> datetime:
        moment = super().to_internal_value(value)
        return moment if isinstance(moment, datetime) else datetime.combine(moment, time.min, tzinfo=UTC)


class RegisterSerializer(serializers.Serializer[User]):
    username = SingleLineField(source="name", min_length=3, max_length=150)
    email = serializers.EmailField(max_length=254)
    password = NewPasswordField()


class UserSerializer(serializers.Serializer[User]):
    id = serializers.IntegerField()
    username = serializers.CharField(source="name")
    email = serializers.CharField()


class NewEventSerializer(serializers.Serializer[Event]):
    name = SingleLineField(max_length=255)
    date = StartField(source="starts_at")
    totalTickets = IdField(source="capacity", min_value=1, max_value=MAX_CAPACITY)
    availableTickets = IdField(min_value=0, required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Put it in the domain's words: what is not available is withheld."""
        available = attrs.pop("availableTickets", attrs["capacity"])
        if available > attrs["capacity"]:
            raise serializers.ValidationError({"availableTickets": ["There are not so many tickets."]})
        return {**attrs, "withheld": attrs["capacity"] - available}


class EventSerializer(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    date = MillisecondsField(source="starts_at")
    totalTickets = serializers.IntegerField(source="inventory.capacity")
    availableTickets = serializers.IntegerField(source="inventory.available")
    createdBy = serializers.IntegerField(source="created_by_id")
    createdAt = MillisecondsField(source="created_at")
    updatedAt = MillisecondsField(source="updated_at")


class EventQuerySerializer(serializers.Serializer[Any]):
    limit = serializers.IntegerField(min_value=1, max_value=MOST_EVENTS, default=MOST_EVENTS)
    page = serializers.IntegerField(min_value=1, max_value=1_000, default=1)


class NewBookingSerializer(serializers.Serializer[Booking]):
    eventId = IdField(source="event_id")
    firstName = SingleLineField(source="first_name", max_length=150)
    lastName = SingleLineField(source="last_name", max_length=150)
    email = serializers.EmailField(max_length=254)
    ticketsReserved = IdField(source="quantity", min_value=1)


class OwnBookingSerializer(NewBookingSerializer):
    """Of who is signed in it is known who they are."""

    firstName = SingleLineField(source="first_name", max_length=150, required=False)
    lastName = SingleLineField(source="last_name", max_length=150, required=False)
    email = serializers.EmailField(max_length=254, required=False)


def body_of(booking: Booking, who: Guest, sent: dict[str, Any]) -> dict[str, Any]:
    """A new booking. Numbers come back as they came, be it in a string."""
    made_at = MillisecondsField().to_representation(booking.created_at)
    return {
        "id": booking.pk,
        "eventId": sent["eventId"],
        "userId": booking.user_id,
        "firstName": who.first_name,
        "lastName": who.last_name,
        "email": who.email,
        "ticketsReserved": sent["ticketsReserved"],
        "bookingStatus": STATUSES[booking.status],
        "updatedAt": made_at,
        "createdAt": made_at,
    }


class CancellationSerializer(serializers.Serializer[Booking]):
    bookingId = IdField(required=False)
    ticketsToCancel = IdField(min_value=1)


# --- Dialect ------------------------------------------------------------------------------------------------------


class Ticks(Dialect):
    """Everything under /api/v1: an envelope around what is right and what is wrong."""

    # A header that bears no good token is refused; else its sender would be taken for a guest.
    authentication_classes = [BareToken]

    @staticmethod
    def lay_out(problem: Problem) -> HttpResponse:
        status, message = SENTENCES.get(problem.code, (problem.status, problem.message))
        message = next(
            (SENTENCES_OF_FIELDS[name] for name, _ in problem.errors if name in SENTENCES_OF_FIELDS), message
        )
        body = {"message": f"{message.removesuffix('.')}.", "error": True}
        return HttpResponse(orjson.dumps(body), "application/json", status, headers=problem.headers)


def success(message: str, data: Any = None, *, status: int = 200) -> Response:
    return Response({"message": message, **({} if data is None else {"data": data}), "error": False}, status)


# --- Endpoints ----------------------------------------------------------------------------------------------------


class Register(Ticks):
    permission_classes = [AllowAny]
    throttle_classes = [SignInRateLimit]
    type = UserType.CUSTOMER

    @idempotent
    def post(self, request: Request) -> Response:
        new = read(RegisterSerializer, request)
        user = accounts.sign_up(**new, type=self.type, by=caller_if_any(request), min_password_length=SHORTEST_PASSWORD)
        return success("User registered successfully.", UserSerializer(user).data, status=201)


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
        return success("User retrieved successfully.", UserSerializer(caller(request)).data)


class Events(Ticks):
    def get_permissions(self) -> list[BasePermission]:
        return [IsAdmin()] if self.request.method == "POST" else [IsAuthenticated()]

    def get(self, request: Request) -> Response:
        query = read_query(EventQuerySerializer, request)
        first = (query["page"] - 1) * query["limit"]
        newest_first = Event.objects.visible_to(caller(request)).with_inventory().order_by("-created_at", "-id")
        events = newest_first[first : first + query["limit"]]
        return success("Events retrieved successfully.", EventSerializer(list(events), many=True).data)

    @idempotent
    def post(self, request: Request) -> Response:
        new = read(NewEventSerializer, request)
        event = services.create(**new, price=0, origin=Origin.TICKS, by=caller(request), at=timezone.now())
        return success("Event created successfully.", EventSerializer(event).data, status=201)


class OneEvent(Ticks):
    permission_classes = [IsAdmin]

    def delete(self, request: Request, event_id: int) -> Response:
        services.withdraw(event_id=event_id, by=caller(request), at=timezone.now())
        return success("Event deleted successfully.")


class Bookings(Ticks):
    permission_classes = [AllowAny]

    @idempotent
    def post(self, request: Request) -> Response:
        by = caller_if_any(request)
        wanted = read(OwnBookingSerializer if by else NewBookingSerializer, request)
        seats = {name: wanted.pop(name) for name in ("event_id", "quantity")}
        who = Guest(**(names_of(by) | wanted if by else wanted))
        booking = services.book(
            **seats,
            guest=None if by else who,
            joins=Joins.WHEN_SOLD_OUT,
            origin=Origin.TICKS,
            by=by,
            at=timezone.now(),
        )
        status, message = BOOKED[booking.status]
        return success(message, body_of(booking, who, cast(dict[str, Any], request.data)), status=status)


def names_of(user: User) -> dict[str, str]:
    first_name, _, last_name = user.name.partition(" ")
    return {"first_name": first_name, "last_name": last_name, "email": user.email}


class OneBooking(Ticks):
    permission_classes = [AllowAny]

    def delete(self, request: Request, booking_id: int) -> Response:
        wanted = read(CancellationSerializer, request)
        if wanted.get("bookingId", booking_id) != booking_id:
            raise Invalid("The body names another booking than the path")
        by = caller_if_any(request)
        check_may_cancel(booking_id, by)
        services.cancel(booking_id=booking_id, by=by, seats=wanted["ticketsToCancel"], is_proven=True)
        return success("Booking cancelled successfully.")


def check_may_cancel(booking_id: int, by: User | None) -> None:
    """A guest's booking is anybody's to cancel if it was made here: the document's rule. Others are their user's."""
    booking = Booking.objects.filter(pk=booking_id).first()
    if booking is None:
        raise services.BookingNotFound
    is_of_guest_here = booking.user_id is None and booking.origin == Origin.TICKS
    if not is_of_guest_here and not (by and (by.is_admin or by.pk == booking.user_id)):
        raise Forbidden if by else Unauthenticated


class EventStatus(Ticks):
    permission_classes = [AllowAny]

    def get(self, request: Request, event_id: int) -> Response:
        seats = services.find(event_id=event_id, by=caller_if_any(request)).inventory
        status = {"availableTickets": seats.available, "waitlistedCount": seats.waiting}
        return success("Event status retrieved successfully.", status)


class Unknown(views.Unknown, Ticks):
    """Every other path under /api/v1."""


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
