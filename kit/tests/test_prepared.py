"""Prepared statements (kit/db/backend/prepared.py), on accounts/sql/token_owner.sql."""

from collections.abc import Iterator
from typing import Any

import pghistory
import pytest
from django.db import OperationalError, connection, transaction
from django.db.utils import DataError
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from kit.db import sql

STATEMENT = "accounts/token_owner"


def find(user_id: Any) -> Any:
    return sql.find(STATEMENT, user_id=user_id, family=None)


def prepared_statements() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_prepared_statements WHERE strpos(statement, 'FROM accounts_user') > 0")
        (number,) = cursor.fetchone()
    return int(number)


@pytest.fixture
def fresh(transactional_db: None) -> Iterator[None]:
    """A new connection, outside a transaction, and another one afterwards."""
    connection.close()
    yield
    connection.close()


@pytest.mark.usefixtures("fresh")
class TestPrepared:
    def test_is_prepared_once_per_connection(self, owner: User) -> None:
        found = [find(number) for number in (owner.pk, owner.pk + 1_000_000, owner.pk)]

        assert [bool(row) for row in found] == [True, False, True]
        assert found[0]["email"] == owner.email
        assert prepared_statements() == 1

        connection.close()
        assert find(owner.pk) == found[0]
        assert prepared_statements() == 1

    def test_begins_the_transaction(self, owner: User) -> None:
        """Otherwise, the changes that follow could be neither undone nor isolated."""
        with transaction.atomic():
            find(owner.pk)
            is_in_transaction = connection.connection.info.transaction_status.name
            User.objects.filter(pk=owner.pk).update(name="Undone")
            seen = find(owner.pk)
            transaction.set_rollback(True)

        assert is_in_transaction == "INTRANS"
        assert seen
        assert seen["name"] == "Undone"
        assert find(owner.pk)["name"] == owner.name

    def test_survives_the_rollback_of_the_transaction_that_prepared_it(self, owner: User) -> None:
        with transaction.atomic():
            User.objects.filter(pk=owner.pk).exists()
            find(owner.pk)
            transaction.set_rollback(True)

        assert find(owner.pk)["email"] == owner.email

    def test_runs_without_preparing_where_that_is_off(self, owner: User) -> None:
        connection.ensure_connection()
        connection.connection.prepare_threshold = None

        assert find(owner.pk)["email"] == owner.email
        assert prepared_statements() == 0

    def test_raises_djangos_errors_and_can_be_used_again(self, owner: User) -> None:
        with pytest.raises(DataError, match="invalid input syntax for type bigint") as error:
            find("seven")

        assert getattr(error.value.__cause__, "sqlstate", None) == "22P02"
        assert find(owner.pk)["email"] == owner.email

    def test_reports_a_lost_connection_as_operational_error(self, owner: User) -> None:
        """The API answers it with 503 rather than 500."""
        find(owner.pk)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            (backend,) = cursor.fetchone()
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [backend])
        other.close()

        with pytest.raises(OperationalError):
            find(owner.pk)

    def test_is_counted_among_the_statements_of_a_request(self, owner: User) -> None:
        with CaptureQueriesContext(connection) as statements:
            find(owner.pk)

        assert len(statements) == 1
        assert "FROM accounts_user" in statements[0]["sql"]

    def test_comes_alone_within_a_context_of_history_which_adds_a_statement_to_others(self, owner: User) -> None:
        with pghistory.context(door="api"), CaptureQueriesContext(connection):
            found = sql.prepared("projects/projects_by_id", ids=[], viewer_id=owner.pk)

        assert found == []
