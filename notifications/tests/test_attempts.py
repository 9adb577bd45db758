"""The outcomes of one attempt to send a delivery."""

from contextlib import closing
from typing import Any

import pytest
from django.core.mail import EmailMessage

from accounts.models import User
from accounts.tests.factories import make_user
from events.tests.factories import GUEST, book, make_event
from kit.tests.ports import free_port
from notifications import transport
from notifications.attempts import (
    RECIPIENT_GONE,
    UNUSABLE_ADDRESS,
    NoRecipient,
    Outcome,
    Rejected,
    Sent,
    TemporaryFailure,
    Unreachable,
    compose,
    send,
)
from notifications.models import Delivery, Kind
from notifications.services import announce_bookings
from notifications.tests.factories import make_delivery
from notifications.tests.smtp import MailServer

pytestmark = pytest.mark.django_db


def attempt(delivery: Delivery) -> Outcome:
    found = compose(delivery)
    with closing(transport.Connection()) as connection:
        return send(found, connection) if isinstance(found, EmailMessage) else found


@pytest.fixture
def delivery(owner: User) -> Delivery:
    return make_delivery(owner)


class TestAttempt:
    def test_is_sent_once_the_server_accepts(self, delivery: Delivery, mail_server: MailServer) -> None:
        assert attempt(delivery) == Sent()
        assert mail_server.addresses() == [delivery.address]

    def test_is_rejected_on_a_permanent_refusal(self, delivery: Delivery, mail_server: MailServer) -> None:
        mail_server.refusals[delivery.address] = "550 No such user"

        assert attempt(delivery) == Rejected("550 No such user")

    def test_fails_temporarily_on_a_temporary_refusal(self, delivery: Delivery, mail_server: MailServer) -> None:
        mail_server.answer = "451 Try again later"

        assert isinstance(attempt(delivery), TemporaryFailure)

    def test_fails_temporarily_on_a_bug_of_ours(self, owner: User, mail_server: MailServer) -> None:
        outcome = attempt(make_delivery(owner, kind=Kind.COMMENT_ADDED))

        assert isinstance(outcome, TemporaryFailure)
        assert isinstance(outcome.error, KeyError)

    def test_does_not_blame_the_message_without_a_server(self, delivery: Delivery, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

        outcome = attempt(delivery)

        assert isinstance(outcome, Unreachable)
        assert "ConnectionRefusedError" in outcome.reason

    def test_leaves_the_server_alone_without_a_recipient(self, delivery: Delivery, mail_server: MailServer) -> None:
        User.objects.filter(pk=delivery.user_id).update(is_active=False)
        delivery = Delivery.objects.get()

        assert attempt(delivery) == NoRecipient(RECIPIENT_GONE)
        assert mail_server.mails == []

    @pytest.mark.parametrize("address", ['"a\x0cb"@x.de', '"a\x0bb"@x.de', "a\nBcc: b@x.de", "x@localhost", ""])
    def test_is_rejected_at_once_if_the_address_is_unusable(self, mail_server: MailServer, address: str) -> None:
        booking = book(make_event(make_user()), guest=GUEST)
        announce_bookings()
        delivery = Delivery.objects.get(booking=booking)
        # As if the constraints had been bypassed.
        delivery.address = address

        assert attempt(delivery) == Rejected(UNUSABLE_ADDRESS)
        assert mail_server.addresses() == []

    def test_mails_an_address_of_plain_sql_by_its_encoded_domain(
        self, delivery: Delivery, mail_server: MailServer
    ) -> None:
        assert delivery.user
        delivery.user.email = "x@Straße.example"

        assert attempt(delivery) == Sent()
        assert mail_server.addresses() == ["x@xn--strae-oqa.example"]
