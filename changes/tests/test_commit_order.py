"""Readers of the log see every committed change once, and those of an object in the order of their commits.

Writers with connections of their own commit in another order than they wrote, and roll some of it back. The twin reads
the inbox by id, as a log without a sequencer would be read, and has to miss changes.
"""

import random
import threading
import time
from collections import defaultdict
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from accounts.models import User
from changes import queries, services
from changes.models import Change, InboxRow, Log
from changes.tests.test_api import SignIn
from projects.tests.psql import psql
from tickets.models import Ticket
from tickets.tests.factories import make_ticket

pytestmark = [
    pytest.mark.slow,
    pytest.mark.database,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]

WRITERS = 6
TRANSACTIONS = 30
TICKETS = 5
# A ticket and its version after a change.
Seen = tuple[int, int]


class Undone(Exception):
    """Rolls a transaction back."""


def write(seed: int, ticket_ids: list[int], committed: list[Seen]) -> None:
    """Change one to three tickets in each transaction, take some time before the end, and undo every third."""
    dice = random.Random(seed)
    for _ in range(TRANSACTIONS):
        chosen = sorted(dice.sample(ticket_ids, dice.choice([1, 1, 2, 3])))
        try:
            with transaction.atomic():
                changed = []
                for ticket_id in chosen:
                    psql(
                        "UPDATE tickets_ticket SET title = %(title)s WHERE id = %(id)s",
                        id=ticket_id,
                        title=_title(dice),
                    )
                    ((version,),) = psql("SELECT version FROM tickets_ticket WHERE id = %(id)s", id=ticket_id)
                    changed.append((ticket_id, version))
                time.sleep(dice.choice([0, 0, 0.002, 0.01, 0.03]))
                if dice.random() < 0.3:
                    raise Undone
        except Undone:
            continue
        committed.extend(changed)
    connection.close()


def _title(dice: random.Random) -> str:
    return f"Ticket {dice.random()}"


def watch(read: Callable[[], list[Seen]], tickets: list[int]) -> tuple[list[Seen], list[Seen]]:
    """Read again and again while writers work. Return what was seen and what was committed."""
    committed: list[Seen] = []
    writers = [threading.Thread(target=write, args=(seed, tickets, committed)) for seed in range(WRITERS)]
    seen: list[Seen] = []
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        seen.extend(read())
        time.sleep(0.001)
    for writer in writers:
        writer.join()
    seen.extend(read())
    return seen, committed


@pytest.fixture
def tickets(owner: User) -> list[int]:
    return [make_ticket(owner).pk for _ in range(TICKETS)]


def versions(seen: list[Seen]) -> dict[int, list[int]]:
    found = defaultdict(list)
    for ticket_id, version in seen:
        found[ticket_id].append(version)
    return found


class TestReaders:
    def test_see_each_committed_change_once_in_order(self, tickets: list[int], admin: User, signed_in: SignIn) -> None:
        client = signed_in(admin)
        cursor = client.get("/changes").json()["nextCursor"]

        def read() -> list[Seen]:
            nonlocal cursor
            page = client.get("/changes", {"after": cursor, "limit": 1000, "types": "ticket"}).json()
            cursor = page["nextCursor"]
            return [(item["id"], item["version"]) for item in page["items"]]

        seen, committed = watch(read, tickets)

        assert sorted(seen) == sorted(committed)
        assert all(found == sorted(found) for found in versions(seen).values())

    def test_of_ids_instead_of_positions_miss_some(self, tickets: list[int]) -> None:
        """The twin: nobody runs the sequencer."""
        services.sequence()
        last = 0

        def read() -> list[Seen]:
            nonlocal last
            rows = list(InboxRow.objects.filter(pk__gt=last, type="ticket").order_by("pk"))
            last = max([last, *(row.pk for row in rows)])
            return [(row.object_id, row.version or 0) for row in rows]

        seen, committed = watch(read, tickets)

        assert set(committed) - set(seen)

    def test_that_run_the_sequencer_at_once_share_no_position(self, tickets: list[int]) -> None:
        stop = threading.Event()

        def sequence() -> None:
            while not stop.is_set():
                services.sequence()
            connection.close()

        others = [threading.Thread(target=sequence) for _ in range(3)]
        for other in others:
            other.start()
        first = queries.end()

        _, committed = watch(list, tickets)
        stop.set()
        for other in others:
            other.join()
        last = queries.end()

        positions = list(
            Change.objects.filter(position__gt=first).order_by("position").values_list("position", flat=True)
        )
        assert positions == list(range(first + 1, last + 1))
        logged = Change.objects.filter(position__gt=first).order_by("position").values_list("object_id", "version")
        assert sorted(logged) == sorted(committed)
        assert all(
            found == sorted(found)
            for found in versions([(number, version or 0) for number, version in logged]).values()
        )


class TestSequencer:
    def test_leaves_out_what_is_not_committed(self, tickets: list[int]) -> None:
        first = queries.end()
        wrote, may_commit = threading.Event(), threading.Event()

        def write_slowly() -> None:
            with transaction.atomic():
                Ticket.objects.filter(pk=tickets[0]).update(title="Slowly")
                wrote.set()
                may_commit.wait(10)
            connection.close()

        writer = threading.Thread(target=write_slowly)
        writer.start()
        wrote.wait(10)
        Ticket.objects.filter(pk=tickets[1]).update(title="Quickly")
        before = queries.end()
        may_commit.set()
        writer.join()
        after = queries.end()

        ids = list(Change.objects.filter(position__gt=first).order_by("position").values_list("object_id", flat=True))
        assert (before, after) == (first + 1, first + 2)
        assert ids == [tickets[1], tickets[0]]

    def test_skips_the_remains_of_what_it_has_moved(self, tickets: list[int]) -> None:
        """Without a hint, it would read over all rows that it has deleted and that PostgreSQL still keeps."""
        ((last_id,),) = psql("SELECT last_value FROM changes_inbox_id_seq")
        deadline = time.monotonic() + 60
        number = 0

        # Transactions in other databases delay it.
        while Log.objects.get().settled_id < last_id and time.monotonic() < deadline:
            Ticket.objects.filter(pk=tickets[0]).update(title=f"Ticket {(number := number + 1)}")
            services.sequence()

        assert Log.objects.get().settled_id >= last_id

    def test_never_skips_rows_of_transactions_that_take_long(self, tickets: list[int]) -> None:
        first = queries.end()
        wrote, may_commit = threading.Event(), threading.Event()

        def write_slowly() -> None:
            with transaction.atomic():
                Ticket.objects.filter(pk=tickets[0]).update(title="Slowly")
                wrote.set()
                may_commit.wait(10)
            connection.close()

        writer = threading.Thread(target=write_slowly)
        writer.start()
        wrote.wait(10)
        for number in range(5):
            Ticket.objects.filter(pk=tickets[1]).update(title=f"Ticket {number}")
            services.sequence()
        may_commit.set()
        writer.join()

        assert queries.end() == first + 6
