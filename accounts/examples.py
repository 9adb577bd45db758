"""Examples for the OpenAPI description: document 000's samples, with a password that its own rule accepts."""

from typing import Any

SIGN_UP: dict[str, Any] = {
    "name": "User Name",
    "email": "user@example.com",
    "type": "customer",
    "password": "password-123",
}
NEW_USER: dict[str, Any] = {"id": 2, "name": "User Name", "email": "user@example.com"}
USER: dict[str, Any] = NEW_USER | {
    "type": "customer",
    "isActive": True,
    "createdAt": "2024-07-01T18:00:00Z",
    "version": 1,
}

SIGN_IN: dict[str, Any] = {"email": "user@example.com", "password": "password-123"}
TOKENS: dict[str, Any] = {
    "token": "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoiYWNjZXNzIn0.signature",
    "expiresIn": 3600,
    "refresh": "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.signature",
}
REFRESH: dict[str, Any] = {"refresh": TOKENS["refresh"]}
CHANGE_PASSWORD: dict[str, Any] = {"currentPassword": "password-123", "password": "correct horse, battery"}
REPLACED_USER: dict[str, Any] = {"name": "User Name", "email": "user@example.com", "type": "customer"}
USER_CHANGES: dict[str, Any] = {"name": "Other Name", "version": 1}
USER_PAGE: dict[str, Any] = {"items": [USER], "nextCursor": None}
RESET: dict[str, Any] = {"email": SIGN_IN["email"]}
RESET_CONFIRM: dict[str, Any] = {"uid": "Mg", "code": "d2w8zb-5d3c1f", "password": "correct horse, battery"}
NEW_KEY: dict[str, Any] = {"name": "Nightly import", "scope": "write", "expiresAt": "2099-12-31T00:00:00Z"}
KEY: dict[str, Any] = {
    "id": 3,
    **NEW_KEY,
    "prefix": "tkt_4bQz8mXw",
    "createdAt": "2024-07-01T18:00:00Z",
    "lastUsedAt": None,
}
CREATED_KEY: dict[str, Any] = KEY | {"key": "tkt_4bQz8mXwExampleKeyWithFortyRandomSigns00"}
