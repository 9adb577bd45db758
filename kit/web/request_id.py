"""The id of the current request. It is in the response, in errors, in every log line and in history."""

from contextvars import ContextVar

request_id: ContextVar[str] = ContextVar("request_id", default="")
