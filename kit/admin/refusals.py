"""Show errors of services and the database next to the form field they concern, or as a message on the next page."""

from collections.abc import Iterator
from contextlib import contextmanager

from django import forms
from django.contrib import messages
from django.db import IntegrityError, OperationalError, connection, transaction
from django.db.models import ProtectedError
from django.http import HttpRequest
from psycopg.errors import ForeignKeyViolation

from kit.errors import Busy, Conflict, Refused
from kit.long_tasks.leases import AllBusy, ExportRunning
from kit.web.problems import SQLSTATES_OF_BUSY


class InUse(Conflict):
    message = "This record is in use, or something it refers to was deleted"


class FormRefused(Exception):
    """A refusal that belongs to one form of the page, given by its prefix ("" for the main form)."""

    def __init__(self, prefix: str, refusal: Refused) -> None:
        super().__init__(refusal.message)
        self.prefix = prefix
        self.refusal = refusal


@contextmanager
def attribute_refusals_to(form: forms.BaseForm) -> Iterator[None]:
    """Attribute a refusal in this block to the form; `ServiceAdmin` then shows it there."""
    try:
        yield
    except Refused as refusal:
        raise FormRefused(form.prefix or "", refusal) from refusal


@contextmanager
def database_errors_as_refusals() -> Iterator[None]:
    """Turn database errors caused by concurrent changes into a `Refused`. Other errors propagate unchanged."""
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
def all_or_nothing() -> Iterator[None]:
    """Roll back this block if it is refused. Check its foreign keys now: the commit comes later (kit/admin/once.py)."""
    with database_errors_as_refusals(), transaction.atomic():
        yield
        connection.check_constraints()


@contextmanager
def refusals_as_form_errors(form: forms.BaseForm) -> Iterator[None]:
    """Add a refusal in this block, which is then rolled back, to the form's errors."""
    try:
        with database_errors_as_refusals(), transaction.atomic():
            yield
    except Refused as refusal:
        add_refusal(form, refusal)


@contextmanager
def refusals_as_messages(request: HttpRequest) -> Iterator[None]:
    """Show a refusal in this block, which is then rolled back, as an error message on the next page."""
    try:
        with database_errors_as_refusals(), transaction.atomic():
            yield
    except Refused as refusal:
        messages.error(request, f"{refusal.message}.")


@contextmanager
def long_task_refusals_as_messages(request: HttpRequest) -> Iterator[None]:
    """Show an error message on the next page if a long task in this block is not allowed to start now.

    Use this in views that are marked `in_steps`: others see a lease only once it is committed.
    """
    try:
        yield
    except (ExportRunning, AllBusy) as refusal:
        messages.error(request, f"{refusal.message}.")


def refusal_messages(refusal: Refused) -> list[tuple[str, str]]:
    """Return (field, message) pairs; the field is "" if the refusal concerns no field."""
    pairs = [(name, message) for name, texts in refusal.fields.items() for message in texts]
    return pairs or [("", refusal.message)]


def add_refusal(form: forms.BaseForm, refusal: Refused) -> None:
    """Show the refusal next to its fields, or at the top of the form."""
    for name, message in refusal_messages(refusal):
        form.add_error(name if name in form.fields else None, message)


def refusals_of(request: HttpRequest) -> dict[str, Refused]:
    """Return the refusals of the failed attempt to save, by form prefix."""
    return getattr(request, "refusals", {})
