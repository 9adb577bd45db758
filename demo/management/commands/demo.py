"""`manage.py demo`: fill the database with plausible data to explore and to measure with.

All data comes from one seeded generator: the same seed at the same time creates the same rows.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import IO, Any, cast

import pgtrigger
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from accounts.models import User
from analytics.models import DailyCount, LastDay, MonthlyCount
from analytics.services import fold_daily_counts
from demo import box_office, macros, people
from demo.people import SIGN_INS
from demo.tickets import DAYS, TicketLoader, drafts, load_projects
from events.models import Booking, BookingEntry, CheckIn, Event, Inventory
from kit.db import sql
from notifications.services import mute
from projects.models import Project
from tickets.models import Assignment, AssignmentEvent, Comment, Ticket, TicketEvent
from tickets.services import fold_label_counts, note_title_words

# Triggers that would refuse this made-up history (assignments to tickets closed later) or record it as happening now.
# Ignored for the whole transaction, because re-enabling them inside it would slow down every later trigger.
IGNORED_TRIGGERS = (
    "tickets.Assignment:refuse_assignment",
    "tickets.Assignment:step_1_move_ticket_version",
    "tickets.Assignment:step_2_record_assignment",
    "tickets.Ticket:record_creation",
    "events.Inventory:begin_empty",
    "events.Booking:enter_new",
)


class Command(BaseCommand):
    help = "Fill an empty database with plausible people, projects, tickets and bookings from the last 90 days."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--tickets", type=int, default=300, help="number of tickets; the number of people depends on it"
        )
        parser.add_argument("--seed", type=int, default=1, help="the same seed at the same time creates the same rows")
        parser.add_argument("--force", action="store_true", help="add the demo to a database that is already in use")

    def handle(self, *, tickets: int, seed: int, force: bool, **options: Any) -> None:
        if tickets < 0:
            raise CommandError("--tickets cannot be negative.")
        if not force and (User.objects.exists() or Ticket.objects.exists()):
            raise CommandError("The database already contains people or tickets. Use --force to add the demo to it.")
        if User.objects.filter(email__in=[sign_in.email for sign_in in SIGN_INS]).exists():
            raise CommandError("The demo is already loaded.")
        fill(tickets=tickets, seed=seed, at=timezone.now(), console=Console(file=cast(IO[str], self.stdout)))
        fold_daily_counts()
        fold_label_counts()
        note_title_words()
        sql.vacuum(User, Project, Ticket, Assignment, Comment, TicketEvent, AssignmentEvent)
        sql.vacuum(DailyCount, MonthlyCount, LastDay)
        sql.vacuum(Event, Inventory, Booking, BookingEntry, CheckIn)
        for role, email, password in SIGN_INS:
            self.stdout.write(f"{role:9} {email}  {password}")


def fill(*, tickets: int, seed: int, at: datetime, console: Console) -> None:
    """Load the demo in one transaction, with tickets from the DAYS whole UTC days before `at`, and of today."""
    random = Random(seed)  # noqa: S311
    at = at.astimezone(UTC).replace(microsecond=at.microsecond // 1000 * 1000)
    midnight = at.replace(hour=0, minute=0, second=0, microsecond=0)
    with pgtrigger.ignore(*IGNORED_TRIGGERS), transaction.atomic(), _progress(console) as progress:
        # No e-mails about changes that never happened.
        mute()
        bar = progress.add_task("Tickets", total=tickets)
        users = people.load(random, tickets=tickets, joined_before=midnight - timedelta(days=DAYS))
        loader = TicketLoader(random, users, load_projects(), at)
        hours = {priority: policy.hours for priority, policy in loader.policies.items()}
        for of_day in drafts(random, tickets, hours, at):
            loader.load(of_day)
            progress.advance(bar, len(of_day))
        macros.load(User.objects.get(pk=users.admins[0]))
        box_office.load(
            random, admin_id=users.admins[0], agent_ids=users.agents, customer_ids=users.customers, now=midnight
        )


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
