"""Deliveries over HTTP: signatures, outcomes, retries, order, and what a receiver can do to us."""

import base64
import hashlib
import hmac
import html
import socket
import ssl
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from django.utils import timezone
from standardwebhooks import Webhook as Verifier

from accounts.models import User, UserType
from notifications import mails
from notifications.models import Delivery as Mail
from webhooks import backoff, client, sending, services
from webhooks.models import Delivery, DeliveryStatus, Webhook, WebhookStatus
from webhooks.tests.conftest import StartReceiver
from webhooks.tests.factories import make_delivery, make_signed, make_webhook, send_due
from webhooks.tests.receivers import Received, Receiver, Reply

pytestmark = pytest.mark.django_db


def the(delivery: Delivery) -> Delivery:
    delivery.refresh_from_db()
    return delivery


def signatures(request: Received) -> list[str]:
    return request.headers["webhook-signature"].split(" ")


def computed(secret: str, request: Received) -> str:
    """Compute the signature as the specification says, without the library."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{request.headers['webhook-id']}.{request.headers['webhook-timestamp']}.".encode() + request.body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


class TestRequest:
    def test_is_signed_as_the_specification_says(self, receiver: Receiver) -> None:
        webhook, secret = make_signed(receiver.url)
        delivery = make_delivery(webhook, body='{"type":"ticket.updated","data":{"title":"Ärger ☂"}}')

        send_due()

        (request,) = receiver.received
        assert Verifier(secret).verify(request.body, request.headers) == request.payload
        assert signatures(request) == [computed(secret, request)]
        assert request.headers["webhook-id"] == f"msg_{delivery.message_id.hex}"
        assert request.body.decode() == delivery.body
        assert request.headers["content-type"] == "application/json"
        assert "cookie" not in request.headers

    def test_is_signed_anew_under_the_same_id(self, receiver: Receiver) -> None:
        receiver.replies(500, 204)
        webhook, secret = make_signed(receiver.url)
        make_delivery(webhook, position=1)
        send_due()
        time.sleep(1.1)

        send_due(at=timezone.now() + timedelta(seconds=6))

        first, second = receiver.received
        assert first.headers["webhook-id"] == second.headers["webhook-id"]
        assert first.body == second.body
        assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
        assert [signatures(each) for each in (first, second)] == [[computed(secret, each)] for each in (first, second)]

    def test_is_signed_with_the_previous_secret_for_a_day(self, receiver: Receiver) -> None:
        webhook, old = make_signed(receiver.url)
        rotated_at = timezone.now()
        new = services.rotate_secret(webhook_id=webhook.pk, at=rotated_at).secret
        for hours in (23, 25):
            make_delivery(webhook, position=hours)
            send_due(at=rotated_at + timedelta(hours=hours))

        during, after = receiver.received
        assert signatures(during) == [computed(new, during), computed(old, during)]
        assert Verifier(old).verify(during.body, during.headers) == Verifier(new).verify(during.body, during.headers)
        assert signatures(after) == [computed(new, after)]

    def test_is_not_sent_twice(self, receiver: Receiver) -> None:
        make_delivery(make_webhook(receiver.url))

        assert [send_due(), send_due()] == [1, 0]
        assert len(receiver.received) == 1


class TestOutcome:
    @pytest.mark.parametrize("status", [200, 201, 202, 204])
    def test_is_recorded(self, receiver: Receiver, status: int) -> None:
        receiver.reply = lambda request: Reply(status, body=b"" if status == 204 else b"Thanks")
        delivery = make_delivery(make_webhook(receiver.url), position=1)

        send_due()

        assert the(delivery).status == DeliveryStatus.DELIVERED
        assert (delivery.attempts, delivery.response_status) == (1, status)
        assert delivery.response == ("" if status == 204 else "Thanks")
        assert delivery.delivered_at
        assert delivery.milliseconds is not None

    @pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
    def test_can_be_a_failure(self, receiver: Receiver, status: int) -> None:
        receiver.replies(status)
        delivery, at = make_delivery(make_webhook(receiver.url), position=1), timezone.now()

        send_due(at=at)

        assert the(delivery).status == DeliveryStatus.PENDING
        assert (delivery.attempts, delivery.response_status) == (1, status)
        assert timedelta(seconds=5) <= delivery.next_attempt_at - at <= timedelta(seconds=5.5)

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_of_a_redirect_is_a_failure(self, receiver: Receiver, start_receiver: StartReceiver, status: int) -> None:
        other = start_receiver()
        receiver.reply = lambda request: Reply(status, {"Location": other.url})
        delivery = make_delivery(make_webhook(receiver.url), position=1)

        send_due()

        assert (the(delivery).response_status, delivery.error) == (status, sending.REDIRECTED)
        assert delivery.status == DeliveryStatus.PENDING
        assert other.received == []

    def test_has_the_first_4_kib_of_the_response(self, receiver: Receiver) -> None:
        receiver.reply = lambda request: Reply(500, body=b"\x00\xff" + b"x" * 1_000_000)
        delivery = make_delivery(make_webhook(receiver.url))

        send_due()

        assert the(delivery).response == "\ufffd\ufffd" + "x" * 4094

    def test_of_a_compressed_response_is_not_unpacked(self, receiver: Receiver) -> None:
        receiver.reply = lambda request: Reply(200, {"Content-Encoding": "gzip"}, b"not gzip")
        delivery = make_delivery(make_webhook(receiver.url))

        send_due()

        assert (the(delivery).status, delivery.response) == (DeliveryStatus.DELIVERED, "not gzip")

    def test_of_a_refused_connection_is_a_failure(self, receiver: Receiver) -> None:
        url = receiver.url
        receiver.server.server_close()
        delivery = make_delivery(make_webhook(url), position=1)

        send_due()

        assert (the(delivery).status, delivery.response_status) == (DeliveryStatus.PENDING, None)
        assert "Connect" in delivery.error

    def test_of_an_unknown_name_is_a_failure(self) -> None:
        delivery = make_delivery(make_webhook("http://nobody.invalid/"), position=1)

        send_due()

        assert the(delivery).error.startswith("The name was not found")

    def test_of_an_unreadable_secret_is_a_failure(self, receiver: Receiver, settings: Any) -> None:
        delivery = make_delivery(make_webhook(receiver.url), position=1)
        settings.ENCRYPTION_KEYS = ["a key that has encrypted nothing so far"]

        send_due()

        assert "ENCRYPTION_KEYS" in the(delivery).error
        assert delivery.status == DeliveryStatus.PENDING
        assert receiver.received == []

    def test_is_ignored_if_the_claim_has_run_out(self, receiver: Receiver) -> None:
        delivery, at = make_delivery(make_webhook(receiver.url), position=1), timezone.now()
        late = sending.claim(number=1, at=at)
        again = sending.claim(number=1, at=at + sending.LEASE)

        sending.record([sending.Outcome(again[0], status=200)], at=at)
        sending.record([sending.Outcome(late[0], status=500)], at=at)

        assert (the(delivery).status, delivery.attempts) == (DeliveryStatus.DELIVERED, 1)


@pytest.mark.slow
class TestSlowReceiver:
    """Everything together takes at most TIMEOUT_SECONDS, here one second."""

    @pytest.fixture(autouse=True)
    def short_timeout(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client, "TIMEOUT_SECONDS", 1)

    @pytest.mark.parametrize(
        ("start", "rest"),
        [
            (b"", b""),
            (b"HTTP/1.1 200 OK\r\n", b"X-Header: 1\r\n"),
            (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", b"x"),
        ],
    )
    def test_times_out(self, start: bytes, rest: bytes) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            threading.Thread(target=dribble, args=[server, start, rest], daemon=True).start()
            delivery = make_delivery(make_webhook(f"http://127.0.0.1:{server.getsockname()[1]}/"), position=1)
            began = time.monotonic()

            send_due()

        assert time.monotonic() - began < 3
        assert (the(delivery).error, delivery.status) == (client.TIMED_OUT, DeliveryStatus.PENDING)

    def test_cannot_send_headers_without_end(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            head = b"HTTP/1.1 200 OK\r\nX-Header: " + b"x" * 100_000
            threading.Thread(target=dribble, args=[server, head, b""], daemon=True).start()
            delivery = make_delivery(make_webhook(f"http://127.0.0.1:{server.getsockname()[1]}/"), position=1)

            send_due()

        assert the(delivery).response_status is None
        assert len(delivery.error) < 500


def dribble(server: socket.socket, start: bytes, rest: bytes) -> None:
    """Accept a connection, send the start of a response, and then the rest again and again."""
    connection, _ = server.accept()
    with connection:
        try:
            connection.sendall(start)
            for _ in range(30):
                time.sleep(0.1)
                connection.sendall(rest)
        except OSError:
            pass


class TestRetry:
    def test_follows_the_schedule_and_then_pauses_the_webhook(self, receiver: Receiver, admin: User) -> None:
        receiver.replies(500)
        webhook = make_webhook(receiver.url, by=admin)
        delivery, at = make_delivery(webhook, position=1), timezone.now()
        waits = []
        for _ in range(len(backoff.WAITS)):
            assert send_due(at=at) == 1
            assert send_due(at=the(delivery).next_attempt_at - timedelta(milliseconds=1)) == 0
            waits.append(delivery.next_attempt_at - at)
            at = delivery.next_attempt_at

        assert send_due(at=at) == 1

        assert [wait.total_seconds() for wait in waits] == pytest.approx(
            [5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400], rel=0.1
        )
        assert (the(delivery).status, delivery.attempts) == (DeliveryStatus.FAILED, 10)
        webhook.refresh_from_db()
        assert webhook.status == WebhookStatus.PAUSED
        assert webhook.reason == f"Delivery #{delivery.pk} failed 10 times, the last time with: HTTP 500"
        mail = Mail.objects.get(kind="webhook-stopped", user=admin)
        assert mail.payload["url"] == receiver.url
        assert send_due(at=at + timedelta(days=9)) == 0

    def test_lets_others_go_on(self, receiver: Receiver) -> None:
        receiver.reply = lambda request: Reply(500 if request.payload["n"] == 1 else 204)
        webhook = make_webhook(receiver.url)
        for number in (1, 2):
            make_delivery(webhook, position=number, about=f"ticket/{number}", body=f'{{"n":{number}}}')

        send_due()

        assert [delivery.status for delivery in Delivery.objects.order_by("pk")] == ["pending", "delivered"]

    @pytest.mark.parametrize(("header", "seconds"), [("120", 120), ("1", 5), ("999999", 3600), ("soon", 5), ("-1", 5)])
    def test_honours_retry_after_within_reason(self, receiver: Receiver, header: str, seconds: int) -> None:
        receiver.reply = lambda request: Reply(503, {"Retry-After": header})
        delivery, at = make_delivery(make_webhook(receiver.url), position=1), timezone.now()

        send_due(at=at)

        assert (the(delivery).next_attempt_at - at).total_seconds() == pytest.approx(seconds, rel=0.11)

    def test_reads_dates_in_retry_after(self) -> None:
        at = datetime(2026, 8, 1, 18, tzinfo=UTC)

        found = client.retry_after("Sat, 01 Aug 2026 18:10:00 GMT", at=at)

        assert found == timedelta(minutes=10)

    def test_ends_if_nothing_has_reached_the_receiver_for_three_days(self, receiver: Receiver, admin: User) -> None:
        receiver.replies(500)
        webhook = make_webhook(receiver.url, by=admin)
        make_delivery(webhook, position=1)
        at = timezone.now()
        send_due(at=at)
        make_delivery(webhook, position=2)

        send_due(at=at + backoff.PATIENCE)

        webhook.refresh_from_db()
        assert webhook.status == WebhookStatus.PAUSED
        assert webhook.reason.startswith("Nothing has reached the receiver since")
        assert Mail.objects.filter(kind="webhook-stopped", user=admin).count() == 1

    def test_of_a_test_never_happens(self, receiver: Receiver) -> None:
        receiver.replies(500)
        webhook = make_webhook(receiver.url)
        delivery = services.test(webhook_id=webhook.pk, at=timezone.now())

        send_due()

        assert (the(delivery).status, delivery.attempts) == (DeliveryStatus.FAILED, 1)
        webhook.refresh_from_db()
        assert webhook.status == WebhookStatus.ACTIVE


class TestMail:
    @pytest.mark.parametrize(
        ("statuses", "subject"), [([410], "Webhook ended by its receiver: Chat"), ([500], "Webhook paused: Chat")]
    )
    def test_says_what_stopped_and_why(
        self, receiver: Receiver, admin: User, settings: Any, statuses: list[int], subject: str
    ) -> None:
        settings.SITE_URL = "https://tickets.example.com"
        receiver.replies(*statuses)
        webhook = make_webhook(receiver.url, by=admin, description="Chat")
        make_delivery(webhook, position=1, attempts=len(backoff.WAITS))
        send_due()

        message = mails.compose(Mail.objects.get(kind="webhook-stopped", user=admin))

        webhook.refresh_from_db()
        assert message.subject == subject
        for text in (str(message.body), message.html):
            assert receiver.url in text
            assert html.escape(webhook.reason, quote=False) in html.unescape(text)
            assert f"https://tickets.example.com/admin/webhooks/webhook/{webhook.pk}/change/" in text

    def test_is_for_admins(self, receiver: Receiver, admin: User) -> None:
        receiver.replies(410)
        make_delivery(make_webhook(receiver.url, by=admin), position=1)
        send_due()
        User.objects.filter(pk=admin.pk).update(type=UserType.AGENT)

        with pytest.raises(mails.StaffOnly):
            mails.compose(Mail.objects.get(kind="webhook-stopped", user=admin))


class TestGone:
    def test_ends_the_subscription(self, receiver: Receiver, admin: User) -> None:
        receiver.replies(410)
        webhook = make_webhook(receiver.url, by=admin)
        first, second = (make_delivery(webhook, position=number, about="ticket/1") for number in (1, 2))

        send_due()

        webhook.refresh_from_db()
        assert (webhook.status, webhook.reason) == (WebhookStatus.ENDED, sending.GONE)
        assert [the(first).status, the(second).status] == [DeliveryStatus.FAILED, DeliveryStatus.CANCELLED]
        assert Mail.objects.filter(kind="webhook-stopped", user=admin).count() == 1
        assert send_due(at=timezone.now() + timedelta(days=9)) == 0


class TestOrder:
    def test_of_an_object_is_kept_by_a_failed_delivery(self, receiver: Receiver) -> None:
        receiver.replies(500, 204)
        webhook = make_webhook(receiver.url)
        for number in (1, 2, 3):
            make_delivery(webhook, position=number, about="ticket/7", body=f'{{"n":{number}}}')
        at = timezone.now()

        sent = [send_due(at=at + timedelta(seconds=6 * turn)) for turn in range(4)]

        assert sent == [1, 1, 1, 1]
        assert [payload["n"] for payload in receiver.payloads] == [1, 1, 2, 3]

    def test_does_not_matter_between_objects_and_webhooks(self, receiver: Receiver) -> None:
        one, other = make_webhook(receiver.url), make_webhook(receiver.url)
        make_delivery(one, position=1, about="ticket/7")
        make_delivery(one, position=2, about="ticket/8")
        make_delivery(other, position=1, about="ticket/7")

        assert send_due() == 3

    def test_is_kept_while_an_earlier_one_is_under_way(self, receiver: Receiver) -> None:
        webhook = make_webhook(receiver.url)
        for number in (1, 2):
            make_delivery(webhook, position=number, about="ticket/7")
        at = timezone.now()

        claimed = [sending.claim(number=9, at=at) for _ in range(2)]

        assert [len(each) for each in claimed] == [1, 0]


class TestClaim:
    def test_is_limited_for_each_webhook(self, receiver: Receiver, settings: Any) -> None:
        settings.WEBHOOK_CONCURRENCY = 1
        one, other = make_webhook(receiver.url), make_webhook(receiver.url)
        for number in range(7):
            make_delivery(one, position=number)
        make_delivery(other, position=1)

        first, second = (sending.claim(number=9, at=timezone.now()) for _ in range(2))

        assert sorted(each.webhook_id for each in first) == [one.pk] * sending.AHEAD + [other.pk]
        assert second == []

    def test_takes_turns(self, receiver: Receiver) -> None:
        one, other = make_webhook(receiver.url), make_webhook(receiver.url)
        for number in range(5):
            make_delivery(one, position=number)
        make_delivery(other, position=1)

        claimed = sending.claim(number=2, at=timezone.now())

        assert sorted(each.webhook_id for each in claimed) == [one.pk, other.pk]

    def test_is_limited_further_while_nothing_reaches_the_receiver(self, receiver: Receiver) -> None:
        webhook = make_webhook(receiver.url)
        Webhook.objects.filter(pk=webhook.pk).update(failing_since=timezone.now())
        for number in range(5):
            make_delivery(webhook, position=number)

        assert len(sending.claim(number=9, at=timezone.now())) == sending.PROBES
        Webhook.objects.filter(pk=webhook.pk).update(failing_since=None)
        assert len(sending.claim(number=9, at=timezone.now())) == 3

    def test_runs_out_when_a_worker_is_killed(self, receiver: Receiver) -> None:
        make_delivery(make_webhook(receiver.url), position=1)
        at = timezone.now()

        claimed = [len(sending.claim(number=9, at=at + wait)) for wait in (timedelta(), timedelta(), sending.LEASE)]

        assert claimed == [1, 0, 1]

    def test_can_be_given_up(self, receiver: Receiver) -> None:
        make_delivery(make_webhook(receiver.url), position=1)

        sending.release(sending.claim(number=9, at=timezone.now()))

        assert send_due() == 1

    def test_skips_webhooks_that_are_paused_except_for_tests(self, receiver: Receiver) -> None:
        webhook = make_webhook(receiver.url)
        services.update(webhook_id=webhook.pk, status=WebhookStatus.PAUSED)
        make_delivery(webhook, position=1)
        test = services.test(webhook_id=webhook.pk, at=timezone.now())

        assert send_due() == 1
        assert the(test).status == DeliveryStatus.DELIVERED
        services.update(webhook_id=webhook.pk, status=WebhookStatus.ACTIVE)
        assert send_due() == 1


class TestPrivateAddress:
    @pytest.fixture(autouse=True)
    def only_public(self, settings: Any) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE = False

    @pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "localhost"])
    def test_is_refused_when_connecting(self, receiver: Receiver, settings: Any, host: str) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE = True
        webhook = make_webhook(f"http://{host}:{receiver.port}/")
        settings.WEBHOOK_ALLOW_PRIVATE = False
        delivery = make_delivery(webhook, position=1)

        send_due()

        assert "is a private, local or reserved address" in the(delivery).error
        assert receiver.received == []

    def test_behind_a_name_is_refused(self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name server of the receiver decides, and can say something else each time."""
        resolve_to(monkeypatch, "127.0.0.1")
        delivery = make_delivery(make_webhook(f"https://hooks.example.com:{receiver.port}/"), position=1)

        send_due()

        assert "127.0.0.1 is a private, local or reserved address" in the(delivery).error
        assert receiver.received == []

    def test_is_checked_on_the_socket_and_not_looked_up_again(
        self, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The name resolves once per attempt, so the answer that was checked is the one that is connected to."""
        lookups = resolve_to(monkeypatch, "198.51.100.7", "127.0.0.1")
        delivery = make_delivery(make_webhook(f"https://hooks.example.com:{receiver.port}/"), position=1)

        send_due()

        assert "198.51.100.7 is a private, local or reserved address" in the(delivery).error
        assert lookups == ["hooks.example.com"]
        assert receiver.received == []


class TestCertificate:
    """The name in the URL counts, although the connection goes to an address."""

    @pytest.fixture
    def certificate(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> Path:
        """Let the receiver speak TLS with a certificate for hooks.example.com, which resolves to it."""
        path = tmp_path / "certificate.pem"
        path.write_bytes(make_certificate("hooks.example.com"))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
        resolve_to(monkeypatch, "127.0.0.1")
        return path

    def test_is_verified_by_name(self, receiver: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        right, wrong = (
            make_delivery(make_webhook(f"https://{name}.example.com:{receiver.port}/"), position=1)
            for name in ("hooks", "other")
        )

        send_due()

        assert (the(right).status, right.error) == (DeliveryStatus.DELIVERED, "")
        assert receiver.received[0].headers["host"] == f"hooks.example.com:{receiver.port}"
        assert the(wrong).error.startswith("The certificate is not valid")
        assert len(receiver.received) == 1

    def test_must_be_of_a_known_authority(self, receiver: Receiver, certificate: Path) -> None:
        delivery = make_delivery(make_webhook(f"https://hooks.example.com:{receiver.port}/"), position=1)

        send_due()

        assert the(delivery).error.startswith("The certificate is not valid")
        assert receiver.received == []


def make_certificate(name: str) -> bytes:
    """Return a private key and a certificate that it signs itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - timedelta(days=1))
        .not_valid_after(at + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private + certificate.public_bytes(Encoding.PEM)


def resolve_to(monkeypatch: pytest.MonkeyPatch, *answers: str) -> list[str]:
    """Let names resolve to these addresses in turn. Return the names that are looked up."""
    lookups: list[str] = []
    real = socket.getaddrinfo

    def answer(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if not str(host).endswith("example.com"):
            return real(host, port, *args, **options)
        lookups.append(host)
        address = answers[min(len(lookups), len(answers)) - 1]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", answer)
    return lookups
