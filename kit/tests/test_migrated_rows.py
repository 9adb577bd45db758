"""The test database after a test that commits (kit/tests/migrated_rows.py)."""

import pytest
from django.db import connection
from django.test import TransactionTestCase

from kit.tests.migrated_rows import _copy
from sla.models import SlaPolicy


class Committing(TransactionTestCase):
    serialized_rollback = True


@pytest.mark.django_db(transaction=True)
def test_tables_are_as_migrations_left_them_after_a_test_that_commits() -> None:
    tables = connection.introspection.django_table_names(only_existing=True)
    before = {table: sorted(_copy(table).splitlines()) for table in tables}
    SlaPolicy.objects.update(hours=1)

    Committing("__init__")._fixture_teardown()  # type: ignore[attr-defined]

    assert {table: sorted(_copy(table).splitlines()) for table in tables} == before
    assert SlaPolicy.objects.exists()
