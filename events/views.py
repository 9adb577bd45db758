"""Events and bookings, over HTTP."""

from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status, viewsets
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ChoiceField

from accounts.permissions import IsAdmin, caller, caller_if_any
from events import examples, exports, queries, services
from events.models import Booking, Event
from events.permissions import HEADER, IsSignedInOrHoldsToken, holds_token
from events.serializers import (
    DEFAULT_ORDERING,
    AvailabilitySerializer,
    BookingDetailSerializer,
    BookingFilterSerializer,
    BookingPageSerializer,
    BookingQuerySerializer,
    BookingSerializer,
    BookingsOfEventQuerySerializer,
    CancellationSerializer,
    EventPageSerializer,
    EventPatchSerializer,
    EventQuerySerializer,
    EventSerializer,
    NewBookingAnswerSerializer,
    NewBookingSerializer,
    NewEventSerializer,
    ReplacedEventSerializer,
)
from events.tokens import manage_token
from kit.dates import START_AFTER_END
from kit.errors import Forbidden
from kit.idempotency.views import REPLAYED, idempotent, key_of, repeatable
from kit.openapi.describe import Refusal, describes, invalid, missing
from kit.web import csv_export, paging
from kit.web.bodies import read, read_query
from kit.web.etags import versioned
from kit.web.fields import MomentField

EVENT = (EventSerializer, examples.EVENT)
CHANGED_EVENT = (EventSerializer, examples.CHANGED_EVENT)
REFUSALS_OF_CHANGING: list[Refusal] = [
    Forbidden,
    services.EventNotFound,
    services.EventCancelled,
    services.EventHasBookings,
    invalid(withheld=services.TOO_MUCH_WITHHELD),
    services.CapacityBelowSold(sold=40),
    services.CapacityBelowWaiting(wanted=6),
]
CHANGING = (
    "For admins. More tickets for sale go to the waiting list first, before the answer. What is booked keeps its "
    "price; `bookingsCloseAt` does not move along with `startsAt`."
)
MANAGE_TOKEN = OpenApiParameter(
    HEADER, str, OpenApiParameter.HEADER, description="A guest's, instead of signing in: the booking's `manageToken`."
)


class EventViewSet(viewsets.GenericViewSet[Event]):
    def get_permissions(self) -> list[BasePermission]:
        # Which methods there are is no secret.
        is_public = self.action in ("list", "retrieve", "availability", "metadata", None)
        return [AllowAny()] if is_public else [IsAdmin()]

    @describes(
        "List the events",
        name="listEvents",
        more="All that match what is asked; drafts are for admins. A `cursor` belongs to one `ordering`.",
        parameters=[EventQuerySerializer],
        answers={200: (EventPageSerializer, examples.EVENT_PAGE)},
        refusals=[
            invalid(startDate=str(MomentField.default_error_messages["invalid"])),
            invalid(start_at=START_AFTER_END),
            paging.BAD_CURSOR,
        ],
    )
    def list(self, request: Request) -> Response:
        query = read_query(EventQuerySerializer, request)
        ordering, limit = query["ordering"], query.pop("limit")
        found = queries.events(viewer=caller_if_any(request), **query, limit=limit + 1, at=timezone.now())
        name = request.query_params.get("ordering") or DEFAULT_ORDERING
        page = paging.page(found, limit=limit, key=lambda event: (name, getattr(event, ordering.field), event.pk))
        return Response(EventPageSerializer(page).data)

    @describes(
        "Create an event",
        name="createEvent",
        more="For admins. Without `bookingsCloseAt` bookings close when it starts, without `maxPerBooking` one booking "
        "has at most 10 tickets. Published unless `status` says `draft`.",
        request=(NewEventSerializer, examples.NEW_EVENT),
        answers={201: EVENT},
        refusals=[
            missing("name", "startsAt", "capacity", "price"),
            invalid(withheld=services.TOO_MUCH_WITHHELD),
            Forbidden,
        ],
    )
    @idempotent
    def create(self, request: Request) -> Response:
        event = services.create(**read(NewEventSerializer, request), by=caller(request), at=timezone.now())
        return Response(EventSerializer(event).data, status=status.HTTP_201_CREATED)

    @describes("Read an event", name="getEvent", answers={200: EVENT}, refusals=[services.EventNotFound])
    def retrieve(self, request: Request, event_id: int) -> Response:
        return Response(EventSerializer(services.find(event_id=event_id, by=caller_if_any(request))).data)

    @describes(
        "Replace an event",
        name="replaceEvent",
        more=f"What is absent, but for name, startsAt, capacity and price, stays. {CHANGING}",
        request=(ReplacedEventSerializer, examples.REPLACED_EVENT),
        answers={200: CHANGED_EVENT},
        refusals=[missing("name", "startsAt", "capacity", "price"), *REFUSALS_OF_CHANGING],
    )
    def update(self, request: Request, event_id: int, shape: Any = ReplacedEventSerializer) -> Response:
        event = services.update(event_id=event_id, by=caller(request), at=timezone.now(), **read(shape, request))
        return Response(EventSerializer(event).data)

    @describes(
        "Change an event",
        name="changeEvent",
        more=CHANGING,
        request=(EventPatchSerializer, examples.EVENT_PATCH),
        answers={200: CHANGED_EVENT},
        refusals=REFUSALS_OF_CHANGING,
    )
    def partial_update(self, request: Request, event_id: int) -> Response:
        return self.update(request, event_id, EventPatchSerializer)

    @describes(
        "Delete an event",
        name="deleteEvent",
        more="For admins, and while nobody ever booked it: else cancel it.",
        answers={204: None},
        refusals=[Forbidden, services.EventNotFound, services.EventHasBookings],
    )
    def destroy(self, request: Request, event_id: int) -> Response:
        services.delete(event_id=event_id, by=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @describes(
        "Cancel an event",
        name="cancelEvent",
        more="For admins, and for good. Cancels its bookings and mails everybody who has one.",
        answers={200: (EventSerializer, examples.CANCELLED_EVENT)},
        refusals=[Forbidden, services.EventNotFound, services.EventCancelled],
    )
    def cancel(self, request: Request, event_id: int) -> Response:
        event = services.cancel_event(event_id=event_id, by=caller(request), at=timezone.now())
        return Response(EventSerializer(event).data)

    @describes(
        "Read how many tickets are left",
        name="getAvailability",
        more="Cheap to ask again and again, cheaper still with `If-None-Match`.",
        answers={200: (AvailabilitySerializer, examples.AVAILABILITY), 304: None},
        refusals=[services.EventNotFound],
    )
    @versioned
    def availability(self, request: Request, event_id: int) -> Response:
        inventory = queries.inventory(event_id=event_id, viewer=caller_if_any(request))
        if inventory is None:
            raise services.EventNotFound
        return Response(AvailabilitySerializer(inventory).data)


class BookingViewSet(viewsets.GenericViewSet[Booking]):
    def get_permissions(self) -> list[BasePermission]:
        if self.action in ("create", "metadata", None):
            return [AllowAny()]
        if self.action in ("retrieve", "cancel"):
            return [IsSignedInOrHoldsToken()]
        return [IsAdmin()] if self.action == "list_of_event" else [IsAuthenticated()]

    @describes(
        "Book tickets",
        name="createBooking",
        more="For yourself when signed in, else for the `guest`, whose answer bears a `manageToken`. Confirmed if that "
        "many are left and nobody waits, else waiting. Who came first is served first, however few somebody later asks "
        "for. A user has one booking of an event at a time, a guest any number.",
        request=(NewBookingSerializer, examples.NEW_BOOKING),
        answers={201: (NewBookingAnswerSerializer, examples.BOOKING_DETAIL)},
        refusals=[
            missing("guest"),
            services.EventNotFound,
            services.EventCancelled,
            services.EventNotPublished,
            services.BookingsClosed,
            services.MoreThanForSale(for_sale=110),
            services.TooManyAtOnce(max_per_booking=10),
            services.AlreadyBooked,
            services.AlreadyWaiting,
            services.NotEnoughLeft(available=1),
        ],
    )
    @repeatable
    def create(self, request: Request, event_id: int) -> Response:
        by = caller_if_any(request)
        key = key_of(request)
        wish = read(NewBookingSerializer, request, is_guest=by is None)
        joins = services.Joins.ALWAYS if wish.pop("joins_waitlist") else services.Joins.NEVER
        booking = services.book(event_id=event_id, by=by, at=timezone.now(), joins=joins, key=key, **wish)
        shown = NewBookingAnswerSerializer(booking).data
        if by is None:
            # Derived anew for each answer; what is kept of a key holds no token.
            shown["manageToken"] = manage_token(booking.pk)
        headers = {REPLAYED: "true"} if booking.is_repeated else {}
        return Response(shown, status=status.HTTP_201_CREATED, headers=headers)

    @describes(
        "List the bookings of an event",
        name="listBookingsOfEvent",
        more="For admins. Newest first.",
        parameters=[BookingsOfEventQuerySerializer],
        answers={200: (BookingPageSerializer, examples.BOOKING_PAGE)},
        refusals=[paging.BAD_CURSOR, Forbidden, services.EventNotFound],
    )
    def list_of_event(self, request: Request, event_id: int) -> Response:
        query = read_query(BookingsOfEventQuerySerializer, request)
        services.find(event_id=event_id, by=caller(request))
        return self._list(request, query | {"event_id": event_id})

    @describes(
        "List the bookings",
        name="listBookings",
        more="Your own; admins see all. Newest first.",
        parameters=[BookingQuerySerializer],
        answers={200: (BookingPageSerializer, examples.BOOKING_PAGE)},
        refusals=[paging.BAD_CURSOR],
    )
    def list(self, request: Request) -> Response:
        return self._list(request, read_query(BookingQuerySerializer, request))

    def _list(self, request: Request, query: dict[str, Any]) -> Response:
        limit, (before_id,) = query.pop("limit"), query.pop("cursor", [None])
        found = queries.bookings(viewer=caller(request), **query, before_id=before_id, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda booking: (booking.pk,))
        return Response(BookingPageSerializer(page).data)

    @describes(
        "Export the bookings",
        name="exportBookings",
        more="As CSV (RFC 4180) all that the list shows under the same filters, a line a booking. Cells that a "
        "spreadsheet would take for a formula begin with an apostrophe.",
        parameters=[BookingFilterSerializer],
        answers={200: (OpenApiTypes.STR, examples.EXPORT)},
        media_type=csv_export.CSV,
        refusals=[invalid(status=ChoiceField.default_error_messages["invalid_choice"].format(input="soon"))],
    )
    def export(self, request: Request) -> StreamingHttpResponse:
        query = read_query(BookingFilterSerializer, request)
        return csv_export.answer("bookings", exports.bookings(viewer=caller(request), **query))

    @describes(
        "Read a booking",
        name="getBooking",
        more="Your own, or the one whose manage token you have; admins read any. `reason` says why it waits.",
        parameters=[MANAGE_TOKEN],
        answers={200: (BookingDetailSerializer, examples.BOOKING_DETAIL)},
        refusals=[services.BookingNotFound],
    )
    def retrieve(self, request: Request, booking_id: int) -> Response:
        is_proven = holds_token(request, booking_id)
        booking = services.find_booking(booking_id=booking_id, by=caller_if_any(request), is_proven=is_proven)
        return Response(BookingDetailSerializer(booking).data)

    @describes(
        "Cancel a booking",
        name="cancelBooking",
        more="Your own, or the one whose manage token you have; admins cancel any. In part with `tickets`. Who waits "
        "has the freed ones before the answer; a booking that waits itself keeps its place.",
        parameters=[MANAGE_TOKEN],
        request=(CancellationSerializer, examples.CANCELLATION),
        answers={200: (BookingSerializer, examples.CANCELLED_BOOKING)},
        refusals=[services.BookingNotFound, services.AlreadyCancelled, services.MoreThanBooked(left=2)],
    )
    def cancel(self, request: Request, booking_id: int) -> Response:
        booking = services.cancel(
            booking_id=booking_id,
            by=caller_if_any(request),
            is_proven=holds_token(request, booking_id),
            **read(CancellationSerializer, request),
        )
        return Response(BookingSerializer(booking).data)
