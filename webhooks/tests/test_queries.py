"""What claiming deliveries reads, in a burst that PostgreSQL's statistics know nothing of."""

import pytest

from projects.tests.psql import blocks_read, planner_without, psql
from webhooks.models import Webhook
from webhooks.tests.factories import make_webhook

pytestmark = [pytest.mark.django_db, pytest.mark.database]

BURST = 3_000
CLAIM = "SELECT id FROM webhooks_claim(now(), 20, 20, 2, interval '1 minute')"


def fill(webhook: Webhook, *, status: str, about: str = "'ticket/' || number") -> None:
    psql(
        f"""
        INSERT INTO webhooks_delivery (webhook_id, event, about, body, status, delivered_at, position, next_attempt_at)
        SELECT
            %(webhook)s, 'ticket.updated', {about}, '{{}}', %(status)s::text,
            CASE %(status)s::text WHEN 'delivered' THEN now() END,
            (SELECT coalesce(max(position), 0) FROM webhooks_delivery) + number, now() - interval '1 day'
        FROM generate_series(1, %(number)s::int) AS number
        """,
        webhook=webhook.pk,
        status=status,
        number=BURST,
    )


class TestClaim:
    @pytest.fixture
    def webhook(self) -> Webhook:
        webhook = make_webhook()
        fill(webhook, status="delivered")
        psql("DISCARD PLANS")
        return webhook

    def test_reads_a_small_part_of_a_burst(self, webhook: Webhook) -> None:
        fill(webhook, status="pending")

        # Claims are updates, which write several indexes.
        with planner_without("indexscan"):
            assert blocks_read(CLAIM) < 1_000

    def test_reads_next_to_nothing_for_a_webhook_that_is_paused(self, webhook: Webhook) -> None:
        fill(webhook, status="pending")
        psql("UPDATE webhooks_webhook SET status = 'paused'")

        with planner_without("indexscan"):
            assert blocks_read(CLAIM) < 20

    def test_of_many_about_one_object_passes_over_those_that_wait(self, webhook: Webhook) -> None:
        """The first one waits for a retry, so all others have to wait as well."""
        fill(webhook, status="pending", about="'ticket/1'")
        psql(
            "UPDATE webhooks_delivery SET next_attempt_at = now() + interval '1 hour'"
            " WHERE id = (SELECT min(id) FROM webhooks_delivery WHERE status = 'pending')"
        )

        assert psql(CLAIM) == []
        # Six blocks for each: its entry, its row, and the entry of an earlier one.
        assert blocks_read(CLAIM) < 10 * BURST
