"""The demo's tickets: the material they are made of, and how they are loaded with their history."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import accumulate
from random import Random
from typing import Any

from demo.ids import next_id
from demo.people import People
from kit.db import sql
from projects.models import Project, Visibility
from sla.models import Priority, SlaPolicy
from tickets.models import Assignment, AssignmentEvent, Comment, Status, Ticket, TicketEvent

# Most tickets are from this many full UTC days, and a few from today.
DAYS = 90
# The share of tickets that are the desk's current work, and their maximum number. Their ages are relative to now, so
# that the desk looks the same whenever the demo is loaded.
WORK_SHARE, MAX_WORK = 0.15, 60
# The current work: whether a ticket is on hold, and its youngest and oldest age in multiples of its policy's hours. Of
# fourteen tickets, seven are on time, two at risk, two breached and three on hold.
WORK: list[tuple[bool, float, float]] = [
    *[(False, 0.02, 0.75)] * 7,
    *[(False, 0.83, 0.96)] * 2,
    *[(False, 1.1, 2.5)] * 2,
    *[(True, 0.4, 3.0)] * 3,
]

# Name, description (None: a built-in project), visibility, share of the tickets.
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
    "Riverside Hall",
    "City Arena",
    "Old Theatre",
    "Harbour Stage",
    "Congress Centre",
    "North Stadium",
    "Jazz Cellar",
    "Opera House",
    "Open-Air Park",
    "University Auditorium",
    "Museum Court",
    "East Gym",
    "Lighthouse Club",
    "Town Hall",
    "Fairground",
    "Botanical Garden",
]


@dataclass(frozen=True)
class Kind:
    """A type of ticket with its share. A title is an opening and a subject; types with prices have a venue too."""

    name: str
    share: float
    openings: Sequence[str]
    subjects: Sequence[str]
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

HOLD_REASONS = [
    "Waiting for the customer",
    "Waiting for the venue",
    "Spare part ordered",
    "Waiting for the bank",
    "Back after the weekend",
]
# Who writes what: the customer, an agent, or an agent to colleagues. Conversations start at any of these.
CUSTOMER, AGENT, INTERNAL = range(3)
CONVERSATION: list[tuple[int, Sequence[str]]] = [
    (AGENT, ["Thanks for the message. I am looking into it.", "I can see the order. Which seats are they?"]),
    (CUSTOMER, ["Row 12, seats 4 and 5.", "Thank you! I have just sent the order number.", "Any news on this?"]),
    (INTERNAL, ["Called the venue; they confirm by Monday.", "Same customer as last week.", "Needs a manager's okay."]),
    (AGENT, ["The venue has confirmed. I am changing it now.", "We have found the cause and are fixing it."]),
    (CUSTOMER, ["That works, thanks a lot.", "It still happens on my phone.", "Great, that was quick."]),
]

# Relative numbers of new tickets in each hour of a day, and on each day of a week from Monday, in UTC.
HOURS = [1, 1, 1, 1, 1, 2, 5, 14, 30, 36, 38, 34, 26, 32, 34, 32, 27, 19, 12, 9, 7, 5, 3, 2]
WEEKDAYS = [1.0, 1.05, 1.0, 0.95, 0.85, 0.25, 0.2]

# Every fifth ticket has some.
LABELS = [["vip"], ["refund"], ["urgent"], ["refund", "urgent"], ["press"], ["accessibility"], ["group"]]

TICKET_FIELDS = (
    *("id", "title", "description", "project", "status", "type", "venue", "price", "priority"),
    *("due_at", "sla_due_at", "created_by", "created_at", "updated_at", "version"),
    *("held_at", "hold_reason", "closed_at", "sla_hours", "sla_calendar", "sla_warn_at"),
    "labels",
)
COMMENT_FIELDS = ("ticket", "author", "message", "is_internal", "created_at")
ASSIGNMENT_FIELDS = ("ticket", "user", "slot", "assigned_at", "assigned_by")
EVENT_FIELDS = ("pgh_label", "pgh_created_at", "pgh_context")
FIELDS_WITHOUT_HISTORY = ("id", "updated_at", "closed_at", "sla_hours", "sla_calendar", "sla_warn_at")
TICKET_EVENT_FIELDS = tuple(name for name in TICKET_FIELDS if name not in FIELDS_WITHOUT_HISTORY)


def load_projects() -> list[int]:
    """Create the projects that are missing, and return the ids of all of PROJECTS in their order."""
    ids = []
    for name, description, visibility, _ in PROJECTS:
        project, _ = Project.objects.get_or_create(
            name=name,
            defaults={"description": description or "", "visibility": visibility},
        )
        ids.append(project.pk)
    return ids


@dataclass(frozen=True, order=True)
class Draft:
    """When a ticket is created, and its priority. `is_held` is None except for current work (WORK)."""

    created_at: datetime
    priority: str
    is_held: bool | None = None


def drafts(random: Random, tickets: int, hours: Mapping[str, int], now: datetime) -> Iterator[list[Draft]]:
    """Yield the tickets of the last DAYS days and today, day by day, in the order of their creation.

    There are fewer at weekends and slightly more on recent days. `hours` are those of the policies.
    """
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    days = [midnight - timedelta(days=age) for age in range(DAYS, -1, -1)]
    present = min(round(tickets * WORK_SHARE), MAX_WORK)
    work: dict[date, list[Draft]] = defaultdict(list)
    for index, priority in enumerate(_priorities(random, present)):
        is_held, youngest, oldest = WORK[index % len(WORK)]
        age = min(random.uniform(youngest, oldest) * timedelta(hours=hours[priority]), timedelta(days=DAYS))
        created_at = now - timedelta(milliseconds=age // timedelta(milliseconds=1))
        work[created_at.date()].append(Draft(created_at, priority, is_held))
    weights = [WEEKDAYS[day.weekday()] * (1 + index / (4 * DAYS)) for index, day in enumerate(days[:DAYS])]
    numbers = Counter(random.choices(range(DAYS), weights, k=tickets - present))
    for index, day in enumerate(days):
        times = random.choices(range(24), HOURS, k=numbers[index])
        usual = [
            Draft(day + timedelta(milliseconds=(hour + random.random()) * 3_600_000 // 1), priority)
            for hour, priority in zip(times, _priorities(random, numbers[index]), strict=True)
        ]
        if all_of_day := sorted(usual + work[day.date()]):
            yield all_of_day


def _priorities(random: Random, number: int) -> list[str]:
    return random.choices([Priority.LOW.value, Priority.MEDIUM.value, Priority.HIGH.value], [3, 5, 2], k=number)


class TicketLoader:
    """Loads tickets day by day, with their assignments, comments and history."""

    def __init__(self, random: Random, people: People, project_ids: Sequence[int], now: datetime) -> None:
        self.random = random
        self.people = people
        self.project_ids = project_ids
        self.now = now
        self.next_id = next_id(Ticket)
        self.policies = {policy.priority: policy for policy in SlaPolicy.objects.select_related("calendar")}
        # A few customers create many tickets and most create few; agents create some too.
        customers = [(index + 3) ** -0.6 for index in range(len(people.customers))]
        agents = [0.04 * sum(customers) / len(people.agents)] * len(people.agents)
        self.creators = [*people.customers, *people.agents]
        self.creator_weights = list(accumulate([*customers, *agents]))

    def load(self, drafts: Sequence[Draft]) -> None:
        assignments: list[Sequence[Any]] = []
        tickets = list(self._tickets(drafts, assignments))
        sql.copy(Ticket, TICKET_FIELDS, tickets)
        sql.copy(Assignment, ASSIGNMENT_FIELDS, assignments)
        sql.copy(Comment, COMMENT_FIELDS, self._comments(tickets))
        self._load_history(tickets, assignments)

    def _load_history(self, tickets: list[Sequence[Any]], assignments: list[Sequence[Any]]) -> None:
        """Load the history that the triggers would have written over time. Every ticket starts out open."""
        fields = (*EVENT_FIELDS, "pgh_obj", *TICKET_EVENT_FIELDS)
        first_assignees = {ticket_id: user_id for ticket_id, user_id, slot, *_ in assignments if slot == 1}
        inserts, updates = [], []
        for row in tickets:
            ticket = dict(zip(TICKET_FIELDS, row, strict=True))
            actor = first_assignees.get(ticket["id"], ticket["created_by"])
            running = ticket | {"held_at": None, "hold_reason": ""}
            created = running | {"status": Status.OPEN.value, "version": 1}
            inserts.append(_ticket_event("insert", created, at=ticket["created_at"], by=ticket["created_by"]))
            if ticket["held_at"]:
                # The ticket was changed first and put on hold later.
                running["version"] -= 1
                if ticket["status"] != Status.OPEN:
                    updates.append(_ticket_event("update", running, at=self.worked_at[ticket["id"]], by=actor))
                updates.append(_ticket_event("update", ticket, at=ticket["held_at"], by=actor))
            elif ticket["status"] != Status.OPEN:
                updates.append(_ticket_event("update", ticket, at=ticket["updated_at"], by=actor))
        sql.copy(TicketEvent, fields, inserts)
        sql.copy(
            AssignmentEvent,
            (*EVENT_FIELDS, "ticket", "user", "assigned_at", "assigned_by"),
            (
                (*_event("insert", at=at, by=by), ticket_id, user_id, at, by)
                for ticket_id, user_id, _, at, by in assignments
            ),
        )
        sql.copy(TicketEvent, fields, updates)

    def _tickets(self, drafts: Sequence[Draft], assignments: list[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Yield the rows of these tickets, and append their assignments to `assignments`."""
        random, number = self.random, len(drafts)
        self.worked_at: dict[int, datetime] = {}
        kinds = random.choices(KINDS, [kind.share for kind in KINDS], k=number)
        projects = random.choices(self.project_ids, [share for *_, share in PROJECTS], k=number)
        creators = random.choices(self.creators, cum_weights=self.creator_weights, k=number)
        for draft, kind, project, creator in zip(drafts, kinds, projects, creators, strict=True):
            ticket_id, created_at = self.next_id, draft.created_at
            self.next_id += 1
            policy = self.policies[draft.priority]
            status, is_held = self._state(draft, policy.hours)
            version, updated_at, held_at = 1, None, None
            if is_held:
                # Before the deadline, and after the ticket was assigned.
                held_at = self._between(created_at, min(policy.due(created_at), self.now))
                version += 1
            if status != Status.OPEN or random.random() < 0.2:
                if held_at:
                    updated_at = self._between(created_at, held_at)
                else:
                    updated_at = self._later(created_at, policy.hours if status == Status.CLOSED else 48)
                self.worked_at[ticket_id] = updated_at
                assigned = list(self._assignments(ticket_id, creator, updated_at))
                assignments.extend(assigned)
                version += len(assigned) + (status != Status.OPEN)
            yield (
                ticket_id,
                f"{random.choice(kind.openings)} {random.choice(kind.subjects)}",
                " ".join(random.sample(SENTENCES, random.randrange(1, 4))),
                project,
                status,
                kind.name,
                random.choice(VENUES) if kind.prices else "",
                Decimal(random.choice(kind.prices)) * random.choice((1, 1, 2, 2, 3, 4)) if kind.prices else None,
                draft.priority,
                created_at + timedelta(days=random.randrange(2, 30)) if random.random() < 0.4 else None,
                policy.due(created_at),
                creator,
                created_at,
                (held_at or updated_at) if version > 1 else None,
                version,
                held_at,
                random.choice(HOLD_REASONS) if held_at else "",
                updated_at if status == Status.CLOSED else None,
                policy.hours,
                policy.calendar.name if policy.calendar else "",
                policy.due(created_at, share=policy.at_risk_share),
                [] if ticket_id % 5 else LABELS[ticket_id // 5 % len(LABELS)],
            )

    def _state(self, draft: Draft, hours: int) -> tuple[str, bool]:
        """Return a ticket's status, and whether it is on hold.

        Most tickets are closed around their deadline. Of the few that stay open for much longer, most are on hold.
        """
        random = self.random
        used = (self.now - draft.created_at) / timedelta(hours=hours)
        is_closed = draft.is_held is None and random.random() > 0.008 + 0.9 * math.exp(-used)
        if is_closed:
            return Status.CLOSED.value, False
        is_held = used > 2 and random.random() < 0.7 if draft.is_held is None else draft.is_held
        return random.choices([Status.OPEN.value, Status.IN_PROGRESS.value], [0.55, 0.45])[0], is_held

    def _comments(self, tickets: Sequence[Sequence[Any]]) -> Iterator[Sequence[Any]]:
        """Yield the rows of the comments on about half of these tickets."""
        random = self.random
        for row in tickets:
            if random.random() < 0.45:
                continue
            ticket = dict(zip(TICKET_FIELDS, row, strict=True))
            last_at = ticket["closed_at"] or min(self.now, ticket["created_at"] + timedelta(days=4))
            first = random.randrange(len(CONVERSATION) - 1)
            said = CONVERSATION[first : first + random.choice((1, 2, 2, 3, 4))]
            agent = random.choice(self.people.agents)
            for speaker, sentences in said:
                at = self._between(ticket["created_at"], last_at)
                ticket["created_at"] = at
                author = ticket["created_by"] if speaker == CUSTOMER else agent
                yield ticket["id"], author, random.choice(sentences), speaker == INTERNAL, at

    def _between(self, first: datetime, last: datetime) -> datetime:
        """Return a random time after `first` and not after `last`."""
        return first + timedelta(
            milliseconds=self.random.uniform(0.1, 0.9) * ((last - first) // timedelta(milliseconds=1)) // 1
        )

    def _later(self, created_at: datetime, hours: int) -> datetime:
        """Return a random time after `created_at` and not in the future, in most cases within `hours`."""
        limit = (self.now - created_at).total_seconds()
        return created_at + timedelta(milliseconds=min(self.random.expovariate(2 / (hours * 3600)), limit) * 1000 // 1)

    def _assignments(self, ticket_id: int, creator: int, at: datetime) -> Iterator[Sequence[Any]]:
        """Yield the rows of up to two agents, and now and then of a customer who helps; never of an admin."""
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
