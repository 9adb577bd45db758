"""Which replies concern the message and which the server, with real servers over SMTP and HTTP."""

from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest

from kit.tests.ports import free_port
from notifications import transport
from notifications.mails import Message
from notifications.tests.smtp import MailServer
from notifications.transport import Connection

MESSAGE = Message(
    subject="Subject",
    body=".Text\n",
    html="<p>Text</p>\n",
    from_email="tickets@example.com",
    name="Max",
    address="max@example.com",
)


def send() -> None:
    with closing(transport.Connection()) as connection:
        connection.send(MESSAGE)


@pytest.fixture(params=[False, True])
def mail_server(request: pytest.FixtureRequest, mail_server: MailServer) -> MailServer:
    """A server with and without PIPELINING."""
    mail_server.has_pipelining = request.param
    return mail_server


class TestSMTP:
    @pytest.fixture(autouse=True)
    def empty_queue(self) -> None:
        """Override the fixture that needs a database: nothing here does."""

    def test_250_means_sent(self, mail_server: MailServer) -> None:
        send()

        assert mail_server.addresses() == ["max@example.com"]
        text, _ = mail_server.mails[0].iter_parts()
        assert text.get_content() == ".Text\r\n"

    @pytest.mark.parametrize("answer", ["550 No such user", "554 Refused"])
    def test_refused_address_means_rejected(self, mail_server: MailServer, answer: str) -> None:
        mail_server.refusals["max@example.com"] = answer

        with pytest.raises(transport.Rejected, match=answer):
            send()

    def test_refused_contents_mean_rejected(self, mail_server: MailServer) -> None:
        mail_server.answer = "554 Looks like spam"

        with pytest.raises(transport.Rejected, match="554 Looks like spam"):
            send()

    def test_refused_sender_means_unreachable(self, mail_server: MailServer) -> None:
        mail_server.refused_sender = "530 Sign in first"

        with pytest.raises(transport.Unreachable, match="530 Sign in first"):
            send()

    def test_closed_port_means_unreachable(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", free_port()

        with pytest.raises(transport.Unreachable, match="ConnectionRefusedError"):
            send()

    def test_failed_sign_in_means_unreachable(self, mail_server: MailServer, settings: Any) -> None:
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "somebody", "wrong"

        with pytest.raises(transport.Unreachable):
            send()


class TestConnection:
    @pytest.fixture(autouse=True)
    def empty_queue(self) -> None:
        """Override the fixture that needs a database: nothing here does."""

    @pytest.fixture
    def connection(self) -> Iterator[transport.Connection]:
        with closing(transport.Connection()) as connection:
            yield connection

    def test_sends_several_messages(self, connection: Connection, mail_server: MailServer) -> None:
        for _ in range(3):
            connection.send(MESSAGE)

        assert len(mail_server.mails) == 3
        assert mail_server.connections == 1

    def test_is_kept_after_a_refusal(self, connection: Connection, mail_server: MailServer) -> None:
        mail_server.refusals["max@example.com"] = "550 No such user"
        with pytest.raises(transport.Rejected):
            connection.send(MESSAGE)
        mail_server.refusals.clear()

        connection.send(MESSAGE)

        assert (len(mail_server.mails), mail_server.connections) == (1, 1)

    def test_is_replaced_when_the_server_closes_it(
        self, connection: transport.Connection, mail_server: MailServer
    ) -> None:
        mail_server.most_per_connection = 2
        for _ in range(5):
            connection.send(MESSAGE)

        assert (len(mail_server.mails), mail_server.connections) == (5, 3)

    def test_is_replaced_after_the_server_has_gone(
        self, connection: transport.Connection, mail_server: MailServer
    ) -> None:
        connection.send(MESSAGE)
        mail_server.stop()
        mail_server.start()

        connection.send(MESSAGE)

        assert len(mail_server.mails) == 2

    def test_does_not_try_a_new_connection_twice(self, mail_server: MailServer) -> None:
        mail_server.most_per_connection = 0

        with pytest.raises(transport.Unreachable, match="421"):
            send()

    def test_writes_a_file_per_message(self, connection: transport.Connection, settings: Any, tmp_path: Any) -> None:
        settings.EMAIL_BACKEND = "notifications.transport.FileBackend"
        settings.EMAIL_FILE_PATH = str(tmp_path)
        for _ in range(20):
            connection.send(MESSAGE)

        files = [*tmp_path.iterdir()]
        assert len(files) == 20
        assert all(file.read_text().count("Subject: ") == 1 for file in files)

    def test_describes_errors_in_text_that_postgresql_can_store(self) -> None:
        assert transport.describe(ValueError("a\0b\ud800")) == "ValueError: ab?"


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

        send()

    @pytest.mark.parametrize("status", [400, 413])
    def test_error_about_the_message_means_rejected(self, provider: HTTPServer, status: int) -> None:
        provider.status = status  # type: ignore[attr-defined]

        with pytest.raises(transport.Rejected):
            send()

    @pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
    def test_error_about_the_account_means_unreachable(self, provider: HTTPServer, status: int) -> None:
        provider.status = status  # type: ignore[attr-defined]

        with pytest.raises(transport.Unreachable):
            send()

    def test_closed_port_means_unreachable(self, settings: Any) -> None:
        settings.EMAIL_BACKEND = "anymail.backends.postmark.EmailBackend"
        url = f"http://127.0.0.1:{free_port()}/"
        settings.ANYMAIL = {"POSTMARK_SERVER_TOKEN": "a token", "POSTMARK_API_URL": url, "REQUESTS_TIMEOUT": 2}

        with pytest.raises(transport.Unreachable):
            send()
