"""The kinds of refusal. Plain Python, so that models and services may raise them.

A rule's own refusal stands beside the function that raises it and carries its sentence. What status, body or header a
refusal becomes is said in `api.py` and in each contract, never here.
"""

import re


class Refused(Exception):
    """A request that the rules do not allow. Nothing was changed.

    `message` is the sentence a person reads, `code` a stable word for programs (the class's name in snake_case),
    `fields` what is wrong with which input, by the domain's own field names.
    """

    code = "refused"
    message = "The request was refused"

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            cls.code = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()

    def __init__(self, message: str | None = None, *, fields: dict[str, list[str]] | None = None) -> None:
        self.message = message or self.message
        self.fields = fields or {}
        super().__init__(self.message)


class Invalid(Refused):
    """The input is wrong, whatever the state of the data."""

    message = "The request is invalid"


class Unauthenticated(Refused):
    """Nobody is signed in, or the proof of it is no good."""

    message = "Authentication required"


class Forbidden(Refused):
    """The caller is known and may not do this."""

    message = "Unauthorized"


class Missing(Refused):
    """No such thing, or none that the caller may see."""

    message = "Not found"


class Conflict(Refused):
    """The input is right, the state of the data forbids it."""

    message = "The request conflicts with the current state"


class Contradiction(Refused):
    """The input is not what the caller said before, and was to say again."""


class Outdated(Refused):
    """The request was meant for something that has changed since."""

    message = "The thing has been changed meanwhile"


class TooMany(Refused):
    """Too many tries; `retry_after` says in how many seconds another is worth it."""

    message = "Too many requests"

    def __init__(self, message: str | None = None, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Busy(Refused):
    """Somebody else holds what this needs; the same request may succeed in a moment."""

    message = "The server is busy, please try again"
    retry_after = 1
