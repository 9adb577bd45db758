"""Tests of the files in deploy/, with the servers that they are for, as Debian packages them (`make deploy`)."""

import secrets
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "tickets.example.com"
TOKEN = "token-of-prometheus"
# As in production, apart from rate limits, which would refuse the tests' own requests.
PRODUCTION = {
    "TESTING": "off",
    "SECRET_KEY": secrets.token_urlsafe(64),
    "ENCRYPTION_KEYS": secrets.token_urlsafe(32),
    "ALLOWED_HOSTS": f"{HOST},localhost,127.0.0.1",
    "SITE_URL": f"https://{HOST}",
    "EMAIL_URL": "smtp://127.0.0.1:9",
    "MAIL_FROM": "Ticketing <tickets@example.com>",
    "METRICS_TOKEN": TOKEN,
    "PROXY_COUNT": "1",
    "RATE_LIMITS": "off",
}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a certificate for HOST, as a certificate authority's client leaves it."""
    folder = tmp_path_factory.mktemp("certificate")
    files = ["-keyout", str(folder / "privkey.pem"), "-out", str(folder / "fullchain.pem")]
    subject = ["-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *files, *subject],
        check=True,
        capture_output=True,
    )
    return folder
