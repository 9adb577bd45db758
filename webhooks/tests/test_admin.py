"""Webhooks in the admin."""

import re
from html import unescape
from typing import Any

import pytest
from django.core import signing
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from kit.admin.stale import STALE
from kit.idempotency.models import IdempotencyKey
from kit.tests.browser import Browser, errors, fields
from webhooks import addresses, services
from webhooks.admin.webhooks import SALT, SECRET_SECONDS
from webhooks.models import Delivery, Secret, Webhook, WebhookStatus
from webhooks.tests.factories import make_delivery, make_webhook

pytestmark = pytest.mark.django_db

WEBHOOKS = "/admin/webhooks/webhook/"
DELIVERIES = "/admin/webhooks/delivery/"
FORM = {"url": "https://example.com/hooks", "events": "ticket.*, booking.confirmed", "description": "Warehouse"}


@pytest.fixture
def webhook(admin: User) -> Webhook:
    return make_webhook(by=admin)


def page_of(webhook: Webhook, page: str = "change") -> str:
    return f"{WEBHOOKS}{webhook.pk}/{page}/"


def text(response: Any) -> str:
    return unescape(response.content.decode())


def add(browser: Browser, form: dict[str, str]) -> Any:
    page = f"{WEBHOOKS}add/"
    return browser.post(page, {**fields(browser.get(page)), **form, "_save": "Save"})


class TestAdd:
    def test_shows_the_secret_once(self, admin: User) -> None:
        browser = Browser(admin)

        added = add(browser, FORM)

        webhook = Webhook.objects.get()
        assert (webhook.url, webhook.events, webhook.created_by) == (
            FORM["url"],
            ["ticket.*", "booking.confirmed"],
            admin,
        )
        shown = browser.get(added["Location"])
        (secret,) = re.findall(r"whsec_[A-Za-z0-9+/=]+", text(shown))
        assert services.secret(webhook_id=webhook.pk, secret_id=Secret.objects.get().pk) == secret
        assert shown["Cache-Control"].startswith("max-age=0") or "no-store" in shown["Cache-Control"]
        assert "whsec_" not in text(browser.get(page_of(webhook)))
        # What is stored for a double click has no secret either.
        assert secret not in "".join(f"{key.body}{key.headers}" for key in IdempotencyKey.objects.all())

    def test_shows_it_only_for_a_few_minutes(self, admin: User, webhook: Webhook) -> None:
        browser, secret = Browser(admin), Secret.objects.get()
        long_ago = signing.TimestampSigner(salt=SALT)
        long_ago.timestamp = lambda: signing.b62_encode(int(timezone.now().timestamp()) - SECRET_SECONDS - 1)  # type: ignore[method-assign]

        for shown in ("", "x", long_ago.sign_object(secret.pk), signing.dumps(secret.pk + 1, salt=SALT)):
            answer = browser.get(page_of(webhook, "secret"), {"shown": shown})

            assert (answer.status_code, answer["Location"]) == (302, page_of(webhook))

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("url", "ftp://example.com/", addresses.NOT_A_URL),
            ("events", "ticket.closed", services.UNKNOWN_EVENT.format("ticket.closed")),
            ("events", " , ", "This field cannot be blank."),
        ],
    )
    def test_shows_errors_next_to_the_field(self, admin: User, field: str, value: str, message: str) -> None:
        answer = add(Browser(admin), FORM | {field: value})

        assert errors(answer) == {field: [message]}
        assert Webhook.objects.count() == 0


class TestChange:
    def test_saves_through_the_service(self, admin: User, webhook: Webhook) -> None:
        Browser(admin).submit(page_of(webhook), events="user.*", description="Other")

        webhook.refresh_from_db()
        assert (webhook.events, webhook.description, webhook.version) == (["user.*"], "Other", 2)

    def test_refuses_stale_forms(self, admin: User, webhook: Webhook) -> None:
        browser = Browser(admin)
        opened = fields(browser.get(page_of(webhook)))
        services.update(webhook_id=webhook.pk, events=["user.*"])

        refused = browser.post(page_of(webhook), {**opened, "description": "Mine", "_save": "Save"})

        assert errors(refused) == {"__all__": [STALE.format("Events")]}

    def test_deletes(self, admin: User, webhook: Webhook) -> None:
        make_delivery(webhook)

        Browser(admin).post(page_of(webhook, "delete"), {"post": "yes"})

        assert (Webhook.objects.count(), Delivery.objects.count()) == (0, 0)


class TestActions:
    def test_pause_and_resume(self, admin: User, webhook: Webhook) -> None:
        browser = Browser(admin)
        make_delivery(webhook)

        assert "Resume" not in text(browser.get(page_of(webhook)))
        browser.submit(page_of(webhook, "pause"))
        webhook.refresh_from_db()
        assert webhook.status == WebhookStatus.PAUSED
        assert "1 message will be sent" in text(browser.get(page_of(webhook, "resume")))
        browser.submit(page_of(webhook, "resume"))
        webhook.refresh_from_db()
        assert webhook.status == WebhookStatus.ACTIVE

    def test_send_a_test(self, admin: User, webhook: Webhook) -> None:
        answer = Browser(admin).submit(page_of(webhook, "test"))

        delivery = Delivery.objects.get()
        assert (delivery.event, answer["Location"]) == ("webhook.test", f"{DELIVERIES}{delivery.pk}/change/")

    def test_replace_the_secret(self, admin: User, webhook: Webhook) -> None:
        browser = Browser(admin)

        shown = browser.get(browser.submit(page_of(webhook, "replace-secret"))["Location"])

        assert Secret.objects.count() == 2
        newest = Secret.objects.get(ends_at=None)
        assert services.secret(webhook_id=webhook.pk, secret_id=newest.pk) in text(shown)

    def test_resend_all_that_failed(self, admin: User, webhook: Webhook) -> None:
        for status in ("failed", "failed", "cancelled"):
            make_delivery(webhook, status=status)
        browser = Browser(admin)

        assert "2 failed messages will be sent again" in text(browser.get(page_of(webhook, "resend-failed")))
        browser.submit(page_of(webhook, "resend-failed"))

        assert sorted(Delivery.objects.values_list("status", flat=True)) == ["cancelled", "pending", "pending"]


class TestList:
    def test_shows_the_state(self, admin: User, webhook: Webhook) -> None:
        Webhook.objects.filter(pk=webhook.pk).update(failing_since=timezone.now(), status=WebhookStatus.PAUSED)

        page = text(Browser(admin).get(WEBHOOKS))

        assert "https://example.com/hooks" in page
        assert "Paused" in page

    @pytest.mark.parametrize("number", [1, 12])
    def test_runs_six_queries(
        self, admin: User, django_assert_num_queries: DjangoAssertNumQueries, number: int
    ) -> None:
        for _ in range(number):
            make_webhook(by=admin)
        browser = Browser(admin)
        browser.get(WEBHOOKS)

        # Session, user, group and user permissions; number of webhooks, page.
        with django_assert_num_queries(6):
            browser.get(WEBHOOKS)


class TestDeliveries:
    def test_are_filtered(self, admin: User, webhook: Webhook) -> None:
        failed = make_delivery(webhook, status="failed")
        make_delivery(webhook)
        make_delivery(make_webhook(by=admin), status="failed")
        browser = Browser(admin)

        page = browser.get(DELIVERIES, {"webhook": str(webhook.pk), "status": "failed"})
        all_of_them = browser.get(DELIVERIES, {"webhook": "7777777"})

        assert list(page.context["cl"].result_list) == [failed]
        assert len(all_of_them.context["cl"].result_list) == 3

    @pytest.mark.parametrize("number", [1, 12])
    def test_run_six_queries_for_any_number(
        self, admin: User, webhook: Webhook, django_assert_num_queries: DjangoAssertNumQueries, number: int
    ) -> None:
        for _ in range(number):
            make_delivery(webhook)
        browser = Browser(admin)
        browser.get(DELIVERIES)

        # Session, user, group and user permissions; webhooks of the filter, page.
        with django_assert_num_queries(6) as queries:
            browser.get(DELIVERIES)

        assert not any("count(" in query["sql"].lower() for query in queries.captured_queries)

    def test_show_what_was_sent_and_the_response(self, admin: User, webhook: Webhook) -> None:
        delivery = make_delivery(
            webhook,
            body='{"type":"ticket.updated","data":{"title":"<b>Roof</b>"}}',
            status="failed",
            attempts=10,
            attempted_at=timezone.now(),
            response_status=500,
            response="<script>alert(1)</script>",
            milliseconds=41,
        )

        page = Browser(admin).get(f"{DELIVERIES}{delivery.pk}/change/")

        assert '"title": "<b>Roof</b>"' in text(page)
        assert "<script>alert(1)" not in page.content.decode()
        assert "&lt;script&gt;alert(1)" in page.content.decode()
        assert "HTTP 500" in text(page)
        assert f"msg_{delivery.message_id.hex}" in text(page)

    def test_can_be_sent_again(self, admin: User, webhook: Webhook) -> None:
        deliveries = [make_delivery(webhook, status=status) for status in ("failed", "failed", "failed")]
        browser = Browser(admin)

        chosen = [delivery.pk for delivery in deliveries[:2]]
        browser.post(DELIVERIES, {"action": "resend", "_selected_action": chosen})

        assert list(Delivery.objects.order_by("pk").values_list("status", flat=True)) == [
            "pending",
            "pending",
            "failed",
        ]
