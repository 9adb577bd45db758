"""Triggers that the models of several apps declare."""

import pgtrigger


def refuse_truncate(name: str) -> pgtrigger.Trigger:
    """Protect's own would be fired by DELETE alone."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.Before,
        operation=pgtrigger.Truncate,
        func="RAISE EXCEPTION 'the rows of % stay', TG_TABLE_NAME;",
    )
