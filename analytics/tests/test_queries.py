"""Analytics queries, compared with a reference in plain Python over random tickets, and at boundary times."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from analytics import queries, services
from analytics.models import DailyCount, LastDay, MonthlyCount
from analytics.queries import Position, TicketFilter
from analytics.tests import reference
from analytics.tests.reference import PlainTicket, Question
from kit.dates import Span
from kit.errors import Invalid
from projects.models import Project
from sla.models import Priority
from ticketing.settings import BASE_DIR
from tickets.models import Assignment, Status, Ticket
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)

moments = st.builds(
    lambda day, microseconds: MIDNIGHT + timedelta(days=day, microseconds=microseconds),
    st.integers(-3, 3),
    # At boundaries of days and milliseconds, and anywhere else.
    st.sampled_from([-1000, -1, 0, 1, 999, 1000, 1001]) | st.integers(0, 86_400_000_000 - 1),
)
offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
bounds = (
    st.none()
    | st.dates(date(2026, 2, 25), date(2026, 3, 6))
    | st.builds(lambda moment, offset: moment.astimezone(offset), moments, offsets)
)
ticket_fields = {
    "status": st.sampled_from(Status.values),
    "priority": st.sampled_from(Priority.values),
    "type": st.sampled_from(["concert", "bug", "Bug", "100%"]),
    "venue": st.sampled_from(["", "Hall", "hall"]),
}
ticket_rows = st.fixed_dictionaries(
    {
        **ticket_fields,
        "created_at": moments,
        "price": st.none() | st.decimals(0, 1000, places=2),
        "creator": st.integers(0, 3),
        "assignee": st.none() | st.integers(0, 2),
        "is_for_everyone": st.booleans(),
    }
)
filters = st.fixed_dictionaries({}, optional=ticket_fields)
per_example = settings(max_examples=80)


@pytest.fixture
def people(owner: User, assignee: User, outsider: User, agent: User) -> list[User]:
    """Three customers and an agent. The examples refer to them by index."""
    return [owner, assignee, outsider, agent]


@contextmanager
def rolled_back() -> Iterator[None]:
    """Undo what an example writes before the next one."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def load(rows: list[dict[str, Any]], people: list[User]) -> list[PlainTicket]:
    """Create the tickets in the database and return them as input for the reference."""
    project_of = {True: Project.objects.get(system_name="general"), False: Project.objects.get(system_name="helpdesk")}
    plain = []
    for row in rows:
        fields = {name: row[name] for name in (*ticket_fields, "created_at", "price")}
        creator = people[row["creator"]]
        ticket = make_ticket(creator, project=project_of[row["is_for_everyone"]], **fields)
        assignees = set()
        if row["assignee"] is not None and ticket.status != Status.CLOSED:
            assignees.add(people[row["assignee"]].pk)
            Assignment.objects.create(ticket=ticket, user=people[row["assignee"]], slot=1)
        plain.append(
            PlainTicket(
                id=ticket.pk,
                creator=creator.pk,
                creator_is_customer=creator.type == UserType.CUSTOMER,
                is_for_everyone=row["is_for_everyone"],
                assignees=assignees,
                **fields,
            )
        )
    return plain


def filter_of(question: Question) -> TicketFilter:
    return TicketFilter(span=Span.between(question.start, question.end), **question.fields)


@st.composite
def questions(draw: st.DrawFn) -> tuple[int, dict[str, Any]]:
    """Draw the index of a viewer and a query whose start is not after its end."""
    start, end = draw(bounds), draw(bounds)
    try:
        Span.between(start, end)
    except Invalid:
        start, end = end, start
    return draw(st.integers(0, 3)), {"start": start, "end": end, "fields": draw(filters)}


class TestDashboard:
    @pytest.mark.slow
    @per_example
    @given(rows=st.lists(ticket_rows, max_size=20), query=questions(), is_folded=st.booleans())
    def test_counts_like_the_reference(
        self, rows: list[dict[str, Any]], query: tuple[int, dict[str, Any]], is_folded: bool, people: list[User]
    ) -> None:
        viewer = people[query[0]]
        question = Question(viewer=None if viewer.is_staff else viewer.pk, **query[1])
        with rolled_back():
            tickets = load(rows, people)
            if is_folded:
                services.fold_daily_counts()

            dashboard = queries.dashboard(viewer=viewer, filter=filter_of(question))

            assert asdict(dashboard) == reference.figures(tickets, question)

    def test_ignores_days_that_have_no_tickets_anymore(self, owner: User, agent: User) -> None:
        make_ticket(owner, created_at=MIDNIGHT)
        moved = make_ticket(owner, created_at=MIDNIGHT + timedelta(days=9))
        Ticket.objects.filter(pk=moved.pk).update(created_at=MIDNIGHT + timedelta(days=1))

        dashboard = queries.dashboard(viewer=agent, filter=TicketFilter())

        assert (dashboard.tickets, dashboard.days) == (2, 2)

    def test_runs_one_query(self, owner: User, django_assert_num_queries: Any) -> None:
        make_ticket(owner)

        with django_assert_num_queries(1):
            queries.dashboard(viewer=owner, filter=TicketFilter())


class TestHistory:
    @pytest.mark.slow
    @per_example
    @given(
        rows=st.lists(ticket_rows, max_size=15), query=questions(), page_size=st.integers(1, 6), is_folded=st.booleans()
    )
    def test_counts_and_lists_like_the_reference(
        self,
        rows: list[dict[str, Any]],
        query: tuple[int, dict[str, Any]],
        page_size: int,
        is_folded: bool,
        people: list[User],
    ) -> None:
        viewer = people[query[0]]
        question = Question(viewer=None if viewer.is_staff else viewer.pk, **query[1])
        with rolled_back():
            tickets = load(rows, people)
            if is_folded:
                services.fold_daily_counts()

            pages = list(all_pages(viewer, filter_of(question), page_size))

            expected = reference.figures(tickets, question)
            figures = {name: expected[name] for name in queries.Figures.__dataclass_fields__}
            assert all(figures.items() <= vars(page).items() for page in pages)
            assert [ticket.id for page in pages for ticket in page.page] == reference.newest_first(tickets, question)

    def test_lists_exactly_the_visible_tickets(self, people: list[User]) -> None:
        helpdesk = Project.objects.get(system_name="helpdesk")
        for creator in people:
            make_ticket(creator)
            make_ticket(creator, project=helpdesk)
        Assignment.objects.create(
            ticket=Ticket.objects.get(created_by=people[3], project=helpdesk), user=people[0], slot=1
        )

        listed = {
            viewer: {ticket.id for ticket in queries.history(viewer=viewer, filter=TicketFilter(), page_size=99).page}
            for viewer in people
        }

        for viewer in people:
            assert listed[viewer] == set(Ticket.objects.visible_to(viewer).values_list("pk", flat=True))
        assert [len(listed[viewer]) for viewer in people] == [6, 5, 5, 8]

    def test_runs_one_query(self, owner: User, django_assert_num_queries: Any) -> None:
        make_ticket(owner)

        with django_assert_num_queries(1):
            queries.history(viewer=owner, filter=TicketFilter(), page_size=10)


def all_pages(viewer: User, wanted: TicketFilter, page_size: int) -> Iterator[queries.History]:
    """Yield all pages, one after another."""
    after: Position | None = None
    while True:
        page = queries.history(viewer=viewer, filter=wanted, page_size=page_size, after=after)
        yield page
        after = page.next
        if after is None:
            return


class TestSpan:
    @given(start=bounds, end=bounds, moment=moments)
    def test_is_covered_by_its_parts_exactly_once(
        self, start: date | datetime | None, end: date | datetime | None, moment: datetime
    ) -> None:
        try:
            span = Span.between(start, end)
        except Invalid:
            return
        parts = span.parts(by_day=True)

        hits = [
            parts["has_days"]
            and (parts["days_from"] is None or parts["days_from"] <= moment.date())
            and (parts["days_until"] is None or moment.date() < parts["days_until"]),
            bool(parts["first_from"]) and parts["first_from"] <= moment < parts["first_until"],
            bool(parts["last_from"]) and parts["last_from"] <= moment < parts["last_until"],
        ]

        is_within = (span.starts_at is None or span.starts_at <= moment) and (
            span.ends_at is None or moment < span.ends_at
        )
        assert sum(hits) == is_within

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (date(2026, 3, 2), date(2026, 3, 1)),
            (date(2026, 3, 2), datetime(2026, 3, 1, 23, 59, tzinfo=UTC)),
            (datetime(2026, 3, 1, 0, 0, 0, 1000, tzinfo=UTC), datetime(2026, 3, 1, tzinfo=UTC)),
        ],
    )
    def test_refuses_a_start_after_the_end(self, start: date | datetime, end: date | datetime) -> None:
        with pytest.raises(Invalid):
            Span.between(start, end)

    @pytest.mark.parametrize(
        ("start", "end"),
        [
            (date.min, date.max),
            (None, date.max),
            (date.max, date.max),
            (datetime.max.replace(tzinfo=UTC), None),
            (datetime.max.replace(tzinfo=UTC), date.max),
            (date.min, datetime.min.replace(tzinfo=UTC)),
        ],
    )
    def test_accepts_the_first_and_last_dates(self, start: date | datetime, end: date | datetime, agent: User) -> None:
        span = Span.between(start, end)

        assert queries.dashboard(viewer=agent, filter=TicketFilter(span=span)).tickets == 0


class TestStatements:
    """The SQL files run with no filter and with every filter."""

    ALL = TicketFilter(
        span=Span.between(MIDNIGHT + timedelta(hours=1), MIDNIGHT + timedelta(days=3, hours=1)),
        status="open",
        priority="high",
        type="bug",
    )

    @pytest.mark.parametrize("venue", [None, "Hall"])
    def test_run_with_every_filter(self, owner: User, venue: str | None) -> None:
        wanted = TicketFilter(**{**vars(self.ALL), "venue": venue})
        fields: dict[str, Any] = {"status": "open", "priority": "high", "type": "bug", "venue": "Hall"}
        for hours in (0, 2, 30, 72, 74):
            make_ticket(owner, created_at=MIDNIGHT + timedelta(hours=hours), price=Decimal("12.50"), **fields)

        dashboard = queries.dashboard(viewer=owner, filter=wanted)
        history = queries.history(
            viewer=owner, filter=wanted, page_size=1, after=Position(MIDNIGHT + timedelta(days=1), 0)
        )

        assert (dashboard.tickets, dashboard.spent, dashboard.customers) == (3, Decimal("37.50"), 1)
        assert (history.tickets, len(history.page), history.next) == (3, 1, None)

    def test_run_with_no_filter(self, agent: User) -> None:
        dashboard = queries.dashboard(viewer=agent, filter=TicketFilter())
        history = queries.history(viewer=agent, filter=TicketFilter(), page_size=1)

        assert (dashboard.tickets, dashboard.days, dashboard.types) == (0, 1, {})
        assert (history.tickets, history.page, history.next) == (0, [], None)


class TestDailyCountFaults:
    def test_list_wrong_counts(self, owner: User) -> None:
        make_ticket(owner, created_at=MIDNIGHT, price=Decimal(10), type="bug")
        DailyCount.objects.update(tickets=3, spent=7)

        (fault,) = queries.daily_count_faults()

        assert (fault.day, fault.type) == (MIDNIGHT.date(), "bug")
        assert (fault.tickets, fault.counted_tickets, fault.spent, fault.counted_spent) == (1, 3, 10, 7)

    def test_are_empty_if_the_counts_are_correct(self, owner: User) -> None:
        make_ticket(owner, price=Decimal(10))

        assert queries.daily_count_faults() == []


class TestMonthlyCountFaults:
    def test_list_wrong_months(self, owner: User) -> None:
        make_ticket(owner, created_at=MIDNIGHT + timedelta(days=9), price=Decimal(10), type="bug")
        services.fold_daily_counts()
        MonthlyCount.objects.update(tickets=3)

        (fault,) = queries.daily_count_faults()

        assert (fault.day, fault.type, fault.tickets, fault.counted_tickets) == (date(2026, 3, 1), "bug", 1, 3)


class TestLastDayFaults:
    def test_list_days_without_tickets(self, owner: User) -> None:
        ticket = make_ticket(owner, created_at=MIDNIGHT)
        LastDay.objects.update(day=MIDNIGHT + timedelta(days=1))

        (fault,) = queries.last_day_faults()

        assert str(fault) == f"User {owner.pk}: created no ticket on 2026-03-02 in project {ticket.project_id}"

    def test_list_later_tickets(self, owner: User) -> None:
        make_ticket(owner, created_at=MIDNIGHT)
        LastDay.objects.update(day=MIDNIGHT - timedelta(days=1), project_id=None)

        (fault,) = queries.last_day_faults()

        assert str(fault) == f"User {owner.pk}: created tickets on 2026-03-01, after the last day known"


class TestLastDays:
    def test_spare_the_dashboard_the_tickets(self, agent: User, owner: User, outsider: User) -> None:
        ticket = make_ticket(owner, created_at=MIDNIGHT)
        LastDay.objects.create(user_id=outsider.pk, day=MIDNIGHT, project_id=ticket.project_id)

        assert queries.dashboard(viewer=agent, filter=TicketFilter()).customers == 2

    def test_do_not_count_tickets_that_moved_out_of_sight(self, owner: User, outsider: User) -> None:
        ticket = make_ticket(owner, created_at=MIDNIGHT)
        make_ticket(outsider, created_at=MIDNIGHT)

        Ticket.objects.filter(pk=ticket.pk).update(project=Project.objects.get(system_name="helpdesk"))

        assert queries.dashboard(viewer=outsider, filter=TicketFilter()).customers == 1
        assert queries.dashboard(viewer=owner, filter=TicketFilter()).customers == 2


class TestPastSpans:
    @pytest.mark.parametrize("tickets", [1, 20], ids=["read", "looked up"])
    def test_count_each_customer_once(self, tickets: int, agent: User, owner: User, outsider: User) -> None:
        """Customers are found by the tickets of the span, or looked up if there are many more tickets."""
        for _ in range(tickets):
            make_ticket(owner, created_at=MIDNIGHT)
        make_ticket(outsider, created_at=MIDNIGHT + timedelta(days=1))
        make_ticket(owner, created_at=MIDNIGHT + timedelta(days=40))
        make_ticket(agent, created_at=MIDNIGHT)
        services.fold_daily_counts()

        for days, customers in ((1, 1), (2, 2)):
            wanted = TicketFilter(span=Span.between(MIDNIGHT.date(), MIDNIGHT.date() + timedelta(days=days - 1)))
            assert queries.dashboard(viewer=agent, filter=wanted).customers == customers


def test_every_sql_file_is_tested() -> None:
    """A new file in sql/ needs a test here or in another file named after what is tested."""
    names = {path.stem for path in (BASE_DIR / "analytics" / "sql").glob("*.sql")}

    assert names == {
        *("dashboard", "history", "box_office", "desk", "times", "upcoming_events"),
        *("daily_count_faults", "monthly_count_faults", "last_day_faults"),
        *("fold_daily_counts", "lock_daily_counts", "rebuild_daily_counts"),
        *("fold_last_days", "lock_last_days", "rebuild_last_days"),
    }


def test_two_customers_with_the_same_name_count_as_two(agent: User) -> None:
    for _ in range(2):
        make_ticket(make_user("Same Name"), price=Decimal(5))

    assert queries.dashboard(viewer=agent, filter=TicketFilter()).customers == 2
