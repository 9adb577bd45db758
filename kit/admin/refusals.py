"""What a service or the database refuses, shown beside the field or row concerned, or on the next page."""

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib import messages
from django.db import IntegrityError, OperationalError
from django.db.models import ProtectedError
from django.http import HttpRequest
from psycopg.errors import ForeignKeyViolation

from kit.errors import Busy, Conflict, Refused
from kit.web.problems import SQLSTATES_OF_BUSY


class InUse(Conflict):
    message = "Something else refers to it, or what it refers to is gone"


class RefusedIn(Exception):
    """A refusal and the form (by its prefix, "" for the page's own) in which it is to be said."""

    def __init__(self, prefix: str, refusal: Refused) -> None:
        super().__init__(refusal.message)
        self.prefix = prefix
        self.refusal = refusal


@contextmanager
def said_in(form: forms.BaseForm) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        raise RefusedIn(form.prefix or "", refusal) from refusal


@contextmanager
def database_refusals() -> Iterator[None]:
    """Turn what the database says of a lost race into the refusal that it is; leave everything else alone."""
    try:
        yield
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None) in SQLSTATES_OF_BUSY:
            raise Busy from error
        raise
    except ProtectedError as error:
        raise InUse from error
    except IntegrityError as error:
        if isinstance(error.__cause__, ForeignKeyViolation):
            raise InUse from error
        raise


@contextmanager
def refusals_in(form: forms.BaseForm) -> Iterator[None]:
    """Do something within: what refuses it, the form says then."""
    try:
        with database_refusals():
            yield
    except Refused as refusal:
        say_in(form, refusal)


@contextmanager
def refusals_told(request: HttpRequest) -> Iterator[None]:
    """Do something within: what refuses it, the next page says."""
    try:
        with database_refusals():
            yield
    except Refused as refusal:
        messages.error(request, f"{refusal.message}.")


def refusal_lines(refusal: Refused) -> list[tuple[str, str]]:
    """What is wrong, as (field, sentence); the field is "" for a refusal that concerns none."""
    lines = [(name, sentence) for name, sentences in refusal.fields.items() for sentence in sentences]
    return lines or [("", refusal.message)]


def say_in(form: forms.BaseForm, refusal: Refused) -> None:
    for name, sentence in refusal_lines(refusal):
        form.add_error(name if name in form.fields else None, sentence)


def refusals_of(request: HttpRequest) -> dict[str, Refused]:
    return getattr(request, "refusals", {})
