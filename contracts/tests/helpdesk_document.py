"""Literal examples from document 004, and functions that check its responses."""

from typing import Any

import orjson

from tickets.models import Ticket

# The request bodies in the document's examples.
REGISTER = {"name": "Hackathon User", "email": "testuser@example.com", "password": "123456", "role": "user"}
LOGIN = {"email": "testuser@example.com", "password": "123456"}
TICKET = {"title": "Server down", "description": "Staging server not responding", "priority": "high"}
KEY = "abc123"
# Its two examples of errors.
DUPLICATE = {"error": {"code": "DUPLICATE_REQUEST"}}
CONFLICT = {"error": "Conflict - Ticket already updated (409)"}
SLA_HOURS = {"high": 4, "medium": 24, "low": 48}


def path_of(ticket: Ticket) -> str:
    return f"/api/tickets/{ticket.pk}"


def contains(body: Any, shown: Any) -> bool:
    """Return whether a body has every key and value that the document shows, at any depth. It may have more keys."""
    if isinstance(shown, dict):
        return isinstance(body, dict) and all(key in body and contains(body[key], shown[key]) for key in shown)
    if isinstance(shown, list):
        return len(body) == len(shown) and all(contains(*pair) for pair in zip(body, shown, strict=True))
    return bool(body == shown)


def assert_error(response: Any, status: int, code: str, field: str | None = None) -> None:
    """Assert that the body is the error envelope: `code`, a message, and `field` if a field is wrong."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    error = orjson.loads(response.content)["error"]
    assert (error["code"], error.get("field")) == (code, field)
    assert error.keys() == {"code", "message", *({"field"} if field else ())}
