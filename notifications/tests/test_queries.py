"""What choosing and claiming deliveries reads, in a burst that PostgreSQL's statistics know nothing of."""

import pytest

from accounts.models import User
from accounts.tests.factories import make_user
from notifications.models import Delivery, State
from projects.tests.psql import blocks_read, planner_without, psql

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BURST = 3_000


@pytest.fixture
def burst() -> list[Delivery]:
    """Return the due deliveries of a burst, in order."""
    user = make_user("Ada Agent")
    make_many(user, state="sent")
    make_many(user, state="pending")
    return list(Delivery.objects.filter(state=State.PENDING).order_by("next_attempt_at", "id"))


def make_many(user: User, *, state: str) -> None:
    psql(
        """
        INSERT INTO notifications_delivery
            (kind, about, user_id, address, name, state, sent_at, next_attempt_at, created_at)
        SELECT
            'ticket-updated', gen_random_uuid(), %(user)s, 'ada@example.com', 'Ada', %(state)s,
            CASE %(state)s WHEN 'sent' THEN now() END, now() - interval '1 day' + number * interval '1 s', now()
        FROM generate_series(1, %(number)s::int) AS number
        """,
        user=user.pk,
        state=state,
        number=BURST,
    )


def deliveries_read() -> int:
    """Return how many blocks of the table, without its indexes, this transaction has read."""
    ((number,),) = psql("SELECT pg_stat_get_xact_blocks_fetched('notifications_delivery'::regclass)")
    return int(number)


class TestDue:
    def test_returns_the_longest_overdue_first(self, burst: list[Delivery]) -> None:
        found = psql("SELECT notifications_due(now(), 10)")

        assert [number for (number,) in found] == [delivery.pk for delivery in burst[:10]]

    def test_reads_a_small_part_of_a_burst(self, burst: list[Delivery]) -> None:
        # Statistics can make the index look expensive. Plans of earlier tests would be used again.
        psql("DISCARD PLANS")
        before = deliveries_read()
        with planner_without("indexscan"):
            psql("SELECT notifications_due(now(), 10)")

        assert deliveries_read() - before < 40


class TestClaim:
    def test_reads_a_small_part_of_a_burst(self, burst: list[Delivery]) -> None:
        ids = [delivery.pk for delivery in burst[:2]]

        assert blocks_read("SELECT notifications_claim(%(ids)s, now())", ids=ids) < 40
