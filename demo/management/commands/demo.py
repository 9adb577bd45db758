"""`manage.py demo`: plausible people at work, to look around in and to measure with.

Everything is drawn from one seeded generator: the same seed on the same day makes the same rows.
"""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import IO, Any, cast

import pgtrigger
from django.contrib.auth.hashers import make_password
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from accounts.models import User, UserType
from analytics.models import DailyCount
from analytics.services import fold_daily_counts
from demo import box_office
from demo.box_office import next_id
from events.models import Booking, BookingEntry, Event, Inventory
from kit.db import sql
from notifications.services import mute
from projects.models import Project, Visibility
from sla.models import Priority, SlaPolicy
from tickets.models import Assignment, AssignmentEvent, Status, Ticket, TicketEvent

# Whom to sign in as: role, e-mail, password. The README and `make run` say the same.
SIGN_INS: list[tuple[str, str, str]] = [
    (UserType.ADMIN.value, "admin@example.com", "demo-admin-1"),
    (UserType.AGENT.value, "agent@example.com", "demo-agent-1"),
    (UserType.CUSTOMER.value, "customer@example.com", "demo-customer-1"),
]

DAYS = 90
TICKETS_OF_A_CUSTOMER = 100
FEWEST_CUSTOMERS = 15
MOST_AGENTS = 12

FIRST_NAMES = """
    Ada Amir Anna Ben Bianca Carlos Chen Clara Daria David Elena Emil Farah Felix Greta Hana Hugo Ines Ivan
    Jana Jonas Julia Karim Kira Lars Leila Lena Liam Lucia Malik Maria Marta Max Mei Milan Mira Nadia Nils
    Noah Nora Olga Omar Paula Pavel Priya Rafael Rosa Samir Sara Sofia Stefan Tara Theo Tomas Uma Vera Viktor
    Yara Yusuf Zoe
"""
LAST_NAMES = """
    Adler Ahmed Almeida Andersson Bauer Becker Bianchi Blanc Brandt Castillo Cohen Costa Dubois Eriksen
    Farkas Fischer Fontaine Garcia Haddad Hansen Horvath Ito Ivanova Jansen Kaya Keller Kim Koch Kovacs
    Kowalski Lang Larsen Lehmann Lopez Marino Meier Mendes Molina Moreau Novak Nowak Okafor Park Patel Petrov
    Popescu Quinn Ricci Rossi Santos Schmidt Silva Singh Sokolov Tanaka Torres Varga Vogel Weber Yilmaz
"""

# Name, description, visibility, share of the tickets; None is a project that came with the system.
PROJECTS: list[tuple[str, str | None, str, float]] = [
    ("General", None, Visibility.EVERYONE, 0.28),
    ("HelpDesk", None, Visibility.INVOLVED, 0.12),
    ("Summer Festival", "Three stages, forty bands, one long weekend.", Visibility.EVERYONE, 0.16),
    ("City Arena", "Home games and concerts in the hall.", Visibility.EVERYONE, 0.14),
    ("Tech Conference", "Talks, workshops and the exhibition.", Visibility.EVERYONE, 0.10),
    ("Website", "The shop, the calendar and the newsletter.", Visibility.EVERYONE, 0.09),
    ("Box Office", "Counters, printers and the people at them.", Visibility.EVERYONE, 0.07),
    ("Accounts", "Refunds and invoices: between us and those concerned.", Visibility.INVOLVED, 0.04),
]

VENUES = [
    *(
        "Riverside Hall",
        "City Arena",
        "Old Theatre",
        "Harbour Stage",
        "Congress Centre",
        "North Stadium",
        "Jazz Cellar",
    ),
    *("Opera House", "Open-Air Park", "University Auditorium", "Museum Court", "East Gym", "Lighthouse Club"),
    *("Town Hall", "Fairground", "Botanical Garden"),
]


@dataclass(frozen=True)
class Kind:
    """A type of ticket: its share, what its titles are made of, what it costs; events have a place and a price."""

    name: str
    share: float
    what: Sequence[str]
    about: Sequence[str]
    prices: Sequence[str] = ()


KINDS = [
    Kind(
        "concert",
        0.22,
        ["Two seats for", "Change of seats for", "Group booking for", "Wheelchair place at", "Lost ticket for"],
        ["the spring concert", "the jazz night", "the symphony", "the choir's anniversary", "the open-air opening"],
        ["29", "39.5", "49", "59.9", "79", "120"],
    ),
    Kind(
        "conference",
        0.14,
        ["Registration for", "Invoice for", "Speaker's pass for", "Student price for", "Name change for"],
        ["the data conference", "the design days", "the security summit", "the founders' meeting"],
        ["149", "223", "290", "450", "690"],
    ),
    Kind(
        "sports",
        0.16,
        ["Season ticket:", "Two seats for", "Family ticket for", "Parking at", "Refund for"],
        ["the home game", "the city marathon", "the handball cup", "the tennis final", "the derby"],
        ["12", "18.5", "24", "35", "60"],
    ),
    Kind(
        "task",
        0.22,
        ["Order", "Check", "Set up", "Replace", "Document", "Schedule"],
        ["the badge printer", "the evening shift", "the seating plan", "the newsletter", "the entrance scanners"],
    ),
    Kind(
        "bug",
        0.14,
        ["Error in", "Slow answer from", "Wrong total in", "No confirmation from", "Layout broken in"],
        ["the checkout", "the seat map", "the calendar export", "the sign-in page", "the mobile app"],
    ),
    Kind(
        "question",
        0.08,
        ["How do I change", "Where do I find", "Can I pass on", "When do I get"],
        ["my seats?", "my invoice?", "my ticket?", "the programme?"],
    ),
    Kind(
        "incident",
        0.04,
        ["Outage of", "Power failure at", "Queue at", "Alarm from"],
        ["the card terminals", "the west entrance", "the payment service", "the stage lights"],
    ),
]

SENTENCES = [
    "It worked last week.",
    "Please answer by e-mail.",
    "The same happened to a colleague.",
    "A screenshot can be sent.",
    "We need it before the doors open.",
    "Thank you for looking into it!",
    "There is no hurry.",
    "I tried it twice, in two browsers.",
    "The order number is on the invoice.",
    "Call the front desk if anything is unclear.",
]

# What share of a day's tickets comes in each hour, and of a week's on each day from Monday, in UTC.
HOURS = [1, 1, 1, 1, 1, 2, 5, 14, 30, 36, 38, 34, 26, 32, 34, 32, 27, 19, 12, 9, 7, 5, 3, 2]
WEEKDAYS = [1.0, 1.05, 1.0, 0.95, 0.85, 0.25, 0.2]

TICKET_FIELDS = (
    *("id", "title", "description", "project", "status", "type", "venue", "price", "priority"),
    *("due_at", "sla_due_at", "created_by", "created_at", "updated_at", "version"),
    *("closed_at", "sla_hours", "sla_calendar", "sla_warn_at"),
)
# What the triggers would do to a past that has been made up: refuse to assign to what was closed later, overwrite when
# tickets changed, and write a history and a ledger of this very moment.
# Over the whole of the loading: to stop ignoring amid a transaction makes each later trigger slow.
OVERRULED = (
    "tickets.Assignment:refuse_assignment",
    "tickets.Assignment:step_1_move_ticket_version",
    "tickets.Assignment:step_2_record_assignment",
    "tickets.Ticket:record_creation",
    "events.Inventory:begin_empty",
    "events.Booking:enter_new",
)
ASSIGNMENT_FIELDS = ("ticket", "user", "slot", "assigned_at", "assigned_by")
EVENT_FIELDS = ("pgh_label", "pgh_created_at", "pgh_context")
NO_EVENT_FIELDS = ("id", "updated_at", "closed_at", "sla_hours", "sla_calendar", "sla_warn_at")
TICKET_EVENT_FIELDS = tuple(name for name in TICKET_FIELDS if name not in NO_EVENT_FIELDS)


class Command(BaseCommand):
    help = "Fill an empty database with plausible people, projects, tickets and bookings of the last 90 days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tickets", type=int, default=300, help="how many; people grow with them")
        parser.add_argument("--seed", type=int, default=1, help="the same seed on the same day makes the same rows")
        parser.add_argument("--force", action="store_true", help="add to a database that is in use, too")

    def handle(self, *, tickets: int, seed: int, force: bool, **options: Any) -> None:
        if tickets < 0:
            raise CommandError("--tickets cannot be negative.")
        if not force and (User.objects.exists() or Ticket.objects.exists()):
            raise CommandError("This database holds people or tickets already; --force adds the demo's to them.")
        if User.objects.filter(email__in=[email for _, email, _ in SIGN_INS]).exists():
            raise CommandError("The demo's people are here already.")
        fill(tickets=tickets, seed=seed, at=timezone.now(), console=Console(file=cast(IO[str], self.stdout)))
        fold_daily_counts()
        sql.vacuum(User, Project, Ticket, Assignment, DailyCount, TicketEvent, AssignmentEvent)
        sql.vacuum(Event, Inventory, Booking, BookingEntry)
        for role, email, password in SIGN_INS:
            self.stdout.write(f"{role:9} {email}  {password}")


def fill(*, tickets: int, seed: int, at: datetime, console: Console) -> None:
    """Load the demo, all or nothing, with tickets of the DAYS whole UTC days before `at`."""
    random = Random(seed)  # noqa: S311
    midnight = at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    with transaction.atomic(), pgtrigger.ignore(*OVERRULED), _progress(console) as progress:
        # These people have not asked to be told.
        mute()
        bar = progress.add_task("Tickets", total=tickets)
        people = _load_people(random, tickets=tickets, at=midnight)
        desk = _Desk(random, people, _load_projects(midnight), midnight)
        for day, number in _tickets_of_days(random, tickets, midnight):
            desk.load(day, number)
            progress.advance(bar, number)
        box_office.load(random, admin_id=people.admins[0], customer_ids=people.customers, name=_name, now=midnight)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


@dataclass(frozen=True)
class _People:
    admins: Sequence[int]
    customers: Sequence[int]
    agents: Sequence[int]


def _load_people(random: Random, *, tickets: int, at: datetime) -> _People:
    """Those of SIGN_INS first of their kind. Nobody else can sign in before setting a password."""
    first_id = next_id(User)
    number_of = {
        UserType.ADMIN.value: 2,
        UserType.AGENT.value: min(MOST_AGENTS, 3 + tickets // 20_000),
        UserType.CUSTOMER.value: max(FEWEST_CUSTOMERS, tickets // TICKETS_OF_A_CUSTOMER),
    }
    types = [kind for kind, number in number_of.items() for _ in range(number)]
    sign_in_of = {types.index(role): (email, password) for role, email, password in SIGN_INS}
    joined_at = at - timedelta(days=DAYS)

    def rows() -> Iterator[Sequence[Any]]:
        for place, kind in enumerate(types):
            first, last = _name(random)
            user_id = first_id + place
            email = f"{first}.{last}.{user_id}@example.com".lower()
            email, password = sign_in_of.get(place, (email, None))
            joined = joined_at - timedelta(days=random.randrange(700), minutes=random.randrange(1440))
            yield user_id, f"{first} {last}", email, kind, make_password(password), joined, True, False

    fields = ("id", "name", "email", "type", "password", "created_at", "is_active", "is_superuser")
    sql.copy(User, fields, rows())
    ids = range(first_id, first_id + len(types))
    ids_of = {kind: [user_id for user_id, other in zip(ids, types, strict=True) if other == kind] for kind in number_of}
    return _People(ids_of[UserType.ADMIN], ids_of[UserType.CUSTOMER], ids_of[UserType.AGENT])


def _name(random: Random) -> tuple[str, str]:
    return random.choice(FIRST_NAMES.split()), random.choice(LAST_NAMES.split())


def _load_projects(at: datetime) -> list[int]:
    """The ids of PROJECTS, in their order; those that are missing are made."""
    ids = []
    for name, description, visibility, _ in PROJECTS:
        project, _ = Project.objects.get_or_create(
            name=name,
            defaults={"description": description or "", "visibility": visibility},
        )
        ids.append(project.pk)
    return ids


def _tickets_of_days(random: Random, tickets: int, midnight: datetime) -> Iterator[tuple[datetime, int]]:
    """How many tickets each day brings: fewer at weekends, a few more lately."""
    days = [midnight - timedelta(days=age) for age in range(DAYS, 0, -1)]
    weights = [WEEKDAYS[day.weekday()] * (1 + place / (4 * DAYS)) for place, day in enumerate(days)]
    number_of = Counter(random.choices(range(DAYS), weights, k=tickets))
    return ((day, number_of[place]) for place, day in enumerate(days) if number_of[place])


class _Desk:
    """Makes the tickets of a day at a time, in the order of their creation."""

    def __init__(self, random: Random, people: _People, project_ids: Sequence[int], now: datetime) -> None:
        self.random = random
        self.people = people
        self.project_ids = project_ids
        self.now = now
        self.next_id = next_id(Ticket)
        self.policies = {policy.priority: policy for policy in SlaPolicy.objects.select_related("calendar")}
        # A few customers ask a lot, most ask little; staff ask some things too.
        customers = [(place + 3) ** -0.6 for place in range(len(people.customers))]
        agents = [0.04 * sum(customers) / len(people.agents)] * len(people.agents)
        self.creators = [*people.customers, *people.agents]
        self.creator_weights = list(accumulate([*customers, *agents]))

    def load(self, day: datetime, number: int) -> None:
        assignments: list[Sequence[Any]] = []
        tickets = list(self._tickets(day, number, assignments))
        sql.copy(Ticket, TICKET_FIELDS, tickets)
        sql.copy(Assignment, ASSIGNMENT_FIELDS, assignments)
        self._load_history(tickets, assignments)

    def _load_history(self, tickets: list[Sequence[Any]], assignments: list[Sequence[Any]]) -> None:
        """What the triggers would have written, had it all happened when it says: all began open."""
        fields = (*EVENT_FIELDS, "pgh_obj", *TICKET_EVENT_FIELDS)
        worker_of = {ticket_id: user_id for ticket_id, user_id, slot, *_ in assignments if slot == 1}
        beginnings, changes = [], []
        for row in tickets:
            ticket = dict(zip(TICKET_FIELDS, row, strict=True))
            begun = ticket | {"status": Status.OPEN.value, "version": 1}
            beginnings.append(_ticket_event("insert", begun, at=ticket["created_at"], by=ticket["created_by"]))
            if ticket["status"] != Status.OPEN:
                worker = worker_of.get(ticket["id"], ticket["created_by"])
                changes.append(_ticket_event("update", ticket, at=ticket["updated_at"], by=worker))
        sql.copy(TicketEvent, fields, beginnings)
        sql.copy(
            AssignmentEvent,
            (*EVENT_FIELDS, "ticket", "user", "assigned_at", "assigned_by"),
            (
                (*_event("insert", at=at, by=by), ticket_id, user_id, at, by)
                for ticket_id, user_id, _, at, by in assignments
            ),
        )
        sql.copy(TicketEvent, fields, changes)

    def _tickets(self, day: datetime, number: int, assignments: list[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        random = self.random
        hours = random.choices(range(24), HOURS, k=number)
        times = sorted(day + timedelta(milliseconds=(hour + random.random()) * 3_600_000 // 1) for hour in hours)
        kinds = random.choices(KINDS, [kind.share for kind in KINDS], k=number)
        projects = random.choices(self.project_ids, [share for *_, share in PROJECTS], k=number)
        priorities = random.choices(
            [Priority.LOW.value, Priority.MEDIUM.value, Priority.HIGH.value], [3, 5, 2], k=number
        )
        statuses = random.choices(*self._status_weights(day), k=number)
        creators = random.choices(self.creators, cum_weights=self.creator_weights, k=number)
        columns = zip(times, kinds, projects, priorities, statuses, creators, strict=True)
        for created_at, kind, project, priority, status, creator in columns:
            ticket_id = self.next_id
            self.next_id += 1
            version, updated_at, policy = 1, None, self.policies[priority]
            if status != Status.OPEN or random.random() < 0.2:
                updated_at = self._later(created_at, policy.hours if status == Status.CLOSED else 48)
                assigned = list(self._assignments(ticket_id, creator, updated_at))
                assignments.extend(assigned)
                version += len(assigned) + (status != Status.OPEN)
                updated_at = updated_at if version > 1 else None
            yield (
                ticket_id,
                f"{random.choice(kind.what)} {random.choice(kind.about)}",
                " ".join(random.sample(SENTENCES, random.randrange(1, 4))),
                project,
                status,
                kind.name,
                random.choice(VENUES) if kind.prices else "",
                Decimal(random.choice(kind.prices)) * random.choice((1, 1, 2, 2, 3, 4)) if kind.prices else None,
                priority,
                created_at + timedelta(days=random.randrange(2, 30)) if random.random() < 0.4 else None,
                policy.due(created_at),
                creator,
                created_at,
                updated_at,
                version,
                updated_at if status == Status.CLOSED else None,
                policy.hours,
                policy.calendar.name if policy.calendar else "",
                policy.due(created_at, share=policy.at_risk_share),
            )

    def _status_weights(self, day: datetime) -> tuple[list[str], list[float]]:
        """Most are closed within days; what stays open long is rare."""
        age = (self.now - day).days
        unclosed = 0.02 + 0.85 * math.exp(-age / 6)
        return [Status.OPEN.value, Status.IN_PROGRESS.value, Status.CLOSED.value], [
            0.55 * unclosed,
            0.45 * unclosed,
            1 - unclosed,
        ]

    def _later(self, created_at: datetime, hours: int) -> datetime:
        """When somebody last touched it: in most cases within these hours, and before now."""
        most = (self.now - created_at).total_seconds()
        return created_at + timedelta(milliseconds=min(self.random.expovariate(2 / (hours * 3600)), most) * 1000 // 1)

    def _assignments(self, ticket_id: int, creator: int, at: datetime) -> Iterator[Sequence[Any]]:
        """Mostly one agent, sometimes two, now and then a customer who helps; never an admin."""
        number = self.random.choices((0, 1, 2), (55, 38, 7))[0]
        chosen = self.random.sample(self.people.agents, number)
        if number and self.random.random() < 0.05:
            chosen.append(self.random.choice(self.people.customers))
        for slot, user in enumerate(chosen, start=1):
            yield ticket_id, user, slot, at, creator


def _event(label: str, *, at: datetime, by: int) -> tuple[Any, ...]:
    return label, at, f'{{"user": {by}, "door": "api"}}'


def _ticket_event(label: str, ticket: dict[str, Any], *, at: datetime, by: int) -> tuple[Any, ...]:
    return *_event(label, at=at, by=by), ticket["id"], *(ticket[name] for name in TICKET_EVENT_FIELDS)
