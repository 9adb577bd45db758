"""First responses and the times of teams and people, compared with plain Python."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

import pytest

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from analytics import queries
from analytics.days import Days
from analytics.models import FirstResponse
from analytics.queries import Times, overview
from events import services as events
from events.models import EventStatus
from events.tests.factories import book, make_event
from projects.models import Project
from projects.tests.factories import make_project
from tickets import services
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
WEEK = Days(MONDAY.date(), MONDAY.date() + timedelta(days=6))


def respond(ticket: Ticket, by: User, *, hours: float, is_internal: bool = False) -> None:
    at = ticket.created_at + timedelta(hours=hours)
    services.comment(ticket_id=ticket.pk, by=by, at=at, message="Looking into it.", is_internal=is_internal)


def close(ticket: Ticket, *, hours: float) -> None:
    closed_at = ticket.created_at + timedelta(hours=hours)
    Ticket.objects.filter(pk=ticket.pk).update(status=Status.CLOSED, closed_at=closed_at)


def times(days: Days = WEEK, *, page_size: int = 50, **after: int) -> queries.AllTimes:
    return queries.times(days=days, tickets=1, page_size=page_size, **after)


class TestFirstResponse:
    def test_is_the_first_public_comment_by_staff(self, owner: User, agent: User, admin: User) -> None:
        ticket = make_ticket(owner, created_at=MONDAY)

        respond(ticket, owner, hours=1)
        respond(ticket, agent, hours=2, is_internal=True)
        assert not FirstResponse.objects.exists()
        respond(ticket, admin, hours=3)
        respond(ticket, agent, hours=4)

        response = FirstResponse.objects.get()
        assert (response.ticket_id, response.author_id, response.project_id) == (
            *(ticket.pk, admin.pk, ticket.project_id),
        )
        assert (response.responded_at, response.seconds) == (MONDAY + timedelta(hours=3), 3 * 3600)

    def test_is_not_by_the_creator(self, agent: User, admin: User) -> None:
        ticket = make_ticket(agent, created_at=MONDAY)

        respond(ticket, agent, hours=1)
        respond(ticket, admin, hours=2)

        assert FirstResponse.objects.get().author_id == admin.pk

    def test_takes_no_negative_time(self, owner: User, agent: User) -> None:
        respond(make_ticket(owner, created_at=MONDAY), agent, hours=-1)

        assert FirstResponse.objects.get().seconds == 0


class TestTimes:
    def test_agree_with_plain_python(self, owner: User) -> None:
        dice = random.Random(16)
        agents = [make_user(f"Agent {number}", type=UserType.AGENT) for number in range(3)]
        projects = [Project.objects.general(), make_project("Website")]
        resolved: list[tuple[str, list[str], float]] = []
        responded: list[tuple[str, str, float]] = []
        for _ in range(40):
            project, people = dice.choice(projects), dice.sample(agents, dice.randint(0, 2))
            ticket = make_ticket(owner, project=project, created_at=MONDAY + timedelta(hours=dice.uniform(-90, 160)))
            ticket.refresh_from_db()
            assign(ticket, *people)
            if dice.random() < 0.8:
                author, hours = dice.choice(agents), dice.uniform(0, 40)
                respond(ticket, author, hours=hours)
                responded_at = FirstResponse.objects.get(pk=ticket.pk).responded_at
                if is_within(responded_at):
                    responded.append((project.name, author.name, (responded_at - ticket.created_at).total_seconds()))
            if dice.random() < 0.7:
                close(ticket, hours=dice.uniform(0, 80))
                ticket.refresh_from_db()
                assert ticket.closed_at
                if is_within(ticket.closed_at):
                    seconds = (ticket.closed_at - ticket.created_at).total_seconds()
                    resolved.append((project.name, [person.name for person in people], seconds))

        found = times()

        check(
            found.overall,
            resolved=[seconds for *_, seconds in resolved],
            responded=[seconds for *_, seconds in responded],
        )
        assert {team.name for team in found.teams} == {project.name for project in projects}
        for team in found.teams:
            check(
                team,
                resolved=[seconds for name, _, seconds in resolved if name == team.name],
                responded=[seconds for name, _, seconds in responded if name == team.name],
            )
        assert {person.name for person in found.people} == {agent.name for agent in agents}
        for person in found.people:
            check(
                person,
                resolved=[seconds for _, names, seconds in resolved if person.name in names],
                responded=[seconds for _, name, seconds in responded if name == person.name],
            )
        assert not found.is_sampled

    def test_count_tickets_closed_within_the_sla(self, owner: User) -> None:
        for hours in (1, 2, 100):
            close(make_ticket(owner, created_at=MONDAY), hours=hours)

        (team,) = times().teams

        assert (team.closed, team.met, times().overall.met) == (3, 2, 2)

    def test_of_nothing_are_unknown(self) -> None:
        found = times()

        assert (found.overall, found.teams, found.people) == (overview.NO_TIMES, [], [])

    def test_begin_and_end_with_the_days(self, owner: User, agent: User) -> None:
        for created_at in (MONDAY - timedelta(hours=2), MONDAY + timedelta(days=7, hours=-2)):
            for hours in (1.999, 2):
                ticket = make_ticket(owner, created_at=created_at)
                respond(ticket, agent, hours=hours)
                close(ticket, hours=hours)

        overall = times().overall

        assert (overall.closed, overall.answered) == (2, 2)

    def test_list_the_busiest_first_in_pages(self, owner: User) -> None:
        for number in range(3):
            for _ in range(number + 1):
                close(make_ticket(owner, project=team_called(f"Team {number}"), created_at=MONDAY), hours=1)

        first, second = times(page_size=2), times(page_size=2, teams_after=2)

        assert [(team.name, team.closed) for team in first.teams] == [("Team 2", 3), ("Team 1", 2)]
        assert [team.name for team in second.teams] == ["Team 0"]
        assert (first.has_more_teams, second.has_more_teams) == (True, False)

    def test_of_many_tickets_are_estimated(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(overview, "SAMPLED", 20)
        for _ in range(60):
            close(make_ticket(owner, created_at=MONDAY), hours=5)

        found = queries.times(days=WEEK, tickets=60, page_size=5)

        assert found.is_sampled
        assert found.overall.closed % 3 == 0
        assert 15 <= found.overall.closed <= 120
        assert found.overall.resolution_median == 5 * 3600

    @pytest.mark.parametrize("one_in", [2, 15, 16, 40])
    def test_come_from_every_index(self, owner: User, monkeypatch: pytest.MonkeyPatch, one_in: int) -> None:
        """From one in 16 on, an index has only the sample. 40 becomes 32, a multiple of 16."""
        monkeypatch.setattr(overview, "SAMPLED", 10)
        project = Project.objects.general()
        Ticket.objects.bulk_create(
            Ticket(title="Fix it", project=project, created_by=owner, created_at=MONDAY, sla_due_at=MONDAY)
            for _ in range(600)
        )
        Ticket.objects.update(status=Status.CLOSED, closed_at=MONDAY + timedelta(hours=5))
        FirstResponse.objects.bulk_create(
            FirstResponse(ticket_id=pk, author_id=owner.pk, project_id=project.pk, responded_at=MONDAY, seconds=60)
            for pk in Ticket.objects.values_list("pk", flat=True)
        )

        overall = queries.times(days=WEEK, tickets=10 * one_in, page_size=5).overall

        # Of the same tickets. Fewer than 100 of 600 would be one in 100,000.
        assert overall.closed == overall.answered > 100
        assert overall.closed % min(one_in, 32) == 0
        assert (overall.resolution_median, overall.response_p90) == (5 * 3600, 60)


class TestUpcomingEvents:
    def test_list_published_events_by_start(self, admin: User) -> None:
        now = datetime.now(UTC)
        later = make_event(admin, name="Later", capacity=5, withheld=1, starts_at=now + timedelta(days=9))
        make_event(admin, name="Draft", status=EventStatus.DRAFT, starts_at=now + timedelta(days=8))
        make_event(admin, name="Sooner", capacity=3, starts_at=now + timedelta(days=2))
        cancelled = make_event(admin, name="Cancelled", starts_at=now + timedelta(days=3))
        events.cancel_event(event_id=cancelled.pk, by=admin, at=now)
        for quantity in (4, 1, 2):
            book(later, quantity=quantity)

        found = queries.upcoming_events(at=now, page_size=5)

        assert [(event.name, event.sold, event.for_sale, event.waiting) for event in found] == [
            ("Sooner", 0, 3, 0),
            ("Later", 4, 4, 2),
        ]
        assert [event.fill for event in found] == [0, 1]
        assert [event.name for event in queries.upcoming_events(at=now, page_size=1)] == ["Sooner"]
        assert [event.name for event in queries.upcoming_events(at=now + timedelta(days=5), page_size=5)] == ["Later"]


def team_called(name: str) -> Project:
    return Project.objects.filter(name=name).first() or make_project(name)


def is_within(moment: datetime) -> bool:
    return WEEK.first <= moment.date() <= WEEK.last


def check(found: Times, *, resolved: Iterable[float], responded: Iterable[float]) -> None:
    resolved, responded = list(resolved), list(responded)
    assert (found.closed, found.answered) == (len(resolved), len(responded))
    assert [found.resolution_median, found.resolution_p90] == pytest.approx(middle_and_p90(resolved))
    assert [found.response_median, found.response_p90] == pytest.approx(middle_and_p90(responded))


def middle_and_p90(durations: list[float]) -> list[float | None]:
    if not durations:
        return [None, None]
    if len(durations) == 1:
        return [*durations, *durations]
    return [median(durations), quantiles(durations, n=10, method="inclusive")[-1]]
