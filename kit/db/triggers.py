"""Triggers whose PL/pgSQL is a file, `<app>/sql/triggers/<name>.sql`, beside the model that declares when they fire.

`makemigrations` writes a frozen copy of the file into a migration, and finds it changed when the file is.
"""

from typing import Any

import pgtrigger

from kit.db import sql


def trigger(path: str, *, name: str | None = None, **when: Any) -> pgtrigger.Trigger:
    """Return the trigger of `<app>/<name>`; `when` is what `pgtrigger.Trigger` takes, `name` another one for it."""
    app, file = path.split("/")
    return pgtrigger.Trigger(name=name or file, func=sql.text(f"{app}/triggers/{file}"), **when)


def refuse_truncate(name: str) -> pgtrigger.Trigger:
    """Keep all rows of a table: `pgtrigger.Protect` fires on DELETE alone."""
    return trigger(
        "kit/refuse_truncate",
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
    )
