"""docs/api.md shows the body of every call for signing in. Each is sent, in order, and gets the response shown."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts import password_codes
from accounts.models import User
from accounts.tests.api import SignedIn
from kit.tests.openapi import OPERATIONS

CALL = re.compile(r"(GET|POST|DELETE) (/\S+)\s*(\{.*?\})?\s*\n([0-9]{3})(?:\s+(\{.*\}))?", re.S)


def documented(title: str = "Signing in") -> list[tuple[str, str, Any, int, Any]]:
    """Return the calls of the section: method, path, body, status, response."""
    section = (settings.BASE_DIR / "docs" / "api.md").read_text().split(f"\n## {title}\n")[1].split("\n## ")[0]
    (block,) = (block for block in section.split("```")[1::2] if "/auth/" in block)
    # What the page leaves out of a list.
    block = block.replace("[…]", "[]")
    calls = [CALL.fullmatch(part.strip()) for part in block.strip().split("\n\n")]
    return [
        (call[1], call[2], json.loads(call[3] or "null"), int(call[4]), json.loads(call[5] or "null"))
        for call in calls
        if call
    ]


def filled(body: Any, known: dict[str, Any]) -> Any:
    """Return the body with the values that the page shortens: tokens and codes."""
    return body and {
        key: known[key] if str(value).endswith("…") or key == "uid" else value for key, value in body.items()
    }


def differences(shown: Any, answer: Any) -> Iterator[str]:
    """Yield the keys whose values are not as shown, apart from ids and what the page shortens."""
    for key in shown.keys() | answer.keys():
        is_open = key == "id" or str(shown.get(key, "")).endswith("…")
        if key not in shown or key not in answer or not (is_open or shown[key] == answer[key]):
            yield key


@pytest.mark.django_db
def test_calls_for_signing_in_work_as_shown() -> None:
    known: dict[str, Any] = {}
    for method, path, body, status, shown in documented():
        if path.endswith("/confirm"):
            known["uid"], known["code"] = password_codes.code_for(User.objects.get())
        client = APIClient()
        if path in ("/auth/me", "/auth/password"):
            client.credentials(HTTP_AUTHORIZATION=f"Bearer {known['token']}")

        answer = client.generic(method, path, json.dumps(filled(body, known) or {}), content_type="application/json")

        assert answer.status_code == status, (path, answer.content)
        received = json.loads(answer.content or "null")
        assert list(differences(shown or {}, received or {})) == [], path
        known |= received or {}


def test_every_call_for_signing_in_is_shown() -> None:
    served = {(each["method"].upper(), each["path"]) for each in OPERATIONS.values() if "/auth/" in each["path"]}

    shown = documented() + documented("API keys")
    assert served <= {(method, re.sub(r"[0-9]+$", "{keyId}", path)) for method, path, *_ in shown}


@pytest.mark.django_db
def test_calls_for_api_keys_work_as_shown(signed_in: SignedIn, owner: User) -> None:
    api = signed_in(owner)
    key_id = 0
    for method, path, body, status, shown in documented("API keys"):
        path = path.replace("/3", f"/{key_id}")

        answer = api.generic(method, path, json.dumps(body) if body else "", content_type="application/json")

        assert answer.status_code == status, (path, answer.content)
        received = json.loads(answer.content or "null") or {}
        assert [name for name in differences(shown or {}, received) if name != "items"] == [], path
        key_id = received.get("id", key_id)
