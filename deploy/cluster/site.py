"""All of Ticketing on one machine: two PostgreSQL servers, PgBouncer, two web servers, two workers, nginx."""

import os
import secrets
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from deploy.cluster.postgres import Postgres, own
from deploy.cluster.services import ROOT, Service, fill_in
from kit.tests.ports import free_port

HOST = "tickets.example.com"
DATABASE = "host=db.example.com port=5432 dbname=ticketing"


class Site:
    """The servers, from the database up. `with Site() as site:` starts them, and stops them at the end."""

    def __init__(self) -> None:
        # Short, because it holds Unix sockets, and open to the servers' account.
        self.folder = Path(tempfile.mkdtemp(prefix="ticketing-cluster-"))
        own(self.folder).chmod(0o755)
        self.primary, self.replica = Postgres(self.folder / "one"), Postgres(self.folder / "two")
        self.pooler_port, self.http, self.https = free_port(), free_port(), free_port()
        self.web_ports = [free_port(), free_port()]
        self.web: list[Service] = []
        self.workers: list[Service] = []
        self.stack = ExitStack()

    def __enter__(self) -> "Site":
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            for server in (self.primary, self.replica):
                stack.callback(server.stop, "immediate")
            self._start_databases()
            self.pooler = stack.enter_context(self._pooler())
            self.manage("migrate", "-v", "0")
            self.manage("demo", "--tickets", "100")
            for number, port in enumerate(self.web_ports):
                self.web.append(stack.enter_context(self._web_server(number, port)))
                self.workers.append(stack.enter_context(self._worker(number)))
            stack.enter_context(self._proxy())
            for service, port in zip(self.web, self.web_ports, strict=True):
                service.wait_for_port(port)
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self.stack.close()

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings, as in production apart from rate limits, which would refuse the tests' requests."""
        ports = f"{self.primary.port},{self.replica.port}"
        either = f"postgres://postgres@/ticketing?host=127.0.0.1,127.0.0.1&port={ports}"
        return {
            "SECRET_KEY": self._secret,
            "ENCRYPTION_KEYS": self._secret,
            "ALLOWED_HOSTS": f"{HOST},127.0.0.1",
            "SITE_URL": f"https://{HOST}",
            "EMAIL_URL": f"filemail:///{self.folder}/mail",
            "MAIL_FROM": "Ticketing <tickets@example.com>",
            "DATABASE_URL": f"postgres://postgres@127.0.0.1:{self.pooler_port}/ticketing",
            "DATABASE_POOLER": "on",
            # Whichever of the two is the primary.
            "WORKER_DATABASE_URL": f"{either}&target_session_attrs=read-write",
            "REPLICA_URL": self.replica.url(),
            "PROXY_COUNT": "1",
            "RATE_LIMITS": "off",
            "LOG_LEVEL": "WARNING",
            "TESTING": "off",
            "DEMO": "off",
            "DEBUG": "off",
        }

    def manage(self, *arguments: str) -> str:
        """Run a command of manage.py and return its output."""
        finished = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env={**os.environ, **self.environment},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        return finished.stdout

    def trusted(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.folder / "fullchain.pem"))

    def synchronize(self, *, is_on: bool) -> None:
        """Let the primary confirm nothing before the replica has it, or no longer."""
        names = "*" if is_on else ""
        self.primary.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        self.primary.ask("SELECT pg_reload_conf()")

    def fail_over(self) -> None:
        """Kill the primary, and go on with the replica."""
        # Without waiting for its end: it can no longer confirm anything, because the replica does not.
        self.primary.kill()
        self.replica.promote()
        self.primary, self.replica = self.replica, self.primary
        self._write_pooler_file()
        self.pooler.send(signal.SIGHUP)

    def _start_databases(self) -> None:
        self._secret = secrets.token_urlsafe(64)
        self.primary.create()
        self.replica.follow(self.primary)
        self.synchronize(is_on=True)

    def _write_pooler_file(self) -> None:
        text = fill_in(
            "pgbouncer.ini",
            {
                DATABASE: f"host=127.0.0.1 port={self.primary.port} dbname=ticketing user=postgres",
                "listen_port = 6432": f"listen_port = {self.pooler_port}\nunix_socket_dir =",
                "auth_type = scram-sha-256\nauth_file = /etc/pgbouncer/userlist.txt": "auth_type = any",
            },
        )
        (self.folder / "pgbouncer.ini").write_text(text)

    def _pooler(self) -> Service:
        self._write_pooler_file()
        command = [shutil.which("pgbouncer") or "/usr/sbin/pgbouncer", "-q", self.folder / "pgbouncer.ini"]
        return Service("PgBouncer", command, self.folder / "pgbouncer.log", is_ours=False)

    def _web_server(self, number: int, port: int) -> Service:
        command = [sys.executable, "-m", "ticketing.web", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
        return Service(f"web server {number}", command, self.folder / f"web{number}.log", **self.environment)

    def _worker(self, number: int) -> Service:
        command = [sys.executable, "manage.py", "worker"]
        return Service(f"worker {number}", command, self.folder / f"worker{number}.log", **self.environment)

    def _proxy(self) -> Service:
        files = ["-keyout", f"{self.folder}/privkey.pem", "-out", f"{self.folder}/fullchain.pem"]
        names = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
        subprocess.run(
            [
                shutil.which("openssl") or "openssl",
                "req",
                "-x509",
                "-newkey",
                "rsa:2048",
                "-nodes",
                "-days",
                "1",
                *files,
                *names,
            ],
            check=True,
            capture_output=True,
        )
        upstreams = " ".join(f"server 127.0.0.1:{port} fail_timeout=2s;" for port in self.web_ports)
        site = fill_in(
            "nginx.conf",
            {
                "server 127.0.0.1:8000 fail_timeout=10s;": upstreams,
                "listen [::]:80;": "",
                "listen [::]:443 ssl http2;": "",
                "listen 80;": f"listen 127.0.0.1:{self.http};",
                "listen 443 ssl http2;": f"listen 127.0.0.1:{self.https} ssl http2;",
                "/etc/letsencrypt/live/tickets.example.com": str(self.folder),
            },
        )
        (self.folder / "site.conf").write_text(site)
        (self.folder / "nginx.conf").write_text(
            f"daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.folder}/nginx.log;\n"
            "events { worker_connections 1024; }\n"
            f"http {{ access_log off; include {self.folder}/site.conf; }}\n"
        )
        command = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", self.folder / "nginx.conf"]
        return Service("nginx", command, self.folder / "nginx.out")
