"""What looking for new changes reads."""

import pytest

from changes import services
from projects.tests.psql import blocks_read, psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]

MOVED = 20_000


def test_does_not_read_the_remains_of_what_was_moved() -> None:
    services.sequence()
    psql(
        """
        INSERT INTO changes_inbox (type, object_id, action, at, door, is_quiet, transaction_id)
        SELECT 'ticket', number, 'updated', now(), 'api', FALSE, 0 FROM generate_series(1, %(number)s::int) AS number
        """,
        number=MOVED,
    )
    # Now the statistics promise rows everywhere.
    psql("ANALYZE changes_inbox")
    psql("UPDATE changes_log SET settled_id = (SELECT max(id) FROM changes_inbox)")
    psql("DELETE FROM changes_inbox")
    psql("DISCARD PLANS")

    assert blocks_read("SELECT changes_sequence(1000)") < 40
