"""E-mail addresses: which we accept, how they are stored, and the fields of models and forms.

The local part is ASCII without quotes. The domain is lowercase ASCII, an international one encoded by IDNA 2008.
"""

import re
from typing import Any

import idna
from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from kit.text import composed

INVALID = "Enter a valid email address."
MAX_LENGTH = 254
MAX_LOCAL_PART = 64
MAX_LABEL = 63
# For PostgreSQL too. Excludes domains of one label, IP addresses and whatever needs quoting in a header. Lengths are
# checked separately, because in the pattern they make PostgreSQL twenty times slower.
STORED = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*\.)+[A-Za-z][A-Za-z0-9]+(?:-+[A-Za-z0-9]+)*$"
)
_STORED = re.compile(STORED)


class UnusableAddress(ValueError):
    """No mail can be sent to this address."""


def normalized(address: str) -> str:
    """Return an address as it is stored. The case of its local part is kept, but never distinguishes two addresses.

    :raises UnusableAddress: it is not an address, or its domain cannot be encoded.
    """
    # Checked first, because encoding a very long domain is slow.
    if len(address) <= MAX_LENGTH:
        local_part, _, domain = composed(address).rpartition("@")
        domain = _encoded(domain)
        stored = f"{local_part}@{domain}"
        labels_fit = len(local_part) <= MAX_LOCAL_PART and max(map(len, domain.split("."))) <= MAX_LABEL
        if labels_fit and len(stored) <= MAX_LENGTH and _STORED.fullmatch(stored):
            return stored
    raise UnusableAddress(INVALID)


def _encoded(domain: str) -> str:
    """Return the domain in lowercase ASCII, "" if that is impossible."""
    domain = domain.lower() if domain.isascii() else domain
    if domain.isascii() and "xn--" not in domain:
        return domain
    try:
        # Mapped as browsers do. Not "transitional", which would turn ß into ss: another domain.
        return idna.encode(domain, uts46=True, std3_rules=True).decode()
    except ValueError:
        return ""


def is_usable(field: str) -> Q:
    """Return the condition, for a constraint, that the column holds an address that mail can be sent to."""
    return Q(**{f"{field}__regex": STORED})


def _clean(address: str) -> str:
    try:
        return normalized(address)
    except UnusableAddress as error:
        raise ValidationError(INVALID, code="invalid") from error


class FormField(forms.EmailField):
    """The address of a form, normalized."""

    default_validators = []

    def to_python(self, value: Any) -> str:
        text = str(super().to_python(value) or "")
        return _clean(text) if text else ""


class ModelField(models.EmailField):
    """A column for an address. Normalizes it in forms, `full_clean` and commands, but not in `save`."""

    default_validators = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", MAX_LENGTH)
        super().__init__(*args, **kwargs)

    def clean(self, value: Any, model_instance: Any) -> Any:
        return super().clean(_clean(value) if value else value, model_instance)

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(**{"form_class": FormField, **kwargs})
