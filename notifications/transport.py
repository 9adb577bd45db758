"""Hands a mail to the server, and tells what is wrong with the server from what is wrong with the mail."""

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

# What a provider's API answers to a request that it will never take: malformed, or its contents are. Its other refusals
# are about our key, our account or our haste (401, 403, 404, 429), or its own trouble.
STATUSES_OF_REJECTION = (400, 406, 413, 415, 422)


class Unreachable(Exception):
    """The server cannot be used, by whatever mail: no connection, no answer, no sign-in, not with this sender."""


class Rejected(Exception):
    """The server will never take this mail, for this address or with these contents."""


def send(message: EmailMessage) -> None:
    """Return when the server has taken the mail, on a connection of its own.

    :raises Unreachable:
    :raises Rejected:
    :raises Exception: anything else: it may well take it later.
    """
    try:
        connection = mail.get_connection()
    except Exception as error:
        raise Unreachable(describe(error)) from error
    try:
        _open(connection)
        _hand_over(message, connection)
    finally:
        # It has the mail by now or has refused it; a poor goodbye changes neither.
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
        kind = Rejected if error.status_code in STATUSES_OF_REJECTION else Unreachable
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
    """What people read of it in the admin and in the log: the server's own words where there are any."""
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
