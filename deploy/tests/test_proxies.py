"""deploy/nginx.conf and deploy/Caddyfile, served by nginx and Caddy themselves."""

import http.client
import shutil
import socket
import ssl
import statistics
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest
from pytest_django import DjangoDbBlocker

from deploy.cluster.services import fill_in
from deploy.tests.conftest import HOST, PRODUCTION, TOKEN
from deploy.tests.servers import running
from kit.tests.ports import free_port
from projects.tests.psql import psql
from ticketing.tests.server import served

pytestmark = pytest.mark.usefixtures("django_db_setup")

MEGABYTE = 1024 * 1024
SLOW, ORDINARY = 200, 50
SECONDS = 8
MAX_P95_SECONDS = 0.3
# Or at most so many times as long as without slow clients. If these held the server's threads, it would be seconds.
MAX_SLOWDOWN = 3


@dataclass
class Proxy:
    """A running proxy: its ports for http and https, and the certificate to expect."""

    http: int
    https: int
    certificate: Path

    def connect(self, source: str = "127.0.0.1") -> http.client.HTTPSConnection:
        """Connect as a client with this address. All of 127.0.0.0/8 is this machine."""
        context = ssl.create_default_context(cafile=str(self.certificate / "fullchain.pem"))
        connection = http.client.HTTPSConnection(HOST, self.https, timeout=30, context=context)
        plain = socket.create_connection(("127.0.0.1", self.https), timeout=30, source_address=(source, 0))
        connection.sock = context.wrap_socket(plain, server_hostname=HOST)
        return connection

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[int, dict[str, str], bytes]:
        connection = self.connect()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {"Content-Type": "application/json", **names})
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()


@contextmanager
def nginx(folder: Path, upstream: int, certificate: Path, static: Path) -> Iterator[Proxy]:
    plain, secure = free_port(), free_port()
    site = fill_in(
        "nginx.conf",
        {
            "listen [::]:80;": "",
            "listen [::]:443 ssl http2;": "",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ssl http2;": f"listen 127.0.0.1:{secure} ssl http2;",
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "/etc/letsencrypt/live/tickets.example.com": str(certificate),
            "/opt/ticketing/var/static/": f"{static}/",
        },
    )
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
        "events { worker_connections 2048; }\n"
        f"http {{ include /etc/nginx/mime.types; access_log off; include {folder}/site.conf; }}\n"
    )
    command = [str(shutil.which("nginx") or "/usr/sbin/nginx"), "-c", str(folder / "nginx.conf")]
    with running(command, secure):
        yield Proxy(plain, secure, certificate)


@contextmanager
def caddy(folder: Path, upstream: int, certificate: Path, static: Path) -> Iterator[Proxy]:
    plain, secure = free_port(), free_port()
    site = fill_in(
        "Caddyfile",
        {
            "{\n\tservers": f"{{\n\thttp_port {plain}\n\thttps_port {secure}\n\tadmin off\n\tservers",
            "tickets.example.com {": f"{HOST} {{\n\ttls {certificate}/fullchain.pem {certificate}/privkey.pem",
            "127.0.0.1:8000": f"127.0.0.1:{upstream}",
            "/opt/ticketing/var/static": str(static),
        },
    )
    (folder / "Caddyfile").write_text(site)
    command = [str(shutil.which("caddy")), "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]
    with running(command, secure, HOME=str(folder)):
        yield Proxy(plain, secure, certificate)


@pytest.fixture(scope="module")
def upstream(django_db_setup: None) -> Iterator[int]:
    with served(workers=2, **PRODUCTION) as port:
        yield port


@pytest.fixture(scope="module", params=[nginx, caddy], ids=["nginx", "caddy"])
def proxy(
    request: pytest.FixtureRequest, upstream: int, certificate: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxy]:
    serve: Callable[..., Any] = request.param
    static = tmp_path_factory.mktemp("static")
    (static / "admin.0123456789ab.css").write_text("body { color: black }")
    # The servers may run as another user.
    static.chmod(0o755)
    for parent in static.parents:
        if parent.owner() == "root" and parent != Path("/"):
            with suppress(OSError):
                parent.chmod(parent.stat().st_mode | 0o055)
    with serve(tmp_path_factory.mktemp("proxy"), upstream, certificate, static) as proxy:
        yield proxy


@pytest.fixture(scope="module")
def worker(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Without a worker, the server is not ready."""
    with django_db_blocker.unblock():
        psql("INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 hour')")
        yield
        psql("DELETE FROM procrastinate_workers")


class TestProxies:
    def test_tell_the_server_who_asks_and_how(self, proxy: Proxy, worker: None) -> None:
        made_up = {"X_Forwarded_For": "203.0.113.7", "X_Forwarded_Proto": "http"}
        status, _, body = proxy.ask("GET", "/readyz", Authorization=f"Bearer {TOKEN}", **made_up)

        assert status == 200
        assert orjson.loads(body)["client"] == {"address": "127.0.0.1", "scheme": "https"}

    def test_redirect_http(self, proxy: Proxy) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.http, timeout=10)
        connection.request("GET", "/docs?x=1", headers={"Host": HOST})
        answer = connection.getresponse()
        answer.read()
        connection.close()

        assert answer.status in (301, 308)
        assert str(answer.headers["Location"]).startswith(f"https://{HOST}")

    def test_reach_the_server_by_https(self, proxy: Proxy) -> None:
        status, headers, body = proxy.ask("GET", "/tickets/7")

        # Not a redirect to https: the server knows that it is.
        assert (status, orjson.loads(body)["code"]) == (401, "unauthenticated")
        assert headers["strict-transport-security"]

    def test_serve_static_files_for_ever(self, proxy: Proxy) -> None:
        status, headers, body = proxy.ask("GET", "/static/admin.0123456789ab.css")

        assert (status, body) == (200, b"body { color: black }")
        assert "immutable" in headers["cache-control"]
        assert headers["x-content-type-options"] == "nosniff"

    def test_keep_metrics_inside(self, proxy: Proxy) -> None:
        assert proxy.ask("GET", "/metrics", Authorization=f"Bearer {TOKEN}")[0] == 404

    def test_let_the_server_refuse_large_bodies(self, proxy: Proxy) -> None:
        status, _, body = proxy.ask("POST", "/auth/login", b"x" * 2 * MEGABYTE)

        assert (status, orjson.loads(body)["code"]) == (413, "request_too_large")

    def test_refuse_huge_bodies_themselves(self, proxy: Proxy) -> None:
        # Caddy 2.6 says 502.
        assert proxy.ask("POST", "/auth/login", b"x" * 11 * MEGABYTE)[0] in (413, 502)
        assert proxy.ask("GET", "/healthz")[0] == 200

    def test_keep_slow_clients_from_slowing_others(self, proxy: Proxy) -> None:
        """200 clients dribble heads and bodies while 50 ordinary ones send one request after another."""
        ended = threading.Event()

        def dribble(number: int) -> int:
            sent = 0
            connection = proxy.connect(f"127.1.{number // 100}.{number % 100 + 1}")
            # A proxy may close the connection.
            with suppress(OSError):
                head = f"POST /auth/login HTTP/1.1\r\nHost: {HOST}\r\n"
                ending = "Content-Length: 50000\r\nContent-Type: application/json\r\n\r\n" if number % 2 else "X-Slow: "
                connection.sock.sendall((head + ending).encode())
                while not ended.wait(0.2):
                    connection.sock.sendall(b"x")
                    sent += 1
            connection.close()
            return sent

        with ThreadPoolExecutor(SLOW) as pool:
            slow = [pool.submit(dribble, number) for number in range(SLOW)]
            time.sleep(1)
            try:
                durations = ask_for_seconds(proxy)
            finally:
                ended.set()
            assert sum(future.result() > 0 for future in slow) > SLOW * 0.9

        p95 = p95_of(durations)
        print(f"{len(durations)} requests beside {SLOW} slow clients: p95 {p95 * 1000:.0f} ms")  # noqa: T201
        assert len(durations) > ORDINARY * 5
        # If other programs keep the machine busy, requests take long without slow clients, too.
        assert p95 < MAX_P95_SECONDS or p95 < MAX_SLOWDOWN * p95_of(ask_for_seconds(proxy))


def ask_for_seconds(proxy: Proxy) -> list[float]:
    """Let ordinary clients send one request after another for SECONDS. Return how long each took."""
    ended = threading.Event()

    def ask(number: int) -> list[float]:
        durations = []
        connection = proxy.connect(f"127.2.0.{number + 1}")
        while not ended.is_set():
            started_at = time.perf_counter()
            connection.request("GET", "/events?limit=20", headers={"Host": HOST})
            answer = connection.getresponse()
            answer.read()
            durations.append(time.perf_counter() - started_at)
            assert answer.status == 200
            # As people do, they wait before they ask again.
            ended.wait(0.25)
        connection.close()
        return durations

    with ThreadPoolExecutor(ORDINARY) as pool:
        asking = [pool.submit(ask, number) for number in range(ORDINARY)]
        time.sleep(SECONDS)
        ended.set()
        return [duration for future in asking for duration in future.result()]


def p95_of(durations: list[float]) -> float:
    return statistics.quantiles(durations, n=20)[18]
