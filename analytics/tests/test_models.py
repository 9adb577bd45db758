"""The sums of the daily counts always equal a count of the tickets, however the tickets are written."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import monotonic, sleep
from typing import Any

import pgtrigger
import pytest
from django.db import DatabaseError, connection, transaction
from django.db.models import F
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from analytics import queries, services
from analytics.models import DailyCount, LastDay
from analytics.queries import TicketFilter
from analytics.tests.threads import start_thread
from kit.dates import Span
from kit.db import sql
from projects.models import Project
from sla.models import Priority
from tickets.models import Status, Ticket
from tickets.tests.factories import make_ticket

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)
Cell = tuple[date, int, str, str, str]


def daily_count_sums() -> dict[Cell, tuple[int, Decimal]]:
    """Add up the daily counts by cell, and drop the cells whose sums are zero."""
    sums: dict[Cell, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for row in DailyCount.objects.all():
        cell = (row.day, row.project_id, row.status, row.priority, row.type)
        tickets, spent = sums[cell]
        sums[cell] = (tickets + row.tickets, spent + row.spent)
    return {cell: sum_ for cell, sum_ in sums.items() if sum_ != (0, 0)}


def ticket_counts() -> dict[Cell, tuple[int, Decimal]]:
    """Return the same numbers by going through the tickets one by one."""
    counts: dict[Cell, tuple[int, Decimal]] = defaultdict(lambda: (0, Decimal(0)))
    for ticket in Ticket.objects.select_related("created_by"):
        day = ticket.created_at.astimezone(UTC).date()
        cell = (day, ticket.project_id, ticket.status, ticket.priority, ticket.type)
        tickets, spent = counts[cell]
        is_spent = ticket.created_by.type == UserType.CUSTOMER
        counts[cell] = (tickets + 1, spent + (ticket.price or 0 if is_spent else 0))
    return dict(counts)


def creators_since(at: datetime | None) -> int:
    """Count the customers with a ticket created at this time or later, by going through the tickets."""
    tickets = Ticket.objects.filter(created_at__gte=at, created_by__type=UserType.CUSTOMER)
    return tickets.values("created_by").distinct().count()


moments = st.integers(-2 * 86_400_000_000, 2 * 86_400_000_000).map(lambda us: MIDNIGHT + timedelta(microseconds=us))
prices = st.none() | st.decimals(0, 100, places=2)
values = {
    "status": st.sampled_from(Status.values),
    "priority": st.sampled_from(Priority.values),
    "type": st.sampled_from(["concert", "bug"]),
    "venue": st.sampled_from(["", "Hall"]),
    "price": prices,
    "created_at": moments,
    "title": st.just("Renamed"),
}
numbers = st.integers(0, 2)
changes = st.one_of(
    st.tuples(st.just("insert"), numbers, numbers, st.lists(st.fixed_dictionaries(values), min_size=1, max_size=4)),
    st.tuples(st.just("update"), numbers, st.fixed_dictionaries({}, optional=values)),
    st.tuples(st.just("move"), numbers, numbers, numbers),
    st.tuples(st.just("raise_prices")),
    st.tuples(st.just("retype"), numbers, st.sampled_from(UserType.values)),
    st.tuples(st.just("fold")),
    st.tuples(st.just("rebuild")),
)


class Desk:
    """Changes that hypothesis picks from, to single tickets and to many at once."""

    def __init__(self) -> None:
        self.users = [make_user(), make_user(), make_user(type=UserType.AGENT)]
        self.projects = list(Project.objects.all())

    def insert(self, user: int, project: int, rows: list[dict[str, Any]]) -> None:
        created_by, place = self.users[user], self.projects[project % len(self.projects)]
        Ticket.objects.bulk_create(
            Ticket(**{"title": "New", **row}, created_by=created_by, project=place, sla_due_at=MIDNIGHT) for row in rows
        )

    def update(self, place: int, fields: dict[str, Any]) -> None:
        for ticket in Ticket.objects.order_by("pk")[place : place + 1]:
            for name, value in fields.items():
                setattr(ticket, name, value)
            ticket.save()

    def move(self, old: int, new: int, project: int) -> None:
        Ticket.objects.filter(created_by=self.users[old]).update(
            created_by=self.users[new], project=self.projects[project % len(self.projects)]
        )

    def raise_prices(self) -> None:
        Ticket.objects.update(price=F("price") + 1, created_at=F("created_at") + timedelta(hours=7))

    def retype(self, user: int, type: str) -> None:  # noqa: A002
        User.objects.filter(pk=self.users[user].pk).update(type=type)

    def fold(self) -> None:
        services.fold_daily_counts()

    def rebuild(self) -> None:
        services.rebuild_daily_counts()


def test_count_triggers_share_their_text() -> None:
    """count_inserted.sql and count_updated.sql only differ in where the rows come from."""
    inserted = sql.text("analytics/triggers/count_inserted").splitlines()
    updated = sql.text("analytics/triggers/count_updated").splitlines()

    changed = [line for line, other in zip(inserted, updated, strict=True) if line != other]
    assert changed == ["    WITH moved AS (SELECT 1 AS sign, * FROM new_tickets),"]


@pytest.mark.django_db
class TestDailyCounts:
    @pytest.mark.slow
    @settings(max_examples=60)
    @given(history=st.lists(changes, max_size=12))
    def test_equal_a_count_of_the_tickets(self, db: None, history: list[tuple[Any, ...]]) -> None:
        with transaction.atomic():
            desk = Desk()
            for name, *arguments in history:
                getattr(desk, name)(*arguments)

                assert daily_count_sums() == ticket_counts()
                assert queries.daily_count_faults() == []
                assert queries.last_day_faults() == []
                for days in range(-2, 2):
                    span = Span.between((MIDNIGHT + timedelta(days=days)).date(), None)
                    dashboard = queries.dashboard(viewer=desk.users[2], filter=TicketFilter(span=span))
                    assert dashboard.customers == creators_since(span.starts_at)
            transaction.set_rollback(True)

    def test_ignore_changes_to_other_fields(self, owner: User) -> None:
        ticket = make_ticket(owner)

        Ticket.objects.filter(pk=ticket.pk).update(title="Renamed", venue="Elsewhere", price=0)

        assert DailyCount.objects.count() == 1

    def test_include_the_tickets_of_a_creator_inserted_later(self, owner: User) -> None:
        later = make_user()
        User.objects.filter(pk=later.pk).delete()
        make_ticket(later, price=Decimal(5))

        later.save(force_insert=True)

        assert daily_count_sums() == ticket_counts()
        assert [row.spent for row in DailyCount.objects.order_by("pk")] == [0, 5]


def wait_until_blocked(thread: threading.Thread) -> None:
    """Return once another connection waits for a lock or the thread has ended, or after two seconds."""
    deadline = monotonic() + 2
    activity = "SELECT count(*) AS waiting FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
    while thread.is_alive() and monotonic() < deadline:
        with connection.cursor() as cursor:
            # Without this a transaction keeps seeing the activity it saw first.
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(activity, [connection.settings_dict["NAME"]])
            if cursor.fetchone()[0]:
                return
        sleep(0.01)


@contextmanager
def without(lock: str, *, trigger: str) -> Iterator[None]:
    """Replace the function of a trigger by one without this lock."""
    ((model, found),) = pgtrigger.registered(f"analytics.CountedTicket:{trigger}")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef(%s::regproc)", [found.get_pgid(model)])
        (definition,) = cursor.fetchone()
        assert lock in definition
        cursor.execute(definition.replace(lock, ""))
        try:
            yield
        finally:
            cursor.execute(definition)


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestConcurrentWriters:
    def create_ticket_during_type_change(self) -> None:
        """Create a ticket while an uncommitted transaction turns its creator into an agent."""
        creator = make_user()
        with transaction.atomic():
            User.objects.filter(pk=creator.pk).update(type=UserType.AGENT)
            thread = start_thread(lambda: make_ticket(creator, price=Decimal(5)))
            wait_until_blocked(thread)
            thread.join(0.2)
        thread.join()

    def test_use_the_new_type_of_the_creator(self) -> None:
        self.create_ticket_during_type_change()

        assert daily_count_sums() == ticket_counts()

    def test_use_the_old_type_without_the_lock(self) -> None:
        with without("FOR SHARE", trigger="count_inserted"):
            self.create_ticket_during_type_change()

        assert daily_count_sums() != ticket_counts()

    def test_refuse_a_type_change_in_repeatable_read(self) -> None:
        creator = make_user()

        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            with pytest.raises(DatabaseError, match="READ COMMITTED"):
                User.objects.filter(pk=creator.pk).update(type=UserType.AGENT)
            transaction.set_rollback(True)

    def move_ticket_during_fold(self) -> None:
        """Move a ticket while an uncommitted fold has replaced the row that says on which day it was created."""
        creator = make_user()
        make_ticket(creator, created_at=MIDNIGHT)
        ticket = make_ticket(creator, created_at=MIDNIGHT + timedelta(days=1))
        other = Project.objects.exclude(pk=ticket.project_id)[0]
        with transaction.atomic():
            services.fold_daily_counts()
            thread = start_thread(lambda: Ticket.objects.filter(pk=ticket.pk).update(project=other))
            wait_until_blocked(thread)
        thread.join()

    def test_find_the_last_day_that_a_fold_replaces(self) -> None:
        self.move_ticket_during_fold()

        assert queries.last_day_faults() == []

    def test_miss_the_last_day_that_a_fold_replaces_without_the_lock(self) -> None:
        lock = "PERFORM pg_advisory_xact_lock_shared(hashtext('analytics_lastday'));"
        with without(lock, trigger="forget_last_day"):
            self.move_ticket_during_fold()

        assert len(queries.last_day_faults()) == 1

    def test_do_not_wait_for_others_of_the_same_user(self) -> None:
        creator = make_user()
        with transaction.atomic():
            make_ticket(creator, created_at=MIDNIGHT)
            thread = start_thread(lambda: make_ticket(creator, created_at=MIDNIGHT))
            thread.join(10)
            assert not thread.is_alive()

        assert list(LastDay.objects.values_list("user_id", "day")) == 2 * [(creator.pk, MIDNIGHT.date())]
        assert queries.last_day_faults() == []

    def test_see_correct_counts_in_every_snapshot(self) -> None:
        users = [make_user() for _ in range(3)]
        tickets = [make_ticket(user, price=Decimal(1)) for user in users]
        start = threading.Barrier(8)
        faults: list[object] = []

        def repeat(number: int, work: Callable[[int], object]) -> Callable[[], None]:
            def run() -> None:
                start.wait()
                for turn in range(number):
                    try:
                        work(turn)
                    except Exception as error:
                        faults.append(error)

            return run

        def write(turn: int) -> None:
            make_ticket(users[turn % 3], price=Decimal(turn))
            Ticket.objects.filter(pk=tickets[turn % 3].pk).update(price=turn, status=Status.values[turn % 3])

        def retype(turn: int) -> None:
            User.objects.filter(pk=users[turn % 3].pk).update(type=UserType.values[turn % 2])

        projects = list(Project.objects.all())

        def move(turn: int) -> None:
            Ticket.objects.filter(pk=tickets[turn % 3].pk).update(
                project=projects[turn % len(projects)],
                created_by=users[turn // 2 % 3],
                created_at=F("created_at") + timedelta(days=1 if turn % 2 else -1),
            )

        threads = [
            start_thread(repeat(30, write)),
            start_thread(repeat(30, write)),
            start_thread(repeat(30, retype)),
            start_thread(repeat(30, lambda turn: services.fold_daily_counts())),
            start_thread(repeat(15, lambda turn: services.rebuild_daily_counts())),
            start_thread(repeat(40, lambda turn: faults.extend(queries.daily_count_faults()))),
            start_thread(repeat(30, move)),
            start_thread(repeat(40, lambda turn: faults.extend(queries.last_day_faults()))),
        ]
        for thread in threads:
            thread.join()

        assert faults == []
        assert queries.last_day_faults() == []
        assert daily_count_sums() == ticket_counts()
        assert Ticket.objects.count() == 63
