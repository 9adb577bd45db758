"""Document 002, "Ticket Management Example": events with a waiting list, at the root.

What goes over the wire is the document's, and docs/api.md says what it leaves open; the rules are the domain's. Whoever
books here books one ticket.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from django.http import HttpResponse
from django.urls import path
from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from accounts import services as accounts
from accounts.models import User
from accounts.permissions import caller, caller_if_any
from accounts.tokens import BareToken
from contracts import joi
from events import services
from events.models import MAX_CAPACITY, MAX_PER_BOOKING, MAX_PRICE, Booking, BookingStatus, Event, Origin
from kit.errors import Invalid, Missing, Refused, TooMany, Unauthenticated
from kit.idempotency.views import idempotent
from kit.web.bodies import read
from kit.web.fields import MillisecondsField, MoneyField
from kit.web.problems import Problem
from kit.web.throttling import SignInRateLimit
from kit.web.views import Dialect

STATUSES: dict[str, str] = {
    BookingStatus.CONFIRMED: "CONFIRMED",
    BookingStatus.WAITING: "PENDING",
    BookingStatus.CANCELLED: "CANCELLED",
}
BOOKED: dict[str, str] = {
    BookingStatus.CONFIRMED: "Ticket booked successfully",
    BookingStatus.WAITING: "Event is sold out. User added to wait list",
}
# The document's sentences for our refusals, and of what kind they are here.
SENTENCES: dict[type[Refused], tuple[type[Refused], str]] = {
    services.EventNotFound: (Missing, "Event with ID {event_id} not found"),
    services.EventCancelled: (Invalid, "Event with ID {event_id} has been cancelled"),
    services.EventNotPublished: (Invalid, "Event with ID {event_id} is not open for bookings yet"),
    services.BookingsClosed: (Invalid, "Event with ID {event_id} has closed for bookings"),
    services.MoreThanForSale: (Invalid, "Event with ID {event_id} has no tickets for sale"),
    services.AlreadyBooked: (Invalid, "User already has a booking"),
    services.AlreadyWaiting: (Invalid, "User is already on wait list"),
    services.AlreadyCancelled: (Invalid, "Booking with ID {booking_id} has already been cancelled"),
}


# --- Shapes -------------------------------------------------------------------------------------------------------


class LoginShape(joi.Shape):
    email = joi.Email(max_length=254)
    password = joi.LongText(max_length=1000, trim_whitespace=False)

    def to_internal_value(self, data: Any) -> Any:
        """Read `username` as `email`: the document's table has the one, its example the other."""
        renamed = dict(data)
        username = renamed.pop("username", None)
        if username is not None:
            renamed.setdefault("email", username)
        return super().to_internal_value(renamed)


class NewEventShape(joi.Shape):
    name = joi.Text(max_length=255)
    description = joi.LongText(max_length=20_000)
    date = joi.Day(source="starts_at")
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
    id = joi.Whole()


class EventShape(serializers.Serializer[Event]):
    id = serializers.IntegerField()
    name = serializers.CharField()
    description = serializers.CharField()
    date = MillisecondsField(source="starts_at")
    location = serializers.CharField(source="venue")
    ticketLimit = serializers.IntegerField(source="inventory.capacity")
    price = MoneyField()


class BookingShape(serializers.Serializer[Booking]):
    id = serializers.IntegerField()
    eventId = serializers.IntegerField(source="event_id")
    userId = serializers.IntegerField(source="user_id")
    status = serializers.SerializerMethodField()

    def get_status(self, booking: Booking) -> str:
        return STATUSES[booking.status]


# --- Dialect ------------------------------------------------------------------------------------------------------


class BoxOffice(Dialect):
    """Everything of the document: bare tokens, and of what is wrong one sentence."""

    authentication_classes = [BareToken]

    @staticmethod
    def lay_out(problem: Problem) -> HttpResponse:
        body = orjson.dumps({"error": sentence(problem)})
        return HttpResponse(body, "application/json", problem.status, headers=problem.headers)


def sentence(problem: Problem) -> str:
    if problem.status == 401:
        return "Access denied"
    if problem.code == TooMany.code:
        return "Too many requests from this IP address"
    if problem.status >= 500:
        return "An unknown error occurred"
    # Of what a shape refuses, the first alone.
    if problem.kinds:
        name, fault = problem.errors[0]
        return f'"{name}" {fault}'
    return problem.message


@contextmanager
def in_the_documents_words(**ids: int) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        if type(refusal) not in SENTENCES:
            raise
        kind, words = SENTENCES[type(refusal)]
        raise kind(words.format(**ids)) from refusal


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
            # Here alone somebody is told who has an account: the document's demand.
            if accounts.has_account(email=credentials["email"]):
                raise
            raise Missing(f"User with email {credentials['email']} not found") from refusal
        return Response({"token": pair.access})


class Initialize(BoxOffice):
    @idempotent
    def post(self, request: Request) -> Response:
        new = read(NewEventShape, request) | {"max_per_booking": MAX_PER_BOOKING, "origin": Origin.BOX_OFFICE}
        event = services.create(**new, by=caller(request), at=timezone.now())
        return Response({"message": "Event created successfully", "event": EventShape(event).data}, 201)


class Book(BoxOffice):
    @idempotent
    def post(self, request: Request) -> Response:
        wanted = read(NewBookingShape, request)
        event_id, by = wanted["event_id"], caller(request)
        if wanted["user_id"] != by.pk:
            raise Unauthenticated
        with in_the_documents_words(event_id=event_id):
            booking = services.book(event_id=event_id, quantity=1, by=by, at=timezone.now(), origin=Origin.BOX_OFFICE)
        return Response({"message": BOOKED[booking.status], "booking": BookingShape(booking).data}, 201)


class Cancel(BoxOffice):
    def post(self, request: Request) -> Response:
        booking = named_booking(read(CancelShape, request), caller(request))
        with in_the_documents_words(booking_id=booking.pk):
            booking = services.cancel(booking_id=booking.pk, by=caller(request))
        return Response({"message": "Booking cancelled successfully", "booking": BookingShape(booking).data})


def named_booking(wanted: dict[str, int], by: User) -> Booking:
    """The booking of this id, else the caller's of this event. Here admins have no say in those of others."""
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
    permission_classes = [AllowAny]

    def get(self, request: Request, event_id: str) -> Response:
        asked = StatusShape(data={"id": event_id})
        asked.is_valid(raise_exception=True)
        with in_the_documents_words(event_id=asked.validated_data["id"]):
            event = services.find(event_id=asked.validated_data["id"], by=caller_if_any(request))
        seats = {"ticketsAvailable": event.inventory.available, "waitingListCount": event.inventory.waiting}
        return Response({"event": EventShape(event).data, **seats})


urlpatterns = [
    path("login", Login.as_view()),
    path("initialize", Initialize.as_view()),
    path("book", Book.as_view()),
    path("cancel", Cancel.as_view()),
    path("status/<str:event_id>", Status.as_view()),
]
