"""Hands messages to the mail server, and tells problems with a message from problems with the server."""

from contextlib import suppress
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused

from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
)
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

# HTTP statuses by which a provider rejects the message itself. Its other errors concern our key, our account or a rate
# limit (401, 403, 404, 429), or the provider (5xx).
REJECTED_STATUSES = (400, 406, 413, 415, 422)


class Unreachable(Exception):
    """No message can be sent: the server does not reply, or it rejects our sign-in or our sender."""


class Rejected(Exception):
    """The server will never accept this message, because of its recipient or its contents."""


def send(message: EmailMessage) -> None:
    """Send a message over a new connection. Return once the server has accepted it.

    :raises Unreachable: no message can be sent at the moment.
    :raises Rejected: the server will never accept this one.
    :raises Exception: anything else; a later attempt may succeed.
    """
    try:
        connection = mail.get_connection()
    except Exception as error:
        raise Unreachable(describe(error)) from error
    try:
        _open(connection)
        _hand_over(message, connection)
    finally:
        # The server has replied by now; an error on closing does not change that.
        with suppress(Exception):
            connection.close()


def _open(connection: BaseEmailBackend) -> None:
    try:
        connection.open()
    except Exception as error:
        raise Unreachable(describe(error)) from error


def _hand_over(message: EmailMessage, connection: BaseEmailBackend) -> None:
    try:
        connection.send_messages([message])
    except (SMTPSenderRefused, AnymailConfigurationError) as error:
        raise Unreachable(describe(error)) from error
    except (AnymailInvalidAddress, AnymailRecipientsRefused) as error:
        raise Rejected(describe(error)) from error
    except AnymailRequestsAPIError as error:
        kind = Rejected if error.status_code in REJECTED_STATUSES else Unreachable
        raise kind(describe(error)) from error
    except (SMTPRecipientsRefused, SMTPDataError) as error:
        if smtp_code(error) >= 500:
            raise Rejected(describe(error)) from error
        raise


def smtp_code(error: SMTPRecipientsRefused | SMTPDataError) -> int:
    if isinstance(error, SMTPRecipientsRefused):
        return min(code for code, _ in error.recipients.values())
    return error.smtp_code


def describe(error: BaseException) -> str:
    """Return the error as the admin and the log show it: the server's own words where there are any."""
    match error:
        case SMTPRecipientsRefused():
            answers = list(error.recipients.values())
        case SMTPDataError() | SMTPSenderRefused():
            answers = [(error.smtp_code, error.smtp_error)]  # type: ignore[list-item]
        case AnymailError():
            return str(error)
        case _:
            return f"{type(error).__name__}: {error}"
    return "; ".join(f"{code} {words(answer)}" for code, answer in answers)


def words(answer: bytes | str) -> str:
    return answer.decode(errors="replace") if isinstance(answer, bytes) else answer
