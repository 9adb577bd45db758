"""Keeping the counts of labels small."""

from kit.db import sql


def fold_label_counts() -> None:
    """Replace the rows that triggers have written for each label with their sum. The counts stay the same."""
    sql.run("tickets/fold_label_counts")
