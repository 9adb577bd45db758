"""Use cases at the door: check in by code or by name, undo that, and replace the codes of e-tickets."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

from accounts.models import User
from events import ticket_codes
from events.models import Booking, BookingStatus, CheckIn, Event
from events.services.bookings import AlreadyCancelled, BookingNotFound, EventNotFound, find
from events.ticket_codes import Ticket
from kit.db import sql
from kit.errors import Conflict, Contradiction, Forbidden, Invalid, Missing, Refused
from kit.text import counted
from kit.versions import Expected

# How far the clock of a device may be ahead of the server's.
CLOCK_SKEW = timedelta(minutes=5)
IN_THE_FUTURE = "Must not be in the future."
BEFORE_THE_EVENT = "Must not be before the event was created."


class TicketNotFound(Missing):
    message = "Ticket not found"


class CheckInNotFound(Missing):
    message = "Check-in not found"


class WrongEvent(Conflict):
    message = "This ticket is for another event"


class NotConfirmed(Conflict):
    message = "This booking is on the waiting list"


class TicketCancelled(Conflict):
    message = "This ticket has been cancelled"


class TicketReplaced(TicketCancelled):
    code = TicketCancelled.code
    message = "This ticket has been replaced by a new one"


class NonceReused(Contradiction):
    message = "This nonce was already used for another ticket"


class FewerToCheckIn(Conflict):
    def __init__(self, left: int) -> None:
        super().__init__(
            f"Only {counted(left, 'seat')} of this booking {'is' if left == 1 else 'are'} not checked in yet"
            if left
            else "All seats of this booking are checked in"
        )


@dataclass(frozen=True)
class Scan:
    """A check-in as it was recorded. If `is_repetition`, the other fields describe the one that took the seat."""

    id: int
    booking_id: int
    seat: int
    quantity: int
    holder: str
    is_repetition: bool
    checked_in_at: datetime
    checked_in_by: str
    device: str

    @property
    def refusal(self) -> "AlreadyCheckedIn | None":
        return AlreadyCheckedIn(self) if self.is_repetition else None


class AlreadyCheckedIn(Conflict):
    """Somebody has the seat. `check_in` does not raise this, so that the scan is recorded: see `Scan.refusal`."""

    message = "This ticket is already checked in"

    def __init__(self, scan: Scan) -> None:
        super().__init__(
            members={
                "booking": scan.booking_id,
                "seat": scan.seat,
                "holder": scan.holder,
                "checked_in_at": scan.checked_in_at,
                "device": scan.device or None,
            }
        )


REFUSALS: dict[str, type[Refused]] = {
    "event_not_found": EventNotFound,
    "ticket_not_found": TicketNotFound,
    "wrong_event": WrongEvent,
    "not_confirmed": NotConfirmed,
    "ticket_cancelled": TicketCancelled,
    "ticket_replaced": TicketReplaced,
    "nonce_reused": NonceReused,
}


def check_in(
    *,
    event_id: int,
    code: str,
    by: User,
    at: datetime,
    scanned_at: datetime | None = None,
    device: str = "",
    nonce: str | None = None,
) -> Scan:
    """Check in the seat of an e-ticket, or record that somebody has it already. One statement.

    `scanned_at` is when a device that was offline scanned it. The same `nonce` records the same ticket once per event.
    The rules are in sql/functions/check_in.sql.

    :raises Forbidden: `by` is not staff.
    :raises EventNotFound: there is no such event, or `by` may not see it.
    :raises Invalid: `scanned_at` is in the future or before the event was created.
    :raises TicketNotFound: this server has not issued the code.
    :raises WrongEvent, NotConfirmed, TicketReplaced, TicketCancelled: the ticket is not valid.
    :raises NonceReused: the nonce was used for another ticket.
    """
    _check_staff(by)
    if scanned_at is not None:
        _check_time(event_id, scanned_at, by=by, at=at)
    ticket = ticket_codes.read(code)
    if ticket is None:
        find(event_id=event_id, by=by)
        raise TicketNotFound
    return _check_in(event_id, ticket, by=by, at=scanned_at or at, device=device, nonce=nonce)


def _check_staff(by: User | None) -> None:
    if not (by and by.is_staff):
        raise Forbidden


def _check_time(event_id: int, scanned_at: datetime, *, by: User, at: datetime) -> None:
    if scanned_at > at + CLOCK_SKEW:
        raise Invalid(fields={"at": [IN_THE_FUTURE]})
    if scanned_at < find(event_id=event_id, by=by).created_at:
        raise Invalid(fields={"at": [BEFORE_THE_EVENT]})


def _check_in(event_id: int, ticket: Ticket, *, by: User, at: datetime, device: str, nonce: str | None) -> Scan:
    if not 0 < event_id <= sql.MAX_ID:
        raise EventNotFound
    (row,) = sql.prepared(
        "events/check_in",
        event_id=event_id,
        booking_id=ticket.booking_id,
        seat=ticket.seat,
        revision=ticket.revision,
        at=at,
        user_id=by.pk,
        device=device,
        nonce=nonce,
        is_admin=by.is_admin,
    )
    refusal = row.pop("refusal")
    if refusal is not None:
        raise REFUSALS[refusal]
    return Scan(booking_id=ticket.booking_id, seat=ticket.seat, **row)


@transaction.atomic
def check_in_seats(
    *, event_id: int, booking_id: int, seats: int, by: User, at: datetime, device: str = ""
) -> list[Scan]:
    """Check in some seats of a booking by name: those with the lowest numbers that are not checked in yet.

    :raises Forbidden, EventNotFound, WrongEvent, NotConfirmed, TicketCancelled: as for `check_in`.
    :raises BookingNotFound: there is no such booking.
    :raises FewerToCheckIn: fewer seats are not checked in yet.
    """
    _check_staff(by)
    booking = Booking.objects.select_for_update(no_key=True).filter(pk=booking_id).first()
    if booking is None:
        raise BookingNotFound
    taken = set(CheckIn.objects.valid().filter(event=booking.event_id, booking=booking).values_list("seat", flat=True))
    free = [seat for seat in range(1, booking.left + 1) if seat not in taken]
    if booking.status == BookingStatus.CONFIRMED and booking.event_id == event_id and seats > len(free):
        raise FewerToCheckIn(len(free))
    return [
        _check_in(event_id, Ticket(booking_id, seat, booking.code_revision), by=by, at=at, device=device, nonce=None)
        # For the refusal of a booking that has none.
        for seat in (free or [1])[:seats]
    ]


def undo_check_in(*, event_id: int, check_in_id: int, by: User, at: datetime) -> CheckIn:
    """Undo a check-in, so that its ticket is good again.

    :raises Forbidden, EventNotFound: as for `check_in`.
    :raises CheckInNotFound: there is none, it was undone before, or it let nobody in.
    """
    _check_staff(by)
    find(event_id=event_id, by=by)
    check_ins = CheckIn.objects.valid().filter(event=event_id, pk=check_in_id)
    if not check_ins.update(undone_at=at, undone_by=by):
        raise CheckInNotFound
    return CheckIn.objects.select_related("booking__user").get(pk=check_in_id)


@transaction.atomic
def reissue_tickets(
    *, booking_id: int, by: User | None, is_proven: bool = False, expected: Expected | None = None
) -> None:
    """Replace the codes of a booking's e-tickets. Seats that are checked in stay so.

    `is_proven` as in `queries.booking`. Staff can do this for anybody.

    :raises BookingNotFound: there is no such booking, or `by` may not see it.
    :raises VersionConflict, PreconditionFailed: the booking has another version than `expected`.
    :raises NotConfirmed, AlreadyCancelled: it has no tickets.
    """
    if not _may_reissue(booking_id, by=by, is_proven=is_proven):
        raise BookingNotFound
    booking = Booking.objects.select_for_update(no_key=True).get(pk=booking_id)
    booking.check_version(expected)
    if booking.status == BookingStatus.WAITING:
        raise NotConfirmed
    if booking.status == BookingStatus.CANCELLED:
        raise AlreadyCancelled
    booking.code_revision += 1
    booking.save(update_fields=["code_revision"])


def _may_reissue(booking_id: int, *, by: User | None, is_proven: bool) -> bool:
    booking = Booking.objects.filter(pk=booking_id)
    if is_proven or by is None:
        return is_proven and booking.exists()
    if booking.visible_to(by).exists():
        return True
    return by.is_staff and booking.filter(event__in=Event.objects.visible_to(by)).exists()
