"""Events and bookings over HTTP. docs.py describes the endpoints."""

from functools import partial
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework import status
from rest_framework.permissions import AllowAny, BasePermission, IsAuthenticated
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from accounts.models import User
from accounts.permissions import IsAdmin, IsStaff, caller, caller_if_any
from events import docs, exports, queries, services, shapes
from events.permissions import IsSignedInOrHoldsToken, holds_token
from events.serializers import (
    NAME_OF_ORDERING,
    CancellationSerializer,
    EventPatchSerializer,
    NewBookingSerializer,
    NewCheckInSerializer,
    NewEventSerializer,
    ReplacedEventSerializer,
    plain_booking,
)
from events.tokens import manage_token
from kit.activity import lists
from kit.idempotency.views import REPLAYED, idempotent, key_of, repeatable
from kit.replicas.reading import from_replica
from kit.web import csv_export, paging
from kit.web.base import ViewSet
from kit.web.bodies import read
from kit.web.etags import ExpectedVersionSerializer, expected, read_change, tag, versioned
from kit.web.responses import Response
from kit.web.throttling import GuestRateLimit, RateLimit


class EventViewSet(ViewSet):
    def get_permissions(self) -> list[BasePermission]:
        # OPTIONS and unknown methods are public.
        is_public = self.action in ("list", "retrieve", "availability", "metadata", None)
        return [AllowAny()] if is_public else [IsAdmin()]

    @docs.list_events
    def list(self, request: Request) -> Response:
        return self._list_changed(request) if "updatedSince" in self.query else self._list(request)

    @from_replica
    def _list(self, request: Request) -> Response:
        limit = self.query.pop("limit")
        found = queries.events(viewer=caller_if_any(request), **self.query, limit=limit + 1, at=timezone.now())
        name = NAME_OF_ORDERING[self.query["ordering"]]
        page = paging.page(
            found,
            limit=limit,
            key=lambda row: (name, row["place"], row["id"]),
            texts=lambda row: [row["description"]],
        )
        return Response({"items": [shapes.event(row) for row in page.items], "nextCursor": page.nextCursor})

    def _list_changed(self, request: Request) -> Response:
        page = lists.page(
            "event",
            self.query,
            lambda ids: queries.events_by_id(ids, is_admin=queries.sees_drafts(caller_if_any(request))),
            texts=lambda row: [row["description"]],
        )
        return Response({"items": [shapes.event(row) for row in page.items], "nextCursor": page.nextCursor})

    @docs.create_event
    @idempotent
    @versioned
    def create(self, request: Request) -> Response:
        new = read(NewEventSerializer, request, faults=services.faults)
        event = services.create(**new, by=caller(request), at=timezone.now())
        return _event(event.pk, caller(request), status=status.HTTP_201_CREATED)

    @docs.read_event
    @versioned
    def retrieve(self, request: Request, event_id: int) -> Response:
        return _event(event_id, caller_if_any(request))

    @docs.replace_event
    @versioned
    def update(self, request: Request, event_id: int) -> Response:
        return self._update(request, event_id, ReplacedEventSerializer)

    def _update(self, request: Request, event_id: int, shape: Any) -> Response:
        changes = read_change(shape, request, faults=services.faults)
        services.update(event_id=event_id, by=caller(request), at=timezone.now(), **changes)
        return _event(event_id, caller(request))

    @docs.change_event
    @versioned
    def partial_update(self, request: Request, event_id: int) -> Response:
        return self._update(request, event_id, EventPatchSerializer)

    @docs.delete_event
    @idempotent
    def destroy(self, request: Request, event_id: int) -> Response:
        services.delete(event_id=event_id, by=caller(request), expected=expected(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.cancel_event
    @idempotent
    @versioned
    def cancel(self, request: Request, event_id: int) -> Response:
        change = read_change(ExpectedVersionSerializer, request)
        services.cancel_event(event_id=event_id, by=caller(request), at=timezone.now(), **change)
        return _event(event_id, caller(request))

    @docs.read_availability
    @versioned
    def availability(self, request: Request, event_id: int) -> Response:
        return Response(_availability(event_id, caller_if_any(request)))


class BookingViewSet(ViewSet):
    def get_permissions(self) -> list[BasePermission]:
        if self.action in ("create", "metadata", None):
            return [AllowAny()]
        if self.action in ("retrieve", "cancel", "tickets", "reissue_tickets"):
            return [IsSignedInOrHoldsToken()]
        return [IsAdmin()] if self.action == "list_of_event" else [IsAuthenticated()]

    def get_throttles(self) -> list[BaseThrottle]:
        return [GuestRateLimit() if self.action == "create" else RateLimit()]

    @docs.book
    @repeatable
    @versioned
    def create(self, request: Request, event_id: int) -> Response:
        terms: dict[str, Any] = {"event_id": event_id, "by": caller_if_any(request), "at": timezone.now()}
        key, is_guest = key_of(request), terms["by"] is None
        wanted = plain_booking(dict(request.data), is_guest=is_guest) or read(
            NewBookingSerializer, request, faults=partial(services.booking_faults, **terms), is_guest=is_guest
        )
        joins = services.Joins.ALWAYS if wanted.pop("joins_waitlist") else services.Joins.NEVER
        booked = services.book_as_row(**terms, joins=joins, key=key, **wanted)
        body = shapes.new_booking(booked)
        headers = {"ETag": tag(body)} | ({REPLAYED: "true"} if booked["is_repeated"] else {})
        if is_guest:
            # Computed for each response, so that no token is stored with the idempotency key.
            body["manageToken"] = manage_token(body["id"])
        return Response(body, status.HTTP_201_CREATED, headers)

    @docs.list_bookings_of_event
    def list_of_event(self, request: Request, event_id: int) -> Response:
        _availability(event_id, caller(request))
        return self._list(request, event_id=event_id)

    @docs.list_bookings
    def list(self, request: Request) -> Response:
        return self._list_changed(request) if "updatedSince" in self.query else self._list(request)

    def _list_changed(self, request: Request) -> Response:
        page = lists.page(
            "booking", self.query, lambda ids: queries.visible_bookings_by_id(ids, viewer=caller(request))
        )
        return Response({"items": [shapes.booking(row) for row in page.items], "nextCursor": page.nextCursor})

    @from_replica
    def _list(self, request: Request, **of_event: Any) -> Response:
        limit, (before_id,) = self.query.pop("limit"), self.query.pop("cursor", [None])
        found = queries.bookings(viewer=caller(request), **self.query, **of_event, before_id=before_id, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda row: (row["id"],))
        return Response({"items": [shapes.booking(row) for row in page.items], "nextCursor": page.nextCursor})

    @docs.export_bookings
    def export(self, request: Request) -> StreamingHttpResponse:
        viewer = caller(request)
        return csv_export.answer("bookings", exports.bookings(viewer=viewer, **self.query), user_id=viewer.pk)

    @docs.read_booking
    @versioned
    def retrieve(self, request: Request, booking_id: int) -> Response:
        is_proven = holds_token(request, booking_id)
        return Response(shapes.booking_detail(_booking(booking_id, caller_if_any(request), is_proven=is_proven)))

    @docs.cancel_booking
    @idempotent
    @versioned
    def cancel(self, request: Request, booking_id: int) -> Response:
        services.cancel(
            booking_id=booking_id,
            by=caller_if_any(request),
            is_proven=holds_token(request, booking_id),
            **read_change(CancellationSerializer, request),
        )
        return Response(shapes.booking(_booking(booking_id, None, is_proven=True)))

    @docs.list_tickets
    def tickets(self, request: Request, booking_id: int) -> Response:
        limit, (after,) = self.query.pop("limit"), self.query.pop("cursor", [0])
        found = queries.tickets(
            booking_id=booking_id,
            viewer=caller_if_any(request),
            is_proven=holds_token(request, booking_id),
            after=after,
            limit=limit + 1,
        )
        if found is None:
            raise services.BookingNotFound
        page = paging.page(found, limit=limit, key=lambda row: (row["seat"],))
        return Response({"items": [shapes.ticket(row) for row in page.items], "nextCursor": page.nextCursor})

    @docs.reissue_tickets
    @idempotent
    @versioned
    def reissue_tickets(self, request: Request, booking_id: int) -> Response:
        services.reissue_tickets(
            booking_id=booking_id,
            by=caller_if_any(request),
            is_proven=holds_token(request, booking_id),
            **read_change(ExpectedVersionSerializer, request),
        )
        # Without the new codes: the response is kept for retries.
        return Response(shapes.booking(_booking(booking_id, None, is_proven=True)))


class CheckInViewSet(ViewSet):
    def get_permissions(self) -> list[BasePermission]:
        return [AllowAny()] if self.action in ("metadata", None) else [IsStaff()]

    @docs.check_in
    @repeatable
    def create(self, request: Request, event_id: int) -> Response:
        try:
            return idempotent(CheckInViewSet._check_in)(self, request, event_id)
        except services.AlreadyCheckedIn:
            # A refused request does not use up its key, which was rolled back with the record of the scan.
            if key_of(request):
                self._check_in(request, event_id)
            raise

    def _check_in(self, request: Request, event_id: int) -> Response:
        new = read(NewCheckInSerializer, request)
        scan = services.check_in(event_id=event_id, by=caller(request), at=timezone.now(), **new)
        if scan.refusal:
            raise scan.refusal
        return Response(shapes.scan(scan), status.HTTP_201_CREATED)

    @docs.list_check_ins
    def list(self, request: Request, event_id: int) -> Response:
        counts = _attendance(event_id, caller(request))
        limit, (before_id,) = self.query.pop("limit"), self.query.pop("cursor", [None])
        found = queries.check_ins(event_id=event_id, **self.query, before_id=before_id, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda row: (row["id"],))
        return Response({"items": page.items, "nextCursor": page.nextCursor, **counts})

    @docs.undo_check_in
    @idempotent
    def destroy(self, request: Request, event_id: int, check_in_id: int) -> Response:
        services.undo_check_in(event_id=event_id, check_in_id=check_in_id, by=caller(request), at=timezone.now())
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.list_admissions
    @versioned
    def admissions(self, request: Request, event_id: int) -> Response:
        _attendance(event_id, caller(request))
        limit = self.query.pop("limit")
        found = queries.admissions(event_id=event_id, **self.query, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda row: (row["booking"], row["seat"]))
        return Response({"items": [shapes.admission(row) for row in page.items], "nextCursor": page.nextCursor})


def _event(event_id: int, viewer: User | None, **options: Any) -> Response:
    """Answer with an event, or 404 if the viewer may not see it."""
    row = queries.event(event_id=event_id, viewer=viewer)
    if row is None:
        raise services.EventNotFound
    return Response(shapes.event(row), **options)


def _booking(booking_id: int, viewer: User | None, *, is_proven: bool) -> queries.Row:
    """Return a booking, or raise 404 if the viewer may not see it."""
    row = queries.booking(booking_id=booking_id, viewer=viewer, is_proven=is_proven)
    if row is None:
        raise services.BookingNotFound
    return row


def _attendance(event_id: int, viewer: User) -> queries.Row:
    """Return who is in, in numbers, or raise 404 if the viewer may not see the event."""
    row = queries.attendance(event_id=event_id, viewer=viewer)
    if row is None:
        raise services.EventNotFound
    return row


def _availability(event_id: int, viewer: User | None) -> queries.Row:
    """Return the seats of an event, or raise 404 if the viewer may not see it."""
    row = queries.availability(event_id=event_id, viewer=viewer)
    if row is None:
        raise services.EventNotFound
    return row
