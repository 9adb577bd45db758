"""The commands in docs/api.md about changes, pasted into bash."""

import os
import re
import subprocess

import pytest
from django.conf import settings

from accounts import tokens
from accounts.models import User
from ticketing.tests.server import HOST, served
from tickets.tests.factories import make_comment, make_ticket

pytestmark = [
    pytest.mark.slow,
    pytest.mark.django_db(transaction=True, serialized_rollback=True),
]


def blocks() -> list[str]:
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    return re.findall(r"```bash\n(.*?)```", text[text.index("#### Fields and included") :], re.DOTALL)


def test_commands_answer(owner: User) -> None:
    ticket = make_ticket(owner, title="Printer does not print")
    make_comment(ticket, owner, message="Any news?")
    token = tokens.issue(owner).access

    with served() as port:
        url = f"http://{HOST}:{port}"
        outputs = [
            subprocess.run(
                ["bash", "-ec", block],
                env={**os.environ, "URL": url, "TOKEN": token},
                check=True,
                capture_output=True,
                text=True,
            ).stdout
            for block in blocks()
            if "$URL/tickets?fields" in block or "updatedSince" in block or "/changes" in block
        ]

    assert len(outputs) == 3
    assert all('"items"' in output for output in outputs)
    assert "Any news?" in outputs[0]
    assert '"nextCursor":"' in outputs[1]
    assert "Printer does not print" in outputs[2]
