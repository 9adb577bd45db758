"""Literal examples from document 002, and functions that read its responses."""

from typing import Any

from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User

# The user and the request body in the document's examples.
EMAIL, PASSWORD_OF_DOCUMENT = "kaneeldias@gmail.com", "abcd@123"
PARTY: dict[str, Any] = {
    "name": "New Years Eve Party",
    "description": "A night of fun and games",
    "date": "2021-12-31",
    "location": "Colombo",
    "ticketLimit": 1,
    "price": 1000,
}
DENIED = {"error": "Access denied"}


def bare(user: User) -> APIClient:
    """Return a client that sends the user's token without `Bearer`, as the document does."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=tokens.issue(user).access)
    return client


def read(response: Any) -> tuple[int, Any]:
    """Return the status and the body."""
    assert response["Content-Type"] == "application/json"
    return response.status_code, response.json()


def read_error(response: Any) -> tuple[int, str]:
    """Return the status and the message of an error."""
    status, body = read(response)
    assert list(body) == ["error"]
    return status, body["error"]
