"""Base classes for errors raised by domain rules. Plain Python, so that models and services can use them.

A rule's own error is a subclass next to the function that raises it. `kit/web/problems.py` and the contracts turn
errors into statuses, headers and bodies.
"""

import re
from typing import Any

# The messages about invalid fields, by the field's name in the domain.
Faults = dict[str, list[str]]


class Refused(Exception):
    """The rules do not allow the request, and nothing was changed.

    `message` is for people, `code` for programs (by default the class name in snake_case). `fields` maps each
    invalid field, by its name in the domain, to its messages. `members` are further facts for programs.
    """

    code = "refused"
    message = "The request was refused"

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(
        self, message: str | None = None, *, fields: Faults | None = None, members: dict[str, Any] | None = None
    ) -> None:
        self.message = message or self.message
        self.fields = fields or {}
        self.members = members or {}
        super().__init__(self.message)


class Invalid(Refused):
    """The input is invalid, whatever the state of the data."""

    message = "The request is invalid"


class Unauthenticated(Refused):
    """Credentials are missing, invalid or expired."""

    message = "Authentication required"


class Forbidden(Refused):
    """The user is signed in but not allowed to do this."""

    message = "Unauthorized"


class Missing(Refused):
    """The object does not exist, or the user is not allowed to see it."""

    message = "Not found"


class Gone(Refused):
    """What the request asks for existed once, but is no longer kept."""

    message = "No longer available"


class Conflict(Refused):
    """The input is valid but conflicts with the current state of the data."""

    message = "The request conflicts with the current state"


class Contradiction(Refused):
    """A retry whose body differs from the original request."""


class Outdated(Refused):
    """The request names a version of the object that is no longer current."""

    message = "This record has changed since you read it"


class TooMany(Refused):
    """Too many attempts. `retry_after` is the number of seconds to wait."""

    message = "Too many requests"

    def __init__(self, message: str | None = None, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Busy(Refused):
    """A lock is held by another transaction. The same request may succeed in a moment."""

    message = "The server is busy, please try again"
    retry_after = 1
