"""Triggers with their PL/pgSQL in `<app>/sql/triggers/<name>.sql`, declared on the model of the table.

`makemigrations` writes a frozen copy of the file into a migration, and a new one whenever the file changes.
"""

from typing import Any

import pgtrigger

from kit.db import sql


def trigger(path: str, *, name: str | None = None, **when: Any) -> pgtrigger.Trigger:
    """Return the trigger in the file `path`, given as `<app>/<name>`.

    `name` overrides the file's name; the other arguments are those of `pgtrigger.Trigger`.
    """
    app, file = path.split("/")
    return pgtrigger.Trigger(name=name or file, func=sql.text(f"{app}/triggers/{file}"), **when)


def refuse_truncate(name: str) -> pgtrigger.Trigger:
    """Return a trigger that refuses TRUNCATE; `pgtrigger.Protect` only refuses DELETE."""
    return trigger(
        "kit/refuse_truncate",
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
    )


def inline_should_ignore(**_: Any) -> None:
    """Replace pgtrigger's function `_pgtrigger_should_ignore`, which takes each trigger ten times as long as ours.

    A receiver of `post_migrate`, because each migration with a trigger creates pgtrigger's again.
    """
    sql.run("kit/functions/should_ignore")
