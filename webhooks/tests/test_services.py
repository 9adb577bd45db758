"""Use cases without a wire: deleting what is old, and figures for metrics."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import AuditEntry, User
from kit import encryption
from projects.tests.psql import psql
from webhooks import queries, services
from webhooks.models import Delivery, Secret, Webhook, WebhookStatus
from webhooks.tests.factories import make_delivery, make_signed, make_webhook

pytestmark = pytest.mark.django_db

MONTH = timedelta(days=30)


class TestPurge:
    def test_deletes_what_is_old_and_no_longer_tried(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "PURGE_BATCH", 2)
        at = timezone.now()
        webhook, paused = make_webhook(), make_webhook()
        services.update(webhook_id=paused.pk, status=WebhookStatus.PAUSED)
        old, new = at - timedelta(days=31), at - timedelta(days=29)
        for created_at in (old, new):
            for status in ("pending", "failed", "cancelled"):
                make_delivery(webhook, status=status, created_at=created_at)
            make_delivery(paused, created_at=created_at)

        number = services.purge(older_than=MONTH, at=at)

        assert number == 3
        left = Delivery.objects.order_by("pk").values_list("webhook", "status", "created_at")
        assert list(left) == [
            (webhook.pk, "pending", old),
            *((webhook.pk, status, new) for status in ("pending", "failed", "cancelled")),
            (paused.pk, "pending", new),
        ]

    def test_deletes_secrets_that_are_no_longer_valid(self) -> None:
        webhook, at = make_webhook(), timezone.now()
        services.rotate_secret(webhook_id=webhook.pk, at=at - timedelta(hours=25))

        services.purge(older_than=MONTH, at=at)

        assert Secret.objects.count() == 1


class TestReencrypt:
    def test_lets_the_old_key_be_removed(self, settings: Any) -> None:
        _, secret = make_signed()
        settings.ENCRYPTION_KEYS = ["a new key, which is as long as the other one", *settings.ENCRYPTION_KEYS]

        call_command("reencrypt")

        settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS[:1]
        assert encryption.decrypt(Secret.objects.get().encrypted) == secret

    def test_changes_nothing_if_a_key_is_missing(self, settings: Any) -> None:
        make_webhook()
        before = Secret.objects.get().encrypted
        settings.ENCRYPTION_KEYS = ["another key, which has encrypted nothing"]

        with pytest.raises(encryption.Undecryptable):
            services.reencrypt()

        assert Secret.objects.get().encrypted == before


class TestSummary:
    def test_counts_deliveries_and_webhooks(self) -> None:
        at = timezone.now()
        active, paused = make_webhook(), make_webhook()
        services.update(webhook_id=paused.pk, status=WebhookStatus.PAUSED)
        Webhook.objects.filter(pk=active.pk).update(failing_since=at)
        oldest = at - timedelta(minutes=5)
        for created_at in (at, oldest):
            make_delivery(active, created_at=created_at)
        make_delivery(active, next_attempt_at=at + timedelta(hours=1))
        make_delivery(paused)
        make_delivery(active, status="failed")
        make_delivery(active, status="delivered", delivered_at=at)

        found = queries.summary(at=timezone.now())

        assert found == queries.Summary(
            pending=4,
            due=2,
            delivered=1,
            failed=1,
            cancelled=0,
            oldest=oldest,
            active=1,
            paused=1,
            ended=0,
            failing=1,
        )


class TestDatabase:
    """What the database itself refuses."""

    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE webhooks_webhook SET status = 'broken'",
            "UPDATE webhooks_webhook SET events = '{}'",
            "UPDATE webhooks_secret SET encrypted = 'whsec_plain'",
            "INSERT INTO webhooks_secret (webhook_id, encrypted) SELECT webhook_id, encrypted FROM webhooks_secret",
            "UPDATE webhooks_delivery SET status = 'delivered'",
            "UPDATE webhooks_delivery SET status = 'lost'",
            "INSERT INTO webhooks_delivery (webhook_id, position, event, about, body)"
            " SELECT webhook_id, position, event, about, body FROM webhooks_delivery",
            "INSERT INTO webhooks_progress (id, position) VALUES (2, 0)",
        ],
    )
    def test_refuses(self, statement: str) -> None:
        make_delivery(make_webhook(), position=1)

        with pytest.raises(Exception, match="violates"), transaction.atomic():
            psql(statement)

    def test_creates_no_delivery_twice(self) -> None:
        webhook = make_webhook()
        make_delivery(webhook, position=1)

        with pytest.raises(IntegrityError, match="webhook_delivery_once"), transaction.atomic():
            make_delivery(webhook, position=1)


class TestAuditLog:
    def test_has_every_change_of_a_webhook(self, admin: User) -> None:
        webhook = services.create(url="https://example.com/hooks", events=["ticket.*"], by=admin).webhook
        services.update(webhook_id=webhook.pk, events=["booking.*"])
        services.rotate_secret(webhook_id=webhook.pk, at=timezone.now())
        psql("UPDATE webhooks_webhook SET failing_since = now()")
        services.delete(webhook_id=webhook.pk)

        entries = AuditEntry.objects.filter(action__startswith="webhook").order_by("pk")
        assert [entry.action for entry in entries] == [
            "webhook_created",
            "webhook_changed",
            "webhook_changed",
            "webhook_deleted",
        ]
        assert entries[1].details == {"id": webhook.pk, "events": [["ticket.*"], ["booking.*"]]}
        assert entries[2].details == {"id": webhook.pk, "secret": "replaced"}
