"""The headers that calls read and answer with, as OpenAPI describes them."""

from typing import Any

from kit.idempotency.views import HEADER, REPLAYED

EXAMPLE_REQUEST_ID = "0b6f5c0e-7d0f-4d7a-9a57-3c1c9c2f8e11"

HEADERS: dict[str, dict[str, Any]] = {
    "X-Request-ID": {
        "description": "Names this request in the server's log.",
        "required": True,
        "schema": {"type": "string"},
        "example": EXAMPLE_REQUEST_ID,
    },
    "RateLimit-Policy": {
        "description": "The limit: `q` requests in `w` seconds. Absent where requests are not counted.",
        "schema": {"type": "string"},
        "example": '"default";q=600;w=60',
    },
    "RateLimit": {
        "description": "What is left of it: `r` requests, whole again in `t` seconds.",
        "schema": {"type": "string"},
        "example": '"default";r=599;t=60',
    },
    REPLAYED: {
        "description": "`true` where this is the answer to an earlier request with the same Idempotency-Key.",
        "schema": {"type": "string", "const": "true"},
        "example": "true",
    },
    "ETag": {
        "description": "A hash of the body; in front of it, where the thing has one, its version.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"([0-9]+-)?[0-9a-f]+"$'},
        "example": '"3-5f0c9a1e2b7d4836"',
    },
    "Retry-After": {
        "description": "In how many seconds another try is worth it.",
        "required": True,
        "schema": {"type": "integer", "minimum": 0},
        "example": 42,
    },
    "WWW-Authenticate": {
        "description": "How to prove who you are.",
        "required": True,
        "schema": {"type": "string", "const": "Bearer"},
        "example": "Bearer",
    },
}

KEY_PARAMETER: dict[str, Any] = {
    "in": "header",
    "name": HEADER,
    "description": "Any word of yours for this one request. The same request sent again within 24 hours is not done "
    "again, but gets the first one's answer. A refused request does not use its key up.",
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    "example": "8e03978e-40d5-43dd-bc93-6894a57f9324",
}

# A client who knows what it changes says so; who has what it reads is spared the body.
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "description": "The `ETag`, or the version in it, that this is a change of: 412 if there is a newer one. `*`: any.",
    "schema": {"type": "string"},
    "example": "*",
}

TAG_PARAMETERS: dict[str, dict[str, Any]] = {
    "GET": {
        "name": "If-None-Match",
        "in": "header",
        "description": "The `ETag` of what you have already: 304 if it is still the same.",
        "schema": {"type": "string"},
        "example": '"3-5f0c9a1e2b7d4836"',
    },
    "PUT": IF_MATCH,
    "PATCH": IF_MATCH,
}
