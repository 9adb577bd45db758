"""One attempt to send a delivery, and its possible outcomes."""

from dataclasses import dataclass

from kit import tracing
from notifications import mails, transport
from notifications.models import Delivery, Kind

RECIPIENT_GONE = "The user was deleted or deactivated."
REQUESTED_ELSEWHERE = "The user's address has changed since this was requested."
UNUSABLE_ADDRESS = "No mail can be sent to this address."
STAFF_ONLY = "Staff only; the recipient is no longer staff."


@dataclass(frozen=True)
class Sent:
    """The server accepted the message."""


@dataclass(frozen=True)
class NoRecipient:
    """The recipient is gone or may no longer read the message. The server was not contacted."""

    reason: str


@dataclass(frozen=True)
class Rejected:
    """The server will never accept this message."""

    reason: str


@dataclass(frozen=True)
class TemporaryFailure:
    """The attempt failed, and a later one may succeed. Includes our own bugs, so that they cannot stop other mail."""

    error: Exception


@dataclass(frozen=True)
class Unreachable:
    """No message can be sent at the moment, so this attempt does not count."""

    reason: str


Outcome = Sent | NoRecipient | Rejected | TemporaryFailure | Unreachable


def compose(delivery: Delivery) -> mails.Message | Outcome:
    """Return the message of a delivery, or why there is none. Never raises. Call it outside of transactions."""
    if reason := _update_recipient(delivery):
        return NoRecipient(reason)
    try:
        return mails.compose(delivery)
    except mails.StaffOnly:
        return NoRecipient(STAFF_ONLY)
    except mails.UnusableAddress:
        return Rejected(UNUSABLE_ADDRESS)
    except Exception as error:
        return TemporaryFailure(error)


def send(message: mails.Message, connection: transport.Connection) -> Outcome:
    """Try to send a message. Never raises."""
    try:
        with tracing.span("send mail"):
            connection.send(message)
    except transport.Unreachable as error:
        return Unreachable(str(error))
    except transport.Rejected as error:
        return Rejected(str(error))
    except Exception as error:
        return TemporaryFailure(error)
    return Sent()


def _update_recipient(delivery: Delivery) -> str:
    """Direct the delivery to its user's current address. Return why it cannot be sent, or ""."""
    if delivery.is_to_guest or delivery.kind == Kind.ADDRESS_CHANGED:
        return ""
    if not (delivery.user and delivery.user.is_active):
        return RECIPIENT_GONE
    if delivery.kind == Kind.RESET_PASSWORD and delivery.address != delivery.user.email:
        # The code would work: it is made when the mail is sent.
        return REQUESTED_ELSEWHERE
    delivery.address, delivery.name = delivery.user.email, delivery.user.name
    return ""
