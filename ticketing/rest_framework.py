"""Settings of Django REST framework."""

from typing import Any

SETTINGS: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["accounts.tokens.BearerToken"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["kit.web.bodies.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["kit.web.bodies.JSONRenderer"],
    "DEFAULT_METADATA_CLASS": "kit.web.bodies.NoMetadata",
    "DEFAULT_THROTTLE_CLASSES": ["kit.web.throttling.RateLimit"],
    "DEFAULT_SCHEMA_CLASS": "kit.openapi.schema.AutoSchema",
    "EXCEPTION_HANDLER": "kit.web.problems.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": False,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
