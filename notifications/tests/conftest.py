"""A ticket with three assignees, and mail servers to send their mail to."""

from collections.abc import Iterator
from typing import Any

import pytest

from accounts.models import User
from accounts.tests.factories import make_user
from notifications.models import Delivery
from notifications.tests.factories import clear_jobs, end_of_transaction
from notifications.tests.smtp import MailServer, SilentServer
from tickets.models import Ticket
from tickets.tests.factories import assign, make_ticket

SMTP = "django.core.mail.backends.smtp.EmailBackend"


@pytest.fixture(autouse=True)
def empty_queue(db: None) -> None:
    """Remove the jobs of earlier tests: no model of ours manages their table, so Django does not empty it."""
    clear_jobs()


@pytest.fixture
def team() -> list[User]:
    """Document 001's assignees."""
    return [make_user(name) for name in ("Max", "Dave", "Yaris")]


@pytest.fixture
def ticket(owner: User, team: list[User]) -> Ticket:
    """Document 001's ticket. The mail about its assignments has been removed."""
    ticket = make_ticket(owner, title="Fix the database")
    assign(ticket, *team)
    end_of_transaction()
    Delivery.objects.all().delete()
    clear_jobs()
    return ticket


@pytest.fixture
def mail_server(settings: Any) -> Iterator[MailServer]:
    server = MailServer()
    settings.EMAIL_BACKEND = SMTP
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_TIMEOUT = 1
    server.start()
    yield server
    server.stop()


@pytest.fixture
def silent_server(settings: Any) -> Iterator[SilentServer]:
    server = SilentServer()
    settings.EMAIL_BACKEND = SMTP
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    settings.EMAIL_TIMEOUT = 0.3
    yield server
    server.stop()
