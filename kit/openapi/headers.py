"""OpenAPI descriptions of request and response headers."""

from typing import Any

from kit.idempotency.views import HEADER, REPLAYED

EXAMPLE_REQUEST_ID = "0b6f5c0e-7d0f-4d7a-9a57-3c1c9c2f8e11"

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "Identifies this request in the server's log.",
        "required": True,
        "schema": {"type": "string"},
        "example": EXAMPLE_REQUEST_ID,
    },
    "RateLimit-Policy": {
        "description": "The limit: `q` requests per `w` seconds. Absent if rate limits are off.",
        "schema": {"type": "string"},
        "example": '"default";q=600;w=60',
    },
    "RateLimit": {
        "description": "Requests left (`r`), and seconds until the limit resets (`t`).",
        "schema": {"type": "string"},
        "example": '"default";r=599;t=60',
    },
    REPLAYED: {
        "description": "`true` if this is the stored response to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "ETag": {
        "description": "A hash of the record, preceded by its version if it has one. Weak (`W/`) if the response is "
        "compressed.",
        "required": True,
        "schema": {"type": "string", "pattern": '^(W/)?"([0-9]+-)?[0-9a-f]+"$'},
        "example": '"3-5f0c9a1e2b7d4836"',
    },
    "Retry-After": {
        "description": "Seconds to wait before trying again.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
        "example": 42,
    },
    "WWW-Authenticate": {
        "description": "The authentication scheme to use.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
        "example": "Bearer",
    },
}

KEY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": HEADER,
    "description": "A unique value of your choice, such as a UUID, that makes the request safe to retry. A retry "
    "within 24 hours returns the first response instead of executing again. A refused request does not use up its key.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}

IF_MATCH: dict[str, Any] = {
    "name": "If-Match",
    "in": "header",
    "description": "Send the `ETag` of the record in the path, or the version in it, to reject stale edits: 412 if the "
    "record has another version. `*` matches any version.",
    "schema": {"type": "string"},
    "example": "*",
}

IF_NONE_MATCH: dict[str, Any] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "The `ETag` of the copy you have: 304 without a body if it is current.",
    "schema": {"type": "string"},
    "example": '"3-5f0c9a1e2b7d4836"',
}
