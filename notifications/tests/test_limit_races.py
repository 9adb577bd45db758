"""Several workers at once: the limits hold, and no message is lost. Each race has a twin without locks that sees it."""

import re
import subprocess
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.core import mail
from django.db import connection
from django.utils import timezone

from accounts.models import User
from accounts.tests.factories import make_user
from kit.tests import races
from notifications.models import Delivery, Kind, State
from notifications.tests.factories import make_delivery, run_worker
from notifications.tests.smtp import MailServer, wait_until
from notifications.tests.test_faults import StartWorker, start_worker  # noqa: F401
from projects.tests.psql import psql
from tickets.models import Ticket
from tickets.tests.factories import make_ticket

pytestmark = [
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
    pytest.mark.database,
    pytest.mark.slow,
]

ADMIT = (configured.BASE_DIR / "notifications/sql/functions/admit.sql").read_text()
LOCK = re.compile(r"PERFORM pg_advisory_xact_lock\(.*\);")
WORKERS = 4


@pytest.fixture
def replace_function() -> Any:
    """Return a function that replaces notifications_admit until the end of the test."""
    yield lambda text: psql(text)
    psql(ADMIT)


def slow(text: str) -> str:
    """Return the function with a pause between counting and recording."""
    slowed = re.sub(
        r"UPDATE notifications_delivery|PERFORM notifications_summarise", r"PERFORM pg_sleep(0.3); \g<0>", text
    )
    assert slowed.count("pg_sleep") == 3
    return slowed


def without_locks(text: str) -> str:
    unlocked, number = LOCK.subn("NULL;", text)
    assert number == 1
    return unlocked


@pytest.fixture
def ticket(owner: User) -> Ticket:
    return make_ticket(owner)


def mails_to(users: list[User], ticket: Ticket, **fields: Any) -> list[Delivery]:
    payload = {"title": ticket.title, "status": ticket.status, "assignees": [], "first_event": 1, "last_event": 1}
    return [
        make_delivery(user, kind=Kind.TICKET_UPDATED, ticket=ticket, about=f"test {number}", payload=payload, **fields)
        for number, user in enumerate(users)
    ]


def is_admitted(delivery: Delivery) -> bool:
    """Return what the database decides about this delivery alone."""
    limits = {name: getattr(configured, name) for name in ("MAIL_PER_RECIPIENT", "MAIL_PER_CUSTOMER", "MAIL_PER_GUEST")}
    ((is_sent,),) = psql(
        "SELECT notifications_admit(%(id)s, %(at)s, %(MAIL_PER_RECIPIENT)s, %(MAIL_PER_CUSTOMER)s, %(MAIL_PER_GUEST)s)",
        id=delivery.pk,
        at=timezone.now(),
        **limits,
    )
    return bool(is_sent)


def admit_together(deliveries: list[Delivery]) -> Counter[bool]:
    def admit(delivery: Delivery) -> Callable[[], bool]:
        return lambda: is_admitted(delivery)

    return Counter(races.at_once(*(admit(delivery) for delivery in deliveries)))


class TestLimitPerRecipient:
    @pytest.fixture
    def deliveries(self, outsider: User, ticket: Ticket, settings: Any) -> list[Delivery]:
        settings.MAIL_PER_RECIPIENT = 1
        return mails_to([outsider] * WORKERS, ticket)

    def test_holds_for_several_workers(self, deliveries: list[Delivery], replace_function: Any) -> None:
        replace_function(slow(ADMIT))

        assert admit_together(deliveries) == {True: 1, False: WORKERS - 1}
        assert Delivery.objects.get(kind=Kind.TICKET_SUMMARY).summarised.count() == WORKERS - 1

    def test_would_not_hold_without_locks(self, deliveries: list[Delivery], replace_function: Any) -> None:
        replace_function(slow(without_locks(ADMIT)))

        assert admit_together(deliveries)[True] > 1


class TestLimitPerCustomer:
    @pytest.fixture
    def deliveries(self, owner: User, ticket: Ticket, settings: Any) -> list[Delivery]:
        settings.MAIL_PER_CUSTOMER = 1
        return mails_to([make_user(f"User {number}") for number in range(WORKERS)], ticket, caused_by=owner)

    def test_holds_for_several_workers(self, deliveries: list[Delivery], replace_function: Any) -> None:
        replace_function(slow(ADMIT))

        assert admit_together(deliveries) == {True: 1, False: WORKERS - 1}

    def test_would_not_hold_without_locks(self, deliveries: list[Delivery], replace_function: Any) -> None:
        replace_function(slow(without_locks(ADMIT)))

        assert admit_together(deliveries)[True] > 1


def notices(users: list[User], addresses: list[str]) -> list[Delivery]:
    return [
        make_delivery(user, kind=Kind.ADDRESS_CHANGED, address=address, about=f"test {number}")
        for number, (user, address) in enumerate(zip(users, addresses, strict=True))
    ]


@pytest.mark.parametrize("shared", ["account", "address"])
class TestLimitOnNotices:
    @pytest.fixture
    def deliveries(self, owner: User, shared: str, settings: Any) -> list[Delivery]:
        settings.MAIL_PER_GUEST = 1
        numbers = range(WORKERS)
        if shared == "account":
            return notices([owner] * WORKERS, [f"stranger-{number}@example.com" for number in numbers])
        return notices([make_user(f"User {number}") for number in numbers], ["stranger@example.com"] * WORKERS)

    def test_holds_for_several_workers(self, deliveries: list[Delivery], replace_function: Any) -> None:
        replace_function(slow(ADMIT))

        assert admit_together(deliveries) == {True: 1, False: WORKERS - 1}

    def test_would_not_hold_without_locks(self, deliveries: list[Delivery], replace_function: Any) -> None:
        replace_function(slow(without_locks(ADMIT)))

        assert admit_together(deliveries)[True] > 1


class TestSummary:
    @pytest.fixture
    def deliveries(self, outsider: User, ticket: Ticket, settings: Any) -> list[Delivery]:
        """Two messages that become part of a summary; the first already is, and the summary is due."""
        settings.MAIL_PER_RECIPIENT = 0
        deliveries = mails_to([outsider] * 2, ticket)
        is_admitted(deliveries[0])
        Delivery.objects.filter(kind=Kind.TICKET_SUMMARY).update(next_attempt_at=timezone.now())
        # Only the test adds the second one.
        Delivery.objects.filter(pk=deliveries[1].pk).update(next_attempt_at=timezone.now() + timedelta(hours=1))
        return deliveries

    def send_while_another_is_added(self, deliveries: list[Delivery]) -> str:
        """Send the summary while another worker adds the second message to it; return its text."""
        races.during(
            lambda: is_admitted(deliveries[1]),
            lambda: run_worker(at=timezone.now()),
        )
        (message,) = mail.outbox
        return str(message.body)

    def test_lists_a_message_that_is_added_at_the_last_moment(self, deliveries: list[Delivery]) -> None:
        assert "(Open): 2 updates\n" in self.send_while_another_is_added(deliveries)

    def test_would_lose_it_without_locks(self, deliveries: list[Delivery], replace_function: Any) -> None:
        replace_function(without_locks(ADMIT))

        assert "(Open): 1 update\n" in self.send_while_another_is_added(deliveries)
        assert Delivery.objects.get(kind=Kind.TICKET_SUMMARY).summarised.count() == 2

    def test_is_one_for_several_workers(self, outsider: User, ticket: Ticket, settings: Any) -> None:
        settings.MAIL_PER_RECIPIENT = 0

        admit_together(mails_to([outsider] * WORKERS, ticket))

        assert Delivery.objects.get(kind=Kind.TICKET_SUMMARY).summarised.count() == WORKERS


class TestKilledWorker:
    def test_neither_exceeds_the_limit_nor_loses_a_message(
        self,
        outsider: User,
        ticket: Ticket,
        mail_server: MailServer,
        start_worker: StartWorker,  # noqa: F811
    ) -> None:
        mails_to([outsider] * 8, ticket)
        mail_server.answers_up_to = 1
        worker = start_worker(WORKER_CONCURRENCY="1", MAIL_TIMEOUT="30", MAIL_PER_RECIPIENT="3")
        wait_until(lambda: len(mail_server.mails) == 2)
        worker.kill()
        worker.wait()
        states_when_killed = Counter(Delivery.objects.values_list("state", flat=True))
        mail_server.answers_up_to = 100

        worker = start_worker(MAIL_PER_RECIPIENT="3")
        wait_until(lambda: not Delivery.objects.filter(state=State.PENDING, ticket__isnull=False).exists())
        Delivery.objects.filter(kind=Kind.TICKET_SUMMARY).update(next_attempt_at=timezone.now())
        wait_until(lambda: not Delivery.objects.filter(state=State.PENDING).exists())
        stop(worker)

        assert State.SENT not in states_when_killed
        # The two that were being sent arrive twice, with the same Message-ID.
        assert len({message["Message-ID"] for message in mail_server.mails}) == 3 + 1
        assert len(mail_server.mails) == 3 + 1 + 2
        assert sum("(Open): 5 updates" in str(message.get_body(("plain",))) for message in mail_server.mails) == 1
        assert Counter(Delivery.objects.values_list("state", flat=True)) == {State.SENT: 4, State.SUMMARISED: 5}


def stop(worker: "subprocess.Popen[bytes]") -> None:
    worker.terminate()
    worker.wait(120)
    connection.close()
