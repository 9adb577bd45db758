"""Mail faults: the ticket changes all the same, every message arrives, and none twice without need."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.db import connection, connections, transaction
from django.utils import timezone
from rest_framework.test import APIClient

import notifications.sending
from accounts.models import User
from kit.db import configuration
from notifications.models import Delivery, Outage, State
from notifications.services import retry
from notifications.tests.factories import (
    due_ids,
    end_of_transaction,
    make_delivery,
    run_worker,
)
from notifications.tests.smtp import MailServer, SilentServer, wait_until
from tickets import services
from tickets.models import Ticket

pytestmark = pytest.mark.database

SignedIn = Callable[[User], APIClient]
StartWorker = Callable[..., "subprocess.Popen[bytes]"]
TEAM = ["dave", "max", "yaris"]


@pytest.fixture
def start_worker(mail_server: MailServer) -> Iterator[StartWorker]:
    """`start_worker()` runs `manage.py worker` on the test database and mail server."""
    started: list[subprocess.Popen[bytes]] = []

    def start(**environment: str) -> subprocess.Popen[bytes]:
        mail = {
            "EMAIL_URL": f"smtp://127.0.0.1:{mail_server.port}",
            "DATABASE_URL": configuration.connection_url(connection.settings_dict),
        }
        command = [sys.executable, "manage.py", "worker"]
        started.append(subprocess.Popen(command, cwd=configured.BASE_DIR, env={**os.environ, **mail, **environment}))
        return started[-1]

    yield start
    mail_server.says_goodbye = True
    for worker in started:
        worker.kill()
        worker.wait()


def change(ticket: Ticket) -> None:
    services.update(ticket_id=ticket.pk, by=ticket.created_by, at=timezone.now(), status="in-progress")
    end_of_transaction()


def is_changed(ticket: Ticket) -> bool:
    return Ticket.objects.get(pk=ticket.pk).status == "in-progress"


def recipients(server: MailServer) -> list[str]:
    return [address.split(".")[0] for address in server.addresses()]


def states() -> list[str]:
    return [state for (state,) in Delivery.objects.order_by("name").values_list("state")]


class TestWorkingServer:
    def test_gets_one_mail_per_assignee(self, ticket: Ticket, mail_server: MailServer) -> None:
        change(ticket)

        run_worker(at=timezone.now())

        assert recipients(mail_server) == TEAM
        assert states() == [State.SENT] * 3

    def test_gets_no_second_mail_when_the_worker_looks_again(self, ticket: Ticket, mail_server: MailServer) -> None:
        change(ticket)
        for _ in range(2):
            run_worker(at=timezone.now())

        assert recipients(mail_server) == TEAM

    def test_gets_all_mail_over_one_connection(self, ticket: Ticket, mail_server: MailServer) -> None:
        for venue in range(10):
            services.update(ticket_id=ticket.pk, by=ticket.created_by, at=timezone.now(), venue=f"Hall {venue}")
            end_of_transaction()

        run_worker(at=timezone.now())

        assert recipients(mail_server) == sorted(TEAM * 10)
        assert mail_server.connections == 1


class TestServerThatIsDown:
    def test_costs_no_attempt(self, ticket: Ticket, mail_server: MailServer) -> None:
        mail_server.stop()
        change(ticket)

        run_worker(at=timezone.now())

        assert is_changed(ticket)
        assert states() == [State.PENDING] * 3
        assert list(Delivery.objects.values_list("attempts", flat=True)) == [0, 0, 0]
        assert "ConnectionRefusedError" in Outage.objects.get().last_error

    def test_gets_each_mail_once_after_an_hour(self, ticket: Ticket, mail_server: MailServer) -> None:
        mail_server.stop()
        change(ticket)
        at = timezone.now()
        run_worker(at=at)
        for minute in range(1, 60):
            run_worker(at=at + timedelta(minutes=minute))
        mail_server.start()

        for minute in range(60, 67):
            run_worker(at=at + timedelta(minutes=minute))

        assert recipients(mail_server) == TEAM
        assert states() == [State.SENT] * 3
        assert not Outage.objects.exists()

    def test_is_tried_at_growing_intervals(self, ticket: Ticket, mail_server: MailServer) -> None:
        mail_server.stop()
        change(ticket)
        at = timezone.now()
        run_worker(at=at)

        for second in range(0, 3600, 30):
            run_worker(at=at + timedelta(seconds=second))

        # After 30 s, then 1, 2 and 4 minutes, then every 5.
        assert 14 <= Outage.objects.get().failures <= 16

    def test_gets_the_backlog_after_a_week(self, ticket: Ticket, mail_server: MailServer) -> None:
        mail_server.stop()
        change(ticket)
        at = timezone.now()
        for hour in range(0, 7 * 24, 12):
            run_worker(at=at + timedelta(hours=hour))
        mail_server.start()

        run_worker(at=at + timedelta(days=7))

        assert recipients(mail_server) == TEAM

    def test_is_tested_with_one_mail_first(self, ticket: Ticket, mail_server: MailServer) -> None:
        mail_server.stop()
        change(ticket)
        at = timezone.now()
        run_worker(at=at)

        later = at + timedelta(minutes=1)
        (claimed,) = notifications.sending._claim(due_ids(at=later), at=later)

        assert claimed["is_outage"]


@pytest.mark.slow
class TestServerThatHangs:
    def test_delays_no_request_and_loses_no_mail(
        self, ticket: Ticket, silent_server: SilentServer, owner: User, outsider: User, signed_in: SignedIn
    ) -> None:
        response = signed_in(owner).post(f"/tickets/{ticket.pk}/assign", {"userId": outsider.pk})
        end_of_transaction()
        connections_by_the_request = len(silent_server.connections)
        run_worker(at=timezone.now())

        assert response.status_code == 200
        assert connections_by_the_request == 0
        assert states() == [State.PENDING] * 4
        # The first delivery notices; the others do not try.
        assert len(silent_server.connections) == 1
        assert "timed out" in Outage.objects.get().last_error

    def test_gets_each_mail_once_when_it_responds_again(
        self, ticket: Ticket, silent_server: SilentServer, settings: Any
    ) -> None:
        change(ticket)
        run_worker(at=timezone.now())
        server = MailServer()
        server.start()
        settings.EMAIL_PORT = server.port

        run_worker(at=timezone.now() + timedelta(minutes=1))
        server.stop()

        assert recipients(server) == TEAM


class TestTemporaryRefusal:
    def test_is_retried(self, ticket: Ticket, mail_server: MailServer) -> None:
        mail_server.answer = "451 Try again later"
        change(ticket)
        at = timezone.now()
        run_worker(at=at)
        mail_server.answer = "250 OK"

        run_worker(at=at + timedelta(seconds=20))
        too_early = recipients(mail_server)
        run_worker(at=at + timedelta(minutes=1))

        assert too_early == []
        assert recipients(mail_server) == TEAM
        assert set(Delivery.objects.values_list("attempts", "last_error")) == {(2, "451 Try again later")}

    def test_is_retried_for_mail_retry_hours(self, ticket: Ticket, mail_server: MailServer, settings: Any) -> None:
        settings.MAIL_RETRY_HOURS = 2
        mail_server.answer = "451 Try again later"
        change(ticket)
        began = at = timezone.now()
        run_worker(at=at)

        while State.PENDING in states():
            at = max(Delivery.objects.values_list("next_attempt_at", flat=True))
            run_worker(at=at)

        assert states() == [State.DEAD] * 3
        assert timedelta(hours=1.8) < at - began < timedelta(hours=2.3)
        assert set(Delivery.objects.values_list("attempts", "last_error")) == {(9, "451 Try again later")}

    def test_is_not_an_outage(self, ticket: Ticket, mail_server: MailServer) -> None:
        mail_server.answer = "451 Try again later"
        change(ticket)

        run_worker(at=timezone.now())

        assert not Outage.objects.exists()

    def test_of_one_address_does_not_delay_others(
        self, ticket: Ticket, team: list[User], mail_server: MailServer
    ) -> None:
        mail_server.refusals[team[0].email] = "450 Mailbox busy"
        change(ticket)
        at = timezone.now()
        run_worker(at=at)
        others = recipients(mail_server)
        mail_server.refusals.clear()

        run_worker(at=at + timedelta(minutes=1))

        assert others == ["dave", "yaris"]
        assert recipients(mail_server) == TEAM


class TestRefusedAddress:
    def test_does_not_stop_the_other_mail(self, ticket: Ticket, team: list[User], mail_server: MailServer) -> None:
        mail_server.refusals[team[1].email] = "550 No such user"
        change(ticket)

        run_worker(at=timezone.now())

        assert recipients(mail_server) == ["max", "yaris"]
        assert states() == [State.FAILED, State.SENT, State.SENT]
        assert Delivery.objects.get(user=team[1]).last_error == "550 No such user"

    def test_gets_its_mail_once_corrected_and_retried(
        self, ticket: Ticket, team: list[User], mail_server: MailServer
    ) -> None:
        mail_server.refusals[team[1].email] = "550 No such user"
        change(ticket)
        at = timezone.now()
        run_worker(at=at)
        User.objects.filter(pk=team[1].pk).update(email="dave.right@example.com")

        retry(Delivery.objects.all(), at=at)
        run_worker(at=at)

        assert recipients(mail_server) == TEAM
        assert len(mail_server.of("dave.right@example.com")) == 1


class TestRefusedSender:
    def test_is_an_outage(self, ticket: Ticket, mail_server: MailServer) -> None:
        mail_server.refused_sender = "550 Not from you"
        change(ticket)
        at = timezone.now()
        run_worker(at=at)
        waiting = states()
        mail_server.refused_sender = ""

        run_worker(at=at + timedelta(minutes=1))

        assert waiting == [State.PENDING] * 3
        assert recipients(mail_server) == TEAM


@pytest.mark.slow
class TestServerThatHangsOnQuit:
    def test_counts_as_having_accepted_the_mail(self, ticket: Ticket, mail_server: MailServer, settings: Any) -> None:
        settings.EMAIL_TIMEOUT = 0.3
        mail_server.says_goodbye = False
        change(ticket)

        run_worker(at=timezone.now())
        mail_server.says_goodbye = True

        assert recipients(mail_server) == TEAM
        assert states() == [State.SENT] * 3


class TestRolledBackChange:
    def test_sends_no_mail(self, ticket: Ticket, mail_server: MailServer) -> None:
        with transaction.atomic():
            change(ticket)
            transaction.set_rollback(True)
        run_worker(at=timezone.now())

        assert not is_changed(ticket)
        assert mail_server.mails == []
        assert not Delivery.objects.exists()


class TestBug:
    def test_stops_only_its_own_mail(self, ticket: Ticket, team: list[User], mail_server: MailServer) -> None:
        change(ticket)
        Delivery.objects.filter(user=team[0]).update(payload={})

        run_worker(at=timezone.now())

        assert recipients(mail_server) == ["dave", "yaris"]
        assert Delivery.objects.get(user=team[0]).last_error == "KeyError: 'first_event'"


class TestFormerUser:
    def test_gets_no_mail(self, ticket: Ticket, team: list[User], mail_server: MailServer) -> None:
        change(ticket)
        User.objects.filter(pk=team[0].pk).update(is_active=False)
        team[1].delete()

        run_worker(at=timezone.now())

        assert recipients(mail_server) == ["yaris"]
        assert Delivery.objects.filter(state=State.FAILED).count() == 2


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestTwoWorkersWithOneDelivery:
    def test_send_one_mail(self, owner: User, mail_server: MailServer) -> None:
        self.deliver_twice_at_once(make_delivery(owner), mail_server)

        assert len(mail_server.mails) == 1

    def test_would_send_two_mails_without_the_lock(
        self, owner: User, mail_server: MailServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(
            notifications.sending, "_claim", lambda ids, at: [{"id": number, "is_outage": False} for number in ids]
        )
        # Both have chosen the delivery before one of them claims it.
        monkeypatch.setattr(notifications.sending, "_admit", choose_all)

        self.deliver_twice_at_once(make_delivery(owner), mail_server)

        assert len(mail_server.mails) == 2

    def deliver_twice_at_once(self, delivery: Delivery, mail_server: MailServer) -> None:
        mail_server.answers_up_to = 0
        with ThreadPoolExecutor(2) as pool:
            first = pool.submit(deliver_and_disconnect)
            wait_until(lambda: mail_server.mails)
            second = pool.submit(deliver_and_disconnect)
            sleep = time.monotonic() + 0.7
            wait_until(lambda: second.done() or time.monotonic() > sleep)
            mail_server.answers_up_to = 10
            first.result(), second.result()


def choose_all(*, at: datetime) -> list[dict[str, Any]]:
    return [{"id": number, "is_sent": True} for number in due_ids(at=at)]


def deliver_and_disconnect() -> None:
    try:
        run_worker(at=timezone.now())
    finally:
        connections.close_all()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestSlowServer:
    def test_does_not_block_deleting_a_recipient(
        self, ticket: Ticket, team: list[User], mail_server: MailServer, start_worker: StartWorker
    ) -> None:
        """No row is locked while a message is being sent."""
        change(ticket)
        mail_server.answers_up_to = 0
        worker = start_worker(MAIL_TIMEOUT="10")
        wait_until(lambda: mail_server.mails)

        began = time.monotonic()
        team[0].delete()
        took = time.monotonic() - began
        mail_server.answers_up_to = 10
        worker.terminate()
        worker.wait(120)

        # With the row locked, it would have waited until the timeout and failed.
        assert took < 3


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestWorker:
    def test_sends_soon_after_the_change_and_stops_on_sigterm(
        self, ticket: Ticket, mail_server: MailServer, start_worker: StartWorker
    ) -> None:
        worker = start_worker()
        wait_until(is_listening)
        began = time.monotonic()
        change(ticket)
        wait_until(lambda: len(mail_server.mails) == 3)
        took = time.monotonic() - began
        worker.terminate()

        assert worker.wait(120) == 0
        # NOTIFY woke it: it looks for mail by itself every 3 seconds.
        assert took < 15
        assert recipients(mail_server) == TEAM
        assert states() == [State.SENT] * 3

    def test_resends_at_most_a_batch_when_killed(
        self, ticket: Ticket, owner: User, mail_server: MailServer, start_worker: StartWorker
    ) -> None:
        """SIGKILL between the server's 250 and the commit. A message may be sent twice, but never lost."""
        for venue in range(10):
            services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), venue=f"Hall {venue}")
        mail_server.answers_up_to = 16
        worker = start_worker(WORKER_CONCURRENCY="1", MAIL_TIMEOUT="30")
        wait_until(lambda: len(mail_server.mails) == 17)
        worker.kill()
        worker.wait()
        recorded = states().count(State.SENT)
        mail_server.answers_up_to = 100

        worker = start_worker()
        wait_until(lambda: states() == [State.SENT] * 30)
        worker.terminate()
        worker.wait(120)

        assert 17 - notifications.sending.BATCH <= recorded < 17
        assert len(mail_server.mails) == 30 + 17 - recorded
        # Both copies have the same Message-ID, so that mail programs show one.
        assert len({mail["Message-ID"] for mail in mail_server.mails}) == 30

    def test_sends_the_backlog_on_start(
        self, ticket: Ticket, mail_server: MailServer, start_worker: StartWorker
    ) -> None:
        change(ticket)

        worker = start_worker()
        wait_until(lambda: states() == [State.SENT] * 3)
        worker.terminate()
        worker.wait(120)

        assert recipients(mail_server) == TEAM

    def test_shares_the_work_with_another_worker(
        self, ticket: Ticket, owner: User, mail_server: MailServer, start_worker: StartWorker
    ) -> None:
        for venue in range(10):
            services.update(ticket_id=ticket.pk, by=owner, at=timezone.now(), venue=f"Hall {venue}")

        workers = [start_worker(), start_worker()]
        wait_until(lambda: states() == [State.SENT] * 30)
        for worker in workers:
            worker.terminate()
            worker.wait(120)

        assert recipients(mail_server) == sorted(TEAM * 10)


def is_listening() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_stat_activity"
            " WHERE datname = current_database() AND query LIKE 'LISTEN _mail%')"
        )
        (found,) = cursor.fetchone()
    return bool(found)
