"""The commands in docs/tour.md, pasted into bash in order."""

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from e2e.conftest import ROOT, SECONDS_FOR_MAIL
from notifications.tests.smtp import MailServer

# Responses that the comments announce.
REFUSALS = [412, 405, {"code": "DUPLICATE_REQUEST"}, "Conflict - Ticket already updated (409)"]
# This site sends its mail to a server; the demo writes files.
READS_MAIL_FILES = re.compile(r"^sleep .*var/mail.*\n", re.M)


def commands(site: str) -> str:
    blocks = re.findall(r"```bash\n(.*?)```", (ROOT / "docs" / "tour.md").read_text(), re.S)
    script, replaced = READS_MAIL_FILES.subn("", "".join(blocks))
    assert replaced == 1
    return script.replace("http://127.0.0.1:8000", site)


def refusals(output: str) -> Iterator[object]:
    """Yield the status of each problem, and the errors of the contracts, from one response per line."""
    for line in output.splitlines():
        if line.startswith("{"):
            answer = json.loads(line)
            if isinstance(status := answer.get("status"), int):
                yield status
            elif error := answer.get("error"):
                yield error


def test_tour_works_as_written(site: str, mail_server: MailServer, tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()

    finished = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands(site)], cwd=tmp_path, capture_output=True, text=True, check=False
    )

    assert finished.returncode == 0, finished.stderr
    assert list(refusals(finished.stdout)) == REFUSALS
    wait_for_mail(mail_server, "greta@example.com", count=3)


def wait_for_mail(mail_server: MailServer, address: str, *, count: int) -> None:
    deadline = time.monotonic() + SECONDS_FOR_MAIL
    while len(mail_server.of(address)) < count:
        assert time.monotonic() < deadline, mail_server.addresses()
        time.sleep(0.2)
