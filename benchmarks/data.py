"""The data set of the benchmarks: a year's tickets, customers, agents and an admin.

Loaded once per database, with triggers off and indexes built last, for speed; the SQL sets the columns that triggers
derive.
"""

from collections.abc import Iterator
from contextlib import contextmanager

# Configures Django, so it comes before anything that reads settings.
from benchmarks import database, site  # isort: split

from django.core.management import call_command
from django.db import connection, transaction
from rich.console import Console
from rich.progress import track

from accounts.models import User
from analytics import services as analytics
from analytics.models import DailyCount, LastDay, MonthlyCount
from kit.db import sql
from projects.models import Project
from tickets.models import Assignment, Ticket
from tickets.services import note_title_words

TICKETS = 100_000
# Customer 1 has created 5 tickets and is assigned to 5 others, customer 2 to 5,000 each.
ORDINARY, BUSY = 1, 2
STEPS = 50


def prepare(tickets: int, console: Console) -> None:
    """Migrate the database, load the data set unless it is there, and remove what other benchmarks have left."""
    call_command("migrate", verbosity=0)
    name = f"Admin of {tickets} tickets"
    if not User.objects.filter(email=site.ADMIN, name=name).exists():
        _load(tickets, name, console)
    with _without_triggers():
        database.run("sql/reset", tickets=tickets)
    note_title_words()
    sql.vacuum(Ticket, Assignment)


def _load(tickets: int, name: str, console: Console) -> None:
    """Replace the contents of the database by the data set.

    :raises SystemExit: the database has contents that no benchmark has written.
    """
    if User.objects.exists() and not User.objects.filter(email=site.ADMIN).exists():
        raise SystemExit("BENCH_DATABASE_URL must be a database that only benchmarks use: its contents are replaced.")
    with _without_triggers():
        database.run("sql/clear")
        database.run("sql/users", customers=site.CUSTOMERS, email=site.ADMIN, name=name)
        database.run("sql/projects")
        with connection.schema_editor() as schema:
            for index in Ticket._meta.indexes:
                schema.remove_index(Ticket, index)
        step = tickets // STEPS
        for first in track(range(1, tickets + 1, step), f"Loading {tickets:,} tickets", console=console):
            last = min(first + step - 1, tickets)
            database.run("sql/tickets", first=first, last=last, total=tickets, customers=site.CUSTOMERS)
        with connection.schema_editor() as schema:
            for index in track(Ticket._meta.indexes, "Indexing them", console=console):
                schema.add_index(Ticket, index)
        database.run("sql/assignments", total=tickets, customers=site.CUSTOMERS)
        database.run("sql/label_counts")
        analytics.rebuild_daily_counts()
    sql.vacuum(User, Project, Ticket, Assignment, DailyCount, MonthlyCount, LastDay)


@contextmanager
def _without_triggers() -> Iterator[None]:
    with transaction.atomic():
        database.run("sql/triggers_off")
        yield
