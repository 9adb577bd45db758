"""Real mail servers on this machine that fail on demand."""

import asyncio
import socket
import time
from collections.abc import Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from threading import Thread
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from kit.tests.ports import free_port


class MailServer:
    """Keeps the messages that it accepts. A test can make it refuse the sender, single recipients or all messages."""

    def __init__(self) -> None:
        self.port = free_port()
        self.mails: list[EmailMessage] = []
        self.refusals: dict[str, str] = {}
        self.answer = "250 OK"
        self.refused_sender = ""
        self.says_goodbye = True
        # The server holds the reply to the message after these, as if it were slow.
        self.answers_up_to = 1_000_000
        self.most_per_connection = 1_000_000
        self.connections = 0
        # Whether it supports several commands at a time, as most servers do.
        self.has_pipelining = True
        self.controller: Controller | None = None

    def start(self) -> None:
        self.controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def stop(self) -> None:
        if self.controller:
            self.controller.stop(no_assert=True)
            self.controller = None

    def addresses(self) -> list[str]:
        """Return the recipient of each message, sorted."""
        return sorted(mail["To"].addresses[0].addr_spec for mail in self.mails)

    def of(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.mails if mail["To"].addresses[0].addr_spec == address]

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.refused_sender:
            return self.refused_sender
        session.messages = getattr(session, "messages", 0) + 1  # type: ignore[attr-defined]
        if session.messages > self.most_per_connection:  # type: ignore[attr-defined]
            return "421 Too many messages"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.refusals:
            return self.refusals[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            self.mails.append(message_from_bytes(envelope.original_content or b"", policy=policy.default))
        while len(self.mails) > self.answers_up_to:
            await asyncio.sleep(0.02)
        return self.answer

    async def handle_EHLO(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.connections += 1
        session.host_name = hostname
        return ["250-PIPELINING", *responses] if self.has_pipelining else responses

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        while not self.says_goodbye:
            await asyncio.sleep(0.05)
        return "221 Bye"


class SilentServer:
    """Accepts connections and never sends a byte."""

    def __init__(self) -> None:
        self.connections: list[socket.socket] = []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listener.getsockname()[1]
        Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                self.connections.append(self.listener.accept()[0])
            except OSError:
                return

    def stop(self) -> None:
        for sock in (self.listener, *self.connections):
            sock.close()


def wait_until(condition: Callable[[], Any], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "Timed out"
        time.sleep(0.02)
