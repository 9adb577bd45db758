"""What the database holds, to compare before and after."""

from typing import Any

from projects.tests.psql import psql

# Tables of idempotency keys, and of sessions and tokens, which every sign-in changes.
IGNORED = "idempotency|blacklist|session"


def contents() -> dict[str, Any]:
    """Return a digest of every table except those that any request may change."""
    tables = psql(f"SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename !~ '{IGNORED}'")
    digest = "SELECT count(*), sum(hashtextextended(line::text, 0)) FROM {} AS line"
    return {table: psql(digest.format(table)) for (table,) in tables}
