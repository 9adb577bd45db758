"""Hands messages to the mail server, and tells problems with a message from problems with the server."""

import os
from collections.abc import Sequence
from contextlib import suppress
from smtplib import SMTP, SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused, SMTPServerDisconnected
from typing import cast
from uuid import uuid4

from anymail.exceptions import (
    AnymailConfigurationError,
    AnymailError,
    AnymailInvalidAddress,
    AnymailRecipientsRefused,
    AnymailRequestsAPIError,
)
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends import filebased, smtp
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from notifications.mails.message import Message
from notifications.smtp import send

# HTTP statuses by which a provider rejects the message itself. Its other errors concern our key, our account or a rate
# limit (401, 403, 404, 429), or the provider (5xx).
REJECTED_STATUSES = (400, 406, 413, 415, 422)
# Refusals of one message, after which the connection can be used for the next one.
REFUSALS = (SMTPRecipientsRefused, SMTPDataError, AnymailRecipientsRefused, AnymailInvalidAddress)
# The SMTP status by which a server announces that it ends the connection.
CLOSING = 421


class Unreachable(Exception):
    """No message can be sent: the server does not reply, or it rejects our sign-in or our sender."""


class Rejected(Exception):
    """The server will never accept this message, because of its recipient or its contents."""


class FileBackend(filebased.EmailBackend):
    """Writes a file per message. Django's own name for it repeats within a second."""

    def send_messages(self, messages: Sequence[EmailMessage]) -> int:
        self._fname = os.path.join(self.file_path, f"{timezone.now():%Y%m%d-%H%M%S-%f}-{uuid4().hex[:8]}.log")
        try:
            return super().send_messages(messages)
        finally:
            self.close()


class Connection:
    """A connection to the mail server for any number of messages, opened when the first is sent."""

    def __init__(self) -> None:
        self.backend: BaseEmailBackend | None = None

    def send(self, message: EmailMessage) -> None:
        """Send a message. Return once the server has accepted it.

        :raises Unreachable: no message can be sent at the moment.
        :raises Rejected: the server will never accept this one.
        :raises Exception: anything else; a later attempt may succeed.
        """
        if self.backend is None:
            self._hand_over(message, self._open())
            return
        try:
            self._hand_over(message, self.backend)
        except Exception as error:
            # Servers end connections after some time or number of messages. The message then gets a new one.
            if not _was_closed(error.__cause__ or error):
                raise
            self._hand_over(message, self._open())

    def close(self) -> None:
        if self.backend:
            # The server has replied to each message by now; an error on closing does not change that.
            with suppress(Exception):
                self.backend.close()
            self.backend = None

    def _open(self) -> BaseEmailBackend:
        try:
            self.backend = mail.get_connection()
            self.backend.open()
        except Exception as error:
            self.close()
            raise Unreachable(describe(error)) from error
        return self.backend

    def _hand_over(self, message: EmailMessage, backend: BaseEmailBackend) -> None:
        try:
            _hand_over(message, backend)
        except Exception as error:
            if not isinstance(error.__cause__ or error, REFUSALS) or _was_closed(error.__cause__ or error):
                self.close()
            raise


def _was_closed(error: BaseException) -> bool:
    """Return whether the server has ended the connection, with or without a word."""
    match error:
        case SMTPServerDisconnected() | ConnectionError():
            return True
        case SMTPRecipientsRefused() | SMTPDataError():
            return smtp_code(error) == CLOSING
        case SMTPSenderRefused():
            return error.smtp_code == CLOSING
        case AnymailRequestsAPIError():
            # Without a response, the connection failed.
            return error.status_code is None
    return False


def _hand_over(message: EmailMessage, backend: BaseEmailBackend) -> None:
    try:
        if isinstance(message, Message) and type(backend) is smtp.EmailBackend:
            # Django's backend would have the message composed again.
            send(cast(SMTP, backend.connection), message.sender, message.address, message.as_bytes())
        else:
            backend.send_messages([message])
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
    # PostgreSQL stores neither NUL nor lone surrogates.
    return _describe(error).replace("\0", "").encode(errors="replace").decode()


def _describe(error: BaseException) -> str:
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
