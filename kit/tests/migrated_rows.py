"""The rows that migrations insert. Django truncates all tables after a test that commits, and these rows with them."""

from typing import Any

from django.db import connection, transaction
from django.test import TransactionTestCase
from psycopg import sql


def keep_migrated_rows() -> None:
    """Remember the rows of the test database, and restore them after each test that commits.

    Django's `serialized_rollback` saves a few hundred objects one by one before each such test, which takes longer than
    most of these tests, and leaves the tables empty for tests that commit nothing.
    """
    rows = {table: copied for table in connection.introspection.django_table_names() if (copied := _copy(table))}
    truncate = TransactionTestCase._fixture_teardown  # type: ignore[attr-defined]

    def truncate_and_restore(test: TransactionTestCase) -> None:
        truncate(test)
        with transaction.atomic(), connection.cursor() as cursor:
            # Without triggers, which would log the rows as new, and foreign keys, so that the order does not matter.
            cursor.execute("SET LOCAL session_replication_role = replica")
            for table, copied in rows.items():
                with cursor.copy(_statement("COPY {} FROM STDIN", table)) as copy:
                    copy.write(copied)

    TransactionTestCase._fixture_teardown = truncate_and_restore  # type: ignore[attr-defined]
    # The rows are there already, and `post_migrate` would insert some of them a second time.
    connection.creation.deserialize_db_from_string = lambda data: None  # type: ignore[method-assign]
    connection._test_serialized_contents = ""  # type: ignore[attr-defined]


def _copy(table: str) -> bytes:
    with connection.cursor() as cursor, cursor.copy(_statement("COPY {} TO STDOUT", table)) as copy:
        return b"".join(bytes(block) for block in copy)


def _statement(text: str, table: str) -> Any:
    return sql.SQL(text).format(sql.Identifier(table))
