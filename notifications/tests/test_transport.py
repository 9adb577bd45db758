"""Which replies concern the message and which the server, with real servers over SMTP and HTTP."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from django.core.mail import EmailMessage

from notifications import transport
from notifications.tests.smtp import MailServer, free_port

MESSAGE = EmailMessage("Subject", "Text", "tickets@example.com", ["max@example.com"])


class TestSMTP:
    @pytest.fixture(autouse=True)
    def empty_queue(self) -> None:
        """Override the fixture that needs a database: nothing here does."""

    def test_250_means_sent(self, mail_server: MailServer) -> None:
        transport.send(MESSAGE)

        assert mail_server.addresses() == ["max@example.com"]

    @pytest.mark.parametrize("answer", ["550 No such user", "554 Refused"])
    def test_refused_address_means_rejected(self, mail_server: MailServer, answer: str) -> None:
        mail_server.refusals["max@example.com"] = answer

        with pytest.raises(transport.Rejected, match=answer):
            transport.send(MESSAGE)

    def test_refused_contents_mean_rejected(self, mail_server: MailServer) -> None:
        mail_server.answer = "554 Looks like spam"

        with pytest.raises(transport.Rejected, match="554 Looks like spam"):
            transport.send(MESSAGE)

    def test_refused_sender_means_unreachable(self, mail_server: MailServer) -> None:
        mail_server.refused_sender = "530 Sign in first"

        with pytest.raises(transport.Unreachable, match="530 Sign in first"):
            transport.send(MESSAGE)

    def test_closed_port_means_unreachable(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

        with pytest.raises(transport.Unreachable, match="ConnectionRefusedError"):
            transport.send(MESSAGE)

    def test_failed_sign_in_means_unreachable(self, mail_server: MailServer, settings: Any) -> None:
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "somebody", "wrong"

        with pytest.raises(transport.Unreachable):
            transport.send(MESSAGE)


class Provider(BaseHTTPRequestHandler):
    """A provider's HTTP API that replies with the status set on its server."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = b'{"ErrorCode": 0, "Message": "OK", "MessageID": "1", "To": "max@example.com"}'
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class TestProvider:
    @pytest.fixture(autouse=True)
    def empty_queue(self) -> None:
        """Override the fixture that needs a database: nothing here does."""

    @pytest.fixture
    def provider(self, settings: Any) -> Iterator[HTTPServer]:
        server = HTTPServer(("127.0.0.1", 0), Provider)
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        settings.ANYMAIL = {
            "POSTMARK_SERVER_TOKEN": "a token",
            "POSTMARK_API_URL": f"http://127.0.0.1:{server.server_port}/",
            "REQUESTS_TIMEOUT": 2,
        }
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()
        server.server_close()

    def test_200_means_sent(self, provider: HTTPServer) -> None:
        provider.status = 200  # type: ignore[attr-defined]

        transport.send(MESSAGE)

    @pytest.mark.parametrize("status", [400, 413])
    def test_error_about_the_message_means_rejected(self, provider: HTTPServer, status: int) -> None:
        provider.status = status  # type: ignore[attr-defined]

        with pytest.raises(transport.Rejected):
            transport.send(MESSAGE)

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
    def test_error_about_the_account_means_unreachable(self, provider: HTTPServer, status: int) -> None:
        provider.status = status  # type: ignore[attr-defined]

        with pytest.raises(transport.Unreachable):
            transport.send(MESSAGE)

    def test_closed_port_means_unreachable(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        url = f"http://127.0.0.1:{free_port()}/"
        settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "a token", "POSTMARK_API_URL": url, "REQUESTS_TIMEOUT": 2}

        with pytest.raises(transport.Unreachable):
            transport.send(MESSAGE)
