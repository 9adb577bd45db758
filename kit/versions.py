"""Versions of records, and checks that a change is made for the current one.

The database moves a version, and only when something really changed. A service checks the expected version while it
holds the lock on the row, so only one of several changes that expect the same version succeeds.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import ClassVar

import pgtrigger
from django.db import models

from kit.db.triggers import trigger
from kit.errors import Conflict, Outdated

CHANGED_SINCE_READ = "Changed since you read it."


class VersionConflict(Conflict):
    message = "This record has changed since you read it"


class PreconditionFailed(Outdated):
    message = "This record has changed since you read it"


Stale = VersionConflict | PreconditionFailed


@dataclass(frozen=True)
class Expected:
    """The versions of a record that a change was made for, and the error to raise if the record has another one."""

    versions: Collection[int]
    refusal: type[Stale] = VersionConflict

    def check(self, version: int, changed_since: Callable[[int], Iterable[str]], *, name: str) -> None:
        """Check the version of a locked record. `changed_since` returns the fields that changed after a version.

        :raises VersionConflict, PreconditionFailed: as `refusal` says; names the fields that have changed since.
        """
        if version not in self.versions:
            raise stale(self.refusal, name, changed_since(max(self.versions, default=version)))


def stale(refusal: type[Stale], name: str, fields: Iterable[str]) -> Stale:
    """Return the error for a change of an outdated record, such as a "ticket"."""
    return refusal(
        f"The {name} has changed since you read it", fields={field: [CHANGED_SINCE_READ] for field in fields}
    )


def refusals(name: str, *fields: str) -> list[Stale]:
    """Return both errors, for the description of a call that expects a version."""
    return [stale(refusal, name, fields) for refusal in (VersionConflict, PreconditionFailed)]


class Versioned(models.Model):
    """A row whose version moves when one of its `versioned_fields` changes, whatever changes it.

    The model's triggers include those of `version_triggers`.
    """

    versioned_fields: ClassVar[tuple[str, ...]]

    version = models.PositiveIntegerField(default=1, db_default=1, editable=False)
    # The version in which each column changed last. NULL if none has.
    field_versions = models.JSONField(null=True, editable=False)

    class Meta:
        abstract = True

    def check_version(self, expected: Expected | None) -> None:
        """Check that a change is meant for this version of the row, whose lock the transaction holds.

        :raises VersionConflict, PreconditionFailed: it is meant for another one.
        """
        if expected:
            expected.check(self.version, self.changed_since, name=str(self._meta.verbose_name))

    def changed_since(self, version: int) -> list[str]:
        """Return the `versioned_fields` that have changed since a version, even if they were changed back."""
        changed = {column for column, last in (self.field_versions or {}).items() if last > version}
        return [field for field in self.versioned_fields if field in changed]


def version_triggers(*fields: str) -> list[pgtrigger.Trigger]:
    """Return the triggers that move the version when one of these fields changes, and only then."""
    return [
        trigger(
            "kit/keep_version",
            when=pgtrigger.Before,
            operation=pgtrigger.Update,
            condition=pgtrigger.AnyChange("version", "field_versions"),
        ),
        trigger(
            "kit/move_version",
            when=pgtrigger.Before,
            operation=pgtrigger.Update,
            condition=pgtrigger.AnyChange(*fields),
        ),
    ]
