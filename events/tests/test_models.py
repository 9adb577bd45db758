"""What the database guarantees about events and bookings, whatever writes to it."""

from typing import Any

import psycopg
import pytest
from django.db import IntegrityError
from django.utils import timezone
from psycopg.errors import CheckViolation, ForeignKeyViolation, RaiseException, UniqueViolation

from accounts.models import User
from accounts.tests.factories import make_user
from events import services
from events.models import MAX_CAPACITY, MAX_PRICE, Booking, BookingStatus, EntryKind, Event, Inventory
from events.services import Guest
from events.tests.books import falsify, fill
from events.tests.factories import GUEST, book, make_event
from notifications.models import Kind
from notifications.services import announce_bookings
from projects.tests.psql import planner_without, psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]

INSERT = """
    INSERT INTO events_booking (event_id, guest_email, quantity, status, queue_number, unit_price, origin, created_at)
    VALUES (%(event)s, 'greta@example.com', %(quantity)s, %(status)s, %(number)s, 25, 'api', now())
    RETURNING id
"""


def insert(event: Event, status: str = "confirmed", *, quantity: int = 1, number: int | None = None) -> Booking:
    """Insert a guest's booking the way psql would."""
    ((pk,),) = psql(INSERT, event=event.pk, status=status, quantity=quantity, number=number)
    return Booking.objects.get(pk=pk)


def constraint_of(refusal: pytest.ExceptionInfo[psycopg.Error]) -> str | None:
    return refusal.value.diag.constraint_name


def seats(event: Event) -> tuple[int, int]:
    """Return seats sold and waiting bookings."""
    event.inventory.refresh_from_db()
    return event.inventory.confirmed, event.inventory.waiting


def statuses(*bookings: Booking) -> list[str]:
    for booking in bookings:
        booking.refresh_from_db()
    return [booking.status for booking in bookings]


def ledger(booking: Booking) -> list[tuple[str, int, int, int, int]]:
    """Return its entries as (kind, quantity, seats, waiting, amount)."""
    fields = ("kind", "quantity", "seats", "waiting", "amount")
    return list(booking.entries.order_by("id").values_list(*fields))


@pytest.fixture
def capacity() -> int:
    return 4


class TestEventColumns:
    @pytest.mark.parametrize(
        ("column", "value", "constraint"),
        [
            ("name", "", "event_name"),
            ("name", "  ", "event_name"),
            ("price", "-0.01", "event_price"),
            ("price", "100000000", "event_price"),
            ("price", "NaN", "event_price"),
            ("max_per_booking", "0", "event_max_per_booking"),
            ("status", "over", "event_status"),
            ("deleted_at", "2030-01-01", "event_deleted_is_cancelled"),
        ],
    )
    def test_refuse_invalid_values(self, event: Event, column: str, value: str, constraint: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE events_event SET {column} = '{value}'")

        assert constraint_of(refusal) == constraint


class TestEventStatus:
    @pytest.mark.parametrize("status", ["published", "draft"])
    def test_cancelled_is_final(self, event: Event, status: str) -> None:
        psql("UPDATE events_event SET status = 'cancelled'")

        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE events_event SET status = %(status)s", status=status)

        assert constraint_of(refusal) == "event_stays_cancelled"

    def test_cancelling_in_sql_cancels_the_bookings(self, event: Event) -> None:
        held, waits = book(event, quantity=4), book(event, quantity=2)

        psql("UPDATE events_event SET status = 'cancelled'")

        assert statuses(held, waits) == ["cancelled", "cancelled"]
        assert seats(event) == (0, 0)
        assert ledger(held)[1:] == [("cancelled", 4, -4, 0, -100)]
        assert ledger(waits)[1:] == [("cancelled", 2, 0, -1, 0)]
        announce_bookings()
        assert set(held.deliveries.values_list("kind", flat=True)) == {Kind.BOOKING_CONFIRMED, Kind.EVENT_CANCELLED}

    def test_cannot_become_draft_with_live_bookings(self, event: Event) -> None:
        book(event)

        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE events_event SET status = 'draft'")

        assert constraint_of(refusal) == "event_draft_has_no_bookings"

    def test_can_become_draft_once_bookings_are_cancelled(self, event: Event) -> None:
        services.cancel(booking_id=book(event).pk, by=event.created_by)

        psql("UPDATE events_event SET status = 'draft'")

        event.refresh_from_db()
        assert event.status == "draft"


class TestInventory:
    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ("capacity = 0, withheld = 0", "inventory_capacity"),
            ("capacity = 1000001", "inventory_capacity"),
            ("capacity = 2", "inventory_seats_fit"),
            ("withheld = 2", "inventory_seats_fit"),
            ("withheld = -1", "inventory_seats_fit"),
            ("confirmed = 4", "inventory_counts"),
            ("confirmed = confirmed + 2, capacity = 5", "inventory_counts"),
            ("waiting = 1", "inventory_counts"),
            ("last_queue_number = 7", "inventory_counts"),
        ],
    )
    def test_refuses_overselling_and_manual_counts(self, event: Event, change: str, constraint: str) -> None:
        book(event, quantity=3)

        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE events_inventory SET {change}")

        # Columns that cannot be negative also have a constraint of their own, which may fail first.
        assert (constraint_of(refusal) or "").startswith((constraint, "events_inventory_withheld"))

    def test_refuses_fewer_seats_than_a_waiting_booking_asks_for(self, event: Event) -> None:
        book(event, quantity=2)
        waits = book(event, quantity=4)

        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE events_inventory SET capacity = 3")

        assert constraint_of(refusal) == "inventory_enough_for_waiting"
        services.cancel(booking_id=waits.pk, by=waits.user, seats=1)
        psql("UPDATE events_inventory SET withheld = 1")
        assert seats(event) == (2, 1)

    def test_starts_with_nothing_sold(self, event: Event) -> None:
        psql("DELETE FROM events_inventory")

        with pytest.raises(CheckViolation) as refusal:
            psql(
                "INSERT INTO events_inventory"
                " (event_id, capacity, withheld, confirmed, waiting, last_queue_number, version)"
                " VALUES (%(event)s, 4, 0, 1, 0, 0, 1)",
                event=event.pk,
            )

        assert constraint_of(refusal) == "inventory_counts"

    def test_cannot_be_deleted_once_there_are_bookings(self, event: Event) -> None:
        booking = book(event)
        services.cancel(booking_id=booking.pk, by=booking.user)

        with pytest.raises(CheckViolation) as refusal:
            psql("DELETE FROM events_inventory")

        assert constraint_of(refusal) == "inventory_of_booked_event"

    def test_cannot_move_to_another_event(self, event: Event, admin: User) -> None:
        other = make_event(admin)
        psql("DELETE FROM events_inventory WHERE event_id = %(event)s", event=other.pk)

        with pytest.raises(RaiseException, match="Cannot update rows"):
            psql("UPDATE events_inventory SET event_id = %(event)s", event=other.pk)

    @pytest.mark.parametrize("change", ["capacity = 6", "capacity = 9, withheld = 3"])
    def test_additional_seats_go_to_the_waiting_list(self, event: Event, change: str) -> None:
        book(event, quantity=3)
        first, second = book(event, quantity=3), book(event, quantity=1)

        psql(f"UPDATE events_inventory SET {change}")

        assert statuses(first, second) == ["confirmed", "waiting"]
        assert seats(event) == (6, 1)

    def test_every_change_increments_the_version(self, event: Event) -> None:
        versions = []
        for change in ("capacity = 5", "capacity = 5", "withheld = 1"):
            psql(f"UPDATE events_inventory SET {change}")
            versions.append(Inventory.objects.get().version)

        assert versions == [2, 2, 3]


class TestBookingColumns:
    @pytest.mark.parametrize(
        ("column", "value", "constraint"),
        [
            ("cancelled", 3, "booking_cancelled"),
            ("cancelled", 2, "booking_status"),
            ("status", "cancelled", "booking_status"),
            ("status", "lost", "booking_status"),
            ("guest_email", "greta@example.com", "booking_of_user_or_guest"),
        ],
    )
    def test_refuse_invalid_updates(self, event: Event, column: str, value: Any, constraint: str) -> None:
        book(event, quantity=2)

        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE events_booking SET {column} = %(value)s", value=value)

        assert constraint_of(refusal) == constraint

    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            ("NULL, '', 1, 0, 'confirmed', NULL, 25", "booking_of_user_or_guest"),
            ("NULL, 'g@example.com', 0, 0, 'confirmed', NULL, 25", "booking_quantity"),
            ("NULL, 'g@example.com', 1, 0, 'waiting', NULL, 25", "booking_waits_in_queue"),
            ("NULL, 'g@example.com', 1, 0, 'cancelled', NULL, 25", "booking_status"),
            ("NULL, 'g@example.com', 1, 0, 'confirmed', NULL, -1", "booking_unit_price"),
            ("NULL, 'g@example.com', 1, 0, 'confirmed', NULL, 'NaN'", "booking_unit_price"),
        ],
    )
    def test_refuse_invalid_inserts(self, event: Event, values: str, constraint: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(
                "INSERT INTO events_booking"
                " (user_id, guest_email, quantity, cancelled, status, queue_number, unit_price,"
                f" event_id, origin, created_at) VALUES ({values}, {event.pk}, 'api', now())"
            )

        assert constraint_of(refusal) == constraint

    @pytest.mark.parametrize(
        "change",
        [
            "id = id + 1",
            "event_id = event_id + 1",
            "user_id = NULL, guest_email = 'greta@example.com'",
            "quantity = quantity + 1",
            "queue_number = 1",
            "unit_price = 1",
            "origin = 'ticks'",
            "created_at = now() + interval '1 day'",
        ],
    )
    def test_of_the_terms_are_read_only(self, event: Event, change: str) -> None:
        book(event)

        with pytest.raises(RaiseException, match="Cannot update rows"):
            psql(f"UPDATE events_booking SET {change}")

    def test_of_a_guests_name_can_be_corrected(self, event: Event) -> None:
        booking = book(event, guest=GUEST)

        psql("UPDATE events_booking SET guest_first_name = 'Gerda'")

        booking.refresh_from_db()
        assert booking.guest_first_name == "Gerda"
        announce_bookings()
        assert booking.entries.count() == booking.deliveries.count() == 1

    def test_allow_one_live_booking_per_user(self, event: Event, owner: User) -> None:
        first = book(event, owner)
        insert_again = INSERT.replace("guest_email", "user_id").replace("'greta@example.com'", str(owner.pk))

        with pytest.raises(UniqueViolation) as refusal:
            psql(insert_again, event=event.pk, status="confirmed", quantity=1, number=None)
        services.cancel(booking_id=first.pk, by=owner)
        psql(insert_again, event=event.pk, status="confirmed", quantity=1, number=None)

        assert constraint_of(refusal) == "booking_once"
        assert seats(event) == (1, 0)


class TestBookingDirection:
    @pytest.mark.parametrize("change", ["cancelled = 0", "status = 'waiting'", "status = 'waiting', cancelled = 2"])
    def test_refuses_an_earlier_status(self, event: Event, change: str) -> None:
        book(event, quantity=2)
        booking = book(event, quantity=3)
        psql("UPDATE events_inventory SET capacity = 5")
        services.cancel(booking_id=booking.pk, by=booking.user, seats=1)

        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE events_booking SET {change} WHERE id = {booking.pk}")

        assert constraint_of(refusal) == "booking_direction"

    @pytest.mark.parametrize("status", ["waiting", "confirmed"])
    def test_refuses_to_revive_a_cancelled_booking(self, event: Event, status: str) -> None:
        book(event, quantity=4)
        booking = book(event, quantity=2)
        services.cancel(booking_id=booking.pk, by=booking.user)

        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE events_booking SET status = '{status}', cancelled = 0 WHERE id = {booking.pk}")

        assert constraint_of(refusal) == "booking_direction"


class TestBookingRows:
    @pytest.mark.parametrize("table", ["events_booking", "events_bookingentry"])
    def test_cannot_be_deleted(self, event: Event, table: str) -> None:
        book(event)

        with pytest.raises(RaiseException, match=r"Cannot (update or )?delete rows"):
            psql(f"DELETE FROM {table}")

    def test_of_the_ledger_cannot_be_updated(self, event: Event) -> None:
        book(event)

        with pytest.raises(RaiseException, match="Cannot update or delete rows"):
            psql("UPDATE events_bookingentry SET amount = 0")

    def test_prevent_the_deletion_of_their_event(self, event: Event) -> None:
        book(event)

        with pytest.raises((ForeignKeyViolation, CheckViolation)):
            psql("DELETE FROM events_event; SET CONSTRAINTS ALL IMMEDIATE")

        assert Event.objects.filter(pk=event.pk).exists()


class TestLedger:
    @pytest.mark.parametrize("kind", EntryKind.values)
    def test_takes_every_kind(self, event: Event, kind: str) -> None:
        falsify(entry_of(book(event), kind=kind))

    @pytest.mark.parametrize(("kind", "quantity"), [("refunded", 1), ("confirmed", -1)])
    def test_refuses_other_kinds_and_negative_quantities(self, event: Event, kind: str, quantity: int) -> None:
        statement = entry_of(book(event), kind=kind, quantity=quantity)

        with pytest.raises(CheckViolation) as refusal:
            psql(statement)

        assert constraint_of(refusal) == "booking_entry_valid"

    def test_refuses_an_entry_about_another_event(self, event: Event, admin: User) -> None:
        statement = entry_of(book(event), event=make_event(admin))

        with pytest.raises(ForeignKeyViolation) as refusal:
            psql(f"{statement}; SET CONSTRAINTS ALL IMMEDIATE")

        assert constraint_of(refusal) == "booking_entry_of_booking"


def entry_of(booking: Booking, *, event: Event | None = None, kind: str = "confirmed", quantity: int = 1) -> str:
    event_id = event.pk if event else booking.event_id
    return (
        "INSERT INTO events_bookingentry (event_id, booking_id, kind, quantity, seats, waiting, amount)"
        f" VALUES ({event_id}, {booking.pk}, '{kind}', {quantity}, 1, 0, 25)"
    )


class TestRowConstraints:
    """Their functions repeat limits that Python has as well."""

    def test_allow_the_largest_event_and_the_highest_price(self, admin: User) -> None:
        event = make_event(admin, capacity=MAX_CAPACITY, price=MAX_PRICE)

        assert book(event, quantity=MAX_CAPACITY).status == "confirmed"

    @pytest.mark.parametrize(
        ("values", "constraint"),
        [
            (f"{MAX_CAPACITY + 1}, 1", "booking_quantity"),
            (f"1, {MAX_PRICE} + 0.01", "booking_unit_price"),
        ],
    )
    def test_refuse_more(self, event: Event, values: str, constraint: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(
                "INSERT INTO events_booking (event_id, guest_email, status, origin, created_at,"
                " quantity, unit_price)"
                f" VALUES ({event.pk}, 'greta@example.com', 'confirmed', 'api', now(), {values})"
            )

        assert constraint_of(refusal) == constraint
        assert constraint in str(refusal.value)

    @pytest.mark.parametrize("status", BookingStatus.values)
    def test_allow_every_status(self, event: Event, status: str) -> None:
        cancelled = 1 if status == BookingStatus.CANCELLED else 0

        falsify(f"UPDATE events_booking SET status = '{status}', cancelled = {cancelled}, queue_number = 1")

    def test_refuse_a_negative_number_of_waiting_bookings(self, event: Event) -> None:
        with pytest.raises(IntegrityError, match="inventory_waiting"):
            falsify("UPDATE events_inventory SET waiting = -1")

    def test_are_short(self) -> None:
        """PostgreSQL parses them again for each booking."""
        ((size,),) = psql(
            "SELECT sum(length(conbin::text)) FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text IN"
            " ('events_booking', 'events_bookingentry', 'events_inventory')"
        )

        assert size < 5_000


class TestInsertInSql:
    def test_updates_inventory_ledger_and_mail(self, event: Event) -> None:
        booking = insert(event, quantity=3)

        assert seats(event) == (3, 0)
        assert ledger(booking) == [("confirmed", 3, 3, 0, 75)]
        announce_bookings()
        assert booking.deliveries.get().address == "greta@example.com"

    def test_leaves_the_same_books_as_events_book(self, event: Event) -> None:
        """Also right after it in the same transaction."""
        by_function, by_psql = book(event, guest=Guest("", "", "greta@example.com"), quantity=1), insert(event)

        def books(booking: Booking) -> list[Any]:
            entries = booking.entries.values("event", "kind", "quantity", "seats", "waiting")
            mail = booking.deliveries.values("kind", "user", "address", "name", "payload", "state")
            return [*entries, *mail]

        announce_bookings()
        assert books(by_function) == books(by_psql)
        assert [row["kind"] for row in books(by_psql)] == ["confirmed", Kind.BOOKING_CONFIRMED]
        assert seats(event) == (2, 0)
        # One for each booking.
        assert Inventory.objects.get(event=event).version == 3

    def test_cannot_oversell(self, event: Event) -> None:
        book(event, quantity=2)

        with pytest.raises(CheckViolation) as refusal:
            insert(event, quantity=3)

        assert constraint_of(refusal) == "inventory_seats_fit"
        assert seats(event) == (2, 0)

    def test_of_many_rows_cannot_oversell(self, event: Event) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(
                "INSERT INTO events_booking (event_id, guest_email, quantity, status, unit_price, origin, created_at)"
                " SELECT %(event)s, 'greta@example.com', 1, 'confirmed', 25, 'api', now() FROM generate_series(1, 5)",
                event=event.pk,
            )

        assert constraint_of(refusal) == "inventory_seats_fit"
        assert seats(event) == (0, 0)

    def test_cannot_confirm_while_others_wait(self, event: Event) -> None:
        book(event, quantity=2)
        book(event, quantity=3)

        with pytest.raises(CheckViolation) as refusal:
            insert(event, quantity=1)

        assert constraint_of(refusal) == "booking_passes_nobody"

    def test_cannot_jump_the_queue(self, event: Event) -> None:
        book(event, quantity=4)
        left, _ = book(event, quantity=2), book(event, quantity=2)
        services.cancel(booking_id=left.pk, by=left.user)

        with pytest.raises(CheckViolation) as refusal:
            insert(event, "waiting", number=left.queue_number)

        assert constraint_of(refusal) == "booking_passes_nobody"

    def test_joins_the_end_of_the_queue(self, event: Event) -> None:
        book(event, quantity=4)
        first, second = book(event), insert(event, "waiting", number=5)
        third = book(event)

        assert [booking.queue_number for booking in (first, second, third)] == [1, 5, 6]
        assert seats(event) == (4, 3)

    def test_of_a_waiting_booking_is_promoted_if_it_fits(self, event: Event) -> None:
        booking = insert(event, "waiting", number=1)

        assert statuses(booking) == ["confirmed"]
        assert [entry[0] for entry in ledger(booking)] == ["requested", "promoted"]
        assert seats(event) == (1, 0)

    @pytest.mark.parametrize("status", ["draft", "cancelled"])
    def test_is_refused_unless_the_event_is_published(self, event: Event, status: str) -> None:
        psql(f"UPDATE events_event SET status = '{status}'")

        with pytest.raises(CheckViolation) as refusal:
            insert(event)

        assert constraint_of(refusal) == "booking_of_published_event"

    def test_is_refused_without_an_inventory(self, event: Event) -> None:
        psql("DELETE FROM events_inventory")

        with pytest.raises(CheckViolation) as refusal:
            insert(event)

        assert constraint_of(refusal) == "booking_passes_nobody"


class TestUpdateInSql:
    def test_of_many_rows_promotes_in_order(self, admin: User) -> None:
        events = [make_event(admin, capacity=2) for _ in range(2)]
        held = [book(event, quantity=2) for event in events]
        queues = [[book(event) for _ in range(3)] for event in events]

        psql("UPDATE events_booking SET status = 'cancelled', cancelled = quantity WHERE status = 'confirmed'")

        assert statuses(*held) == ["cancelled", "cancelled"]
        assert [statuses(*queue) for queue in queues] == [["confirmed", "confirmed", "waiting"]] * 2
        assert [seats(event) for event in events] == [(2, 1), (2, 1)]

    def test_cannot_promote_out_of_order(self, event: Event) -> None:
        book(event, quantity=3)
        first, second = book(event, quantity=4), book(event, quantity=1)

        with pytest.raises(CheckViolation) as refusal:
            psql(f"UPDATE events_booking SET status = 'confirmed' WHERE id = {second.pk}")

        assert constraint_of(refusal) == "booking_passes_nobody"
        assert statuses(first, second) == ["waiting", "waiting"]

    def test_cannot_oversell_by_promoting(self, event: Event) -> None:
        book(event, quantity=4)
        book(event, quantity=1)

        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE events_booking SET status = 'confirmed'")

        assert constraint_of(refusal) == "inventory_seats_fit"

    def test_promotes_a_waiting_booking_that_shrinks(self, event: Event) -> None:
        book(event, quantity=3)
        first, second = book(event, quantity=3), book(event, quantity=2)

        psql(f"UPDATE events_booking SET cancelled = 2 WHERE id = {first.pk}")

        assert statuses(first, second) == ["confirmed", "waiting"]
        assert ledger(first) == [("requested", 3, 0, 1, 0), ("cancelled", 2, 0, 0, 0), ("promoted", 1, 1, -1, 25)]


class TestSeats:
    @pytest.mark.parametrize(("status", "seats"), [("confirmed", 2), ("waiting", 0), ("cancelled", 0)])
    def test_count_only_confirmed_tickets(self, event: Event, status: str, seats: int) -> None:
        if status == "waiting":
            book(event, quantity=4)
        booking = book(event, quantity=3)
        services.cancel(booking_id=booking.pk, by=booking.user, seats=3 if status == "cancelled" else 1)

        booking.refresh_from_db()

        assert (booking.status, booking.seats) == (status, seats)


class TestQuerySets:
    def test_show_drafts_to_admins_only_and_deleted_events_to_nobody(
        self, admin: User, agent: User, owner: User
    ) -> None:
        shown, draft, gone = make_event(admin), make_event(admin, status="draft"), make_event(admin)
        services.withdraw(event_id=gone.pk, by=admin, at=timezone.now())

        assert set(Event.objects.visible_to(admin)) == {shown, draft}
        assert all(set(Event.objects.visible_to(user)) == {shown} for user in (agent, owner, None))

    def test_show_bookings_to_their_users_and_admins(self, event: Event, admin: User, agent: User, owner: User) -> None:
        mine, others, guests = book(event, owner), book(event), book(event, guest=GUEST)

        assert set(Booking.objects.visible_to(owner)) == {mine}
        assert set(Booking.objects.visible_to(agent)) == set()
        assert set(Booking.objects.visible_to(admin)) == {mine, others, guests}

    def test_count_the_bookings_ahead(self, event: Event) -> None:
        held = book(event, quantity=4)
        first, second, third = (book(event, user=make_user()) for _ in range(3))
        services.cancel(booking_id=second.pk, by=second.user)

        ahead = {booking.pk: booking.ahead for booking in Booking.objects.with_position()}

        assert ahead == {held.pk: None, first.pk: 0, second.pk: None, third.pk: 1}
        assert set(Booking.objects.live()) == {held, first, third}


class TestQueue:
    """The waiting list, in SQL and in querysets."""

    @pytest.fixture
    def queue(self, event: Event) -> list[Booking]:
        """Four waiting bookings. Those that were cancelled or promoted are not among them."""
        book(event, quantity=4)
        promoted, *queue = [book(event, user=make_user()) for _ in range(6)]
        services.cancel(booking_id=queue.pop(2).pk, by=event.created_by)
        psql("UPDATE events_inventory SET capacity = 5 WHERE event_id = %(event)s", event=event.pk)
        assert statuses(promoted, *queue) == ["confirmed", *["waiting"] * 4]
        other = make_event(event.created_by, capacity=1)
        book(other)
        book(other)
        return queue

    def ids(self, statement: str, *arguments: int | None) -> list[int]:
        placeholders = ", ".join(str(argument) for argument in arguments)
        return [pk for (pk,) in psql(f"SELECT id FROM {statement}({placeholders})")]

    def test_is_the_same_in_sql_and_in_querysets(self, event: Event, queue: list[Booking]) -> None:
        assert self.ids("events_queue", event.pk) == [booking.pk for booking in queue]
        assert list(event.bookings.queue()) == queue
        assert set(self.ids("events_in_queue", event.pk)) == {booking.pk for booking in queue}

    def test_divides_at_every_booking(self, event: Event, queue: list[Booking]) -> None:
        for place, booking in enumerate(queue):
            ahead = self.ids("events_queue_ahead", event.pk, booking.queue_number)
            behind = self.ids("events_queue_behind", event.pk, booking.queue_number)

            assert set(ahead) == {other.pk for other in queue[:place]}
            assert set(behind) == {other.pk for other in queue[place + 1 :]}

    @pytest.mark.parametrize(
        "question",
        [
            "SELECT id FROM events_queue(1) LIMIT 1",
            "SELECT count(*) FROM events_queue_ahead(1, 2)",
            "SELECT (SELECT count(*) FROM events_queue_behind(event_id, queue_number)) FROM events_booking",
        ],
    )
    def test_is_read_by_index(self, event: Event, question: str) -> None:
        fill(event.pk, "waiting")

        with planner_without("seqscan", "bitmapscan"):
            plan = " ".join(line for (line,) in psql(f"EXPLAIN {question}"))

        assert "using booking_queue on events_booking" in plan
        assert "Function Scan" not in plan
