"""The /webhooks endpoints."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from kit import encryption
from kit.idempotency.models import IdempotencyKey
from webhooks import addresses, services
from webhooks.models import EVENTS, Delivery, Secret, Webhook, WebhookStatus
from webhooks.tests.factories import make_delivery, make_signed, make_webhook, send_due
from webhooks.tests.receivers import Receiver, Reply

pytestmark = pytest.mark.django_db

Api = Callable[[User], APIClient]
BODY = {"url": "https://example.com/hooks", "events": ["ticket.*", "booking.confirmed"], "description": "Warehouse"}


@pytest.fixture
def api(signed_in: Api, admin: User) -> APIClient:
    return signed_in(admin)


@pytest.fixture
def webhook(admin: User) -> Webhook:
    return make_webhook(by=admin)


class TestCreate:
    def test_returns_the_secret_once(self, api: APIClient, admin: User) -> None:
        created = api.post("/webhooks", BODY)

        webhook = created.json()
        secret = webhook.pop("secret")
        assert created.status_code == 201
        assert webhook | {"createdAt": ""} == {
            "id": Webhook.objects.get().pk,
            **BODY,
            "status": "active",
            "reason": None,
            "failingSince": None,
            "createdBy": admin.pk,
            "createdAt": "",
            "version": 1,
        }
        assert secret.startswith("whsec_")
        assert api.get(f"/webhooks/{webhook['id']}").json() == webhook
        assert secret not in api.get("/webhooks").content.decode()

    def test_stores_the_secret_encrypted(self, api: APIClient) -> None:
        secret = api.post("/webhooks", BODY).json()["secret"]

        stored = Secret.objects.get().encrypted
        assert secret not in stored
        assert encryption.decrypt(stored) == secret

    def test_repeats_the_secret_to_a_retry_and_stores_that_encrypted(self, api: APIClient) -> None:
        first, second = (api.post("/webhooks", BODY, headers={"Idempotency-Key": "1"}) for _ in range(2))

        assert first.json() == second.json()
        assert Webhook.objects.count() == 1
        assert first.json()["secret"] not in IdempotencyKey.objects.get().body

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"url": ""}, "url"),
            ({"url": "example.com"}, "url"),
            ({"url": 7}, "url"),
            ({"url": "https://example.com/" + "x" * 2000}, "url"),
            ({"url": "https://user:password@example.com/"}, "url"),
            ({"events": []}, "events"),
            ({"events": "*"}, "events"),
            ({"events": ["ticket.closed"]}, "events"),
            ({"events": ["tick*et.created"]}, "events"),
            ({"events": ["ticket.created "] * 30}, "events"),
            ({"events": ["webhook.test"]}, "events"),
            ({"description": "x" * 501}, "description"),
        ],
    )
    def test_refuses_invalid_input(self, api: APIClient, change: dict[str, Any], field: str) -> None:
        response = api.post("/webhooks", BODY | change)

        assert response.status_code == 400
        assert response.json()["errors"][0]["field"].split(".")[0] == field

    @pytest.mark.parametrize("url", ["https://10.0.0.1/", "https://localhost/", "https://[::ffff:127.0.0.1]/"])
    def test_refuses_private_addresses(self, api: APIClient, settings: Any, url: str) -> None:
        settings.WEBHOOK_ALLOW_PRIVATE = False

        response = api.post("/webhooks", BODY | {"url": url})

        assert (response.status_code, response.json()["errors"]) == (
            400,
            [{"field": "url", "message": addresses.PRIVATE}],
        )

    def test_names_an_unknown_event(self, api: APIClient) -> None:
        response = api.post("/webhooks", BODY | {"events": ["*", "ticket.closed"]})

        assert "“ticket.closed” matches no event" in response.json()["message"]

    def test_accepts_every_event(self, api: APIClient) -> None:
        assert api.post("/webhooks", BODY | {"events": list(EVENTS)}).status_code == 201

    def test_is_limited(self, api: APIClient, admin: User, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(services, "MAX_WEBHOOKS", 1)
        make_webhook(by=admin)

        response = api.post("/webhooks", BODY)

        assert (response.status_code, response.json()["code"]) == (409, "too_many_webhooks")


class TestPermissions:
    @pytest.mark.parametrize("person", ["owner", "agent"])
    def test_are_for_admins(
        self, request: pytest.FixtureRequest, signed_in: Api, webhook: Webhook, person: str
    ) -> None:
        api, path = signed_in(request.getfixturevalue(person)), f"/webhooks/{webhook.pk}"
        delivery = make_delivery(webhook)

        answers = [
            api.get("/webhooks"),
            api.post("/webhooks", BODY),
            api.get(path),
            api.patch(path, {"description": "Mine"}),
            api.delete(path),
            api.post(f"{path}/test"),
            api.post(f"{path}/secret"),
            api.get(f"{path}/deliveries"),
            api.get(f"{path}/deliveries/{delivery.pk}"),
            api.post(f"{path}/deliveries/{delivery.pk}/retry"),
        ]

        assert [answer.status_code for answer in answers] == [403] * 10

    def test_require_a_token(self, anonymous: APIClient) -> None:
        assert anonymous.get("/webhooks").status_code == 401


class TestList:
    def test_is_paged_newest_first(self, api: APIClient, admin: User) -> None:
        made = [make_webhook(by=admin).pk for _ in range(3)]

        first = api.get("/webhooks?limit=2").json()
        second = api.get(f"/webhooks?limit=2&cursor={first['nextCursor']}").json()

        assert [item["id"] for item in first["items"] + second["items"]] == made[::-1]
        assert second["nextCursor"] is None

    @pytest.mark.parametrize("number", [1, 12])
    def test_runs_two_queries(
        self, api: APIClient, admin: User, django_assert_num_queries: DjangoAssertNumQueries, number: int
    ) -> None:
        for _ in range(number):
            make_webhook(by=admin)

        with django_assert_num_queries(2):
            api.get("/webhooks")


class TestChange:
    def test_moves_the_version(self, api: APIClient, webhook: Webhook) -> None:
        path = f"/webhooks/{webhook.pk}"

        changed = api.patch(path, {"events": ["*", "*"], "description": None, "url": "https://example.com/other"})

        assert changed.status_code == 200
        assert changed.json() == api.get(path).json()
        assert (changed.json()["events"], changed.json()["version"]) == (["*"], 2)

    def test_can_be_conditional(self, api: APIClient, webhook: Webhook) -> None:
        path = f"/webhooks/{webhook.pk}"
        tag = api.get(path)["ETag"]
        api.patch(path, {"description": "Other"})

        answers = [
            api.patch(path, {"description": "Mine"}, headers={"If-Match": tag}),
            api.patch(path, {"description": "Mine", "version": 1}),
            api.delete(path, headers={"If-Match": tag}),
            api.post(f"{path}/secret", headers={"If-Match": tag}),
        ]

        assert [answer.status_code for answer in answers] == [412, 409, 412, 412]
        assert answers[1].json()["errors"][0]["field"] == "description"

    def test_pauses_and_resumes(self, api: APIClient, webhook: Webhook) -> None:
        path = f"/webhooks/{webhook.pk}"
        Webhook.objects.filter(pk=webhook.pk).update(
            status=WebhookStatus.PAUSED, reason="It failed", failing_since=timezone.now()
        )

        resumed = api.patch(path, {"status": "active"}).json()

        assert (resumed["status"], resumed["reason"], resumed["failingSince"]) == ("active", None, None)
        assert api.patch(path, {"status": "paused"}).json()["status"] == "paused"

    @pytest.mark.parametrize("change", [{"status": "ended"}, {"status": None}, {"url": None}, {"events": None}])
    def test_refuses_invalid_input(self, api: APIClient, webhook: Webhook, change: dict[str, Any]) -> None:
        assert api.patch(f"/webhooks/{webhook.pk}", change).status_code == 400

    def test_deletes_with_deliveries(self, api: APIClient, webhook: Webhook) -> None:
        make_delivery(webhook)

        assert api.delete(f"/webhooks/{webhook.pk}").status_code == 204
        assert (Webhook.objects.count(), Delivery.objects.count(), Secret.objects.count()) == (0, 0, 0)

    @pytest.mark.parametrize("number", ["7777777", "99999999999999999999"])
    def test_of_a_missing_webhook_is_404(self, api: APIClient, number: str) -> None:
        path = f"/webhooks/{number}"

        answers = [
            api.get(path),
            api.patch(path, {"description": "Mine"}),
            api.delete(path),
            api.post(f"{path}/test"),
            api.post(f"{path}/secret"),
            api.get(f"{path}/deliveries"),
            api.get(f"{path}/deliveries/1"),
            api.post(f"{path}/deliveries/1/retry"),
        ]

        assert [answer.status_code for answer in answers] == [404] * 8


class TestSecret:
    def test_is_replaced(self, api: APIClient, admin: User) -> None:
        webhook, old = make_signed(by=admin)

        rotated = api.post(f"/webhooks/{webhook.pk}/secret")

        assert rotated.status_code == 200
        assert rotated.json()["secret"] not in ("", old)
        ends = Secret.objects.get(ends_at__isnull=False).ends_at
        assert ends
        assert timedelta(hours=23) < ends - timezone.now() <= timedelta(hours=24)

    def test_is_one_of_few(self, api: APIClient, webhook: Webhook) -> None:
        for _ in range(8):
            api.post(f"/webhooks/{webhook.pk}/secret")

        assert Secret.objects.count() == services.MAX_SECRETS


class TestTest:
    def test_is_sent_and_can_be_looked_up(self, api: APIClient, admin: User, receiver: Receiver) -> None:
        receiver.reply = lambda request: Reply(200, body=b"Hello")
        webhook = make_webhook(receiver.url, by=admin)

        queued = api.post(f"/webhooks/{webhook.pk}/test")
        send_due()

        assert (queued.status_code, queued.json()["status"], queued.json()["response"]) == (202, "pending", None)
        found = api.get(f"/webhooks/{webhook.pk}/deliveries/{queued.json()['id']}").json()
        assert (found["status"], found["attempts"], found["nextAttemptAt"]) == ("delivered", 1, None)
        assert found["response"] | {"milliseconds": 0} == {
            "status": 200,
            "body": "Hello",
            "error": None,
            "milliseconds": 0,
        }
        (request,) = receiver.received
        assert request.payload == found["payload"]
        assert request.headers["webhook-id"] == found["messageId"]
        assert (request.payload["type"], request.payload["data"]["id"]) == ("webhook.test", webhook.pk)
        assert "secret" not in request.payload["data"]


class TestDeliveries:
    def test_are_paged_newest_first(self, api: APIClient, webhook: Webhook) -> None:
        made = [make_delivery(webhook, status=status).pk for status in ("failed", "pending", "failed")]
        make_delivery(make_webhook())
        path = f"/webhooks/{webhook.pk}/deliveries"

        first = api.get(f"{path}?limit=2").json()
        second = api.get(f"{path}?limit=2&cursor={first['nextCursor']}").json()
        failed = api.get(f"{path}?status=failed").json()

        assert [item["id"] for item in first["items"] + second["items"]] == made[::-1]
        assert [item["id"] for item in failed["items"]] == [made[2], made[0]]
        assert api.get(f"{path}?status=lost").status_code == 400

    def test_end_a_page_early_if_they_are_long(self, api: APIClient, webhook: Webhook) -> None:
        for _ in range(3):
            make_delivery(webhook, body='{"data":"' + "x" * 200_000 + '"}')

        page = api.get(f"/webhooks/{webhook.pk}/deliveries").json()

        assert (len(page["items"]), page["nextCursor"] is None) == (2, False)

    @pytest.mark.parametrize("number", [1, 12])
    def test_run_three_queries(
        self, api: APIClient, webhook: Webhook, django_assert_num_queries: DjangoAssertNumQueries, number: int
    ) -> None:
        for _ in range(number):
            make_delivery(webhook)

        with django_assert_num_queries(3):
            api.get(f"/webhooks/{webhook.pk}/deliveries")

    @pytest.mark.parametrize("status", ["failed", "cancelled", "delivered"])
    def test_can_be_sent_again(self, api: APIClient, admin: User, receiver: Receiver, status: str) -> None:
        webhook = make_webhook(receiver.url, by=admin)
        delivered_at = timezone.now() if status == "delivered" else None
        delivery = make_delivery(webhook, status=status, attempts=10, delivered_at=delivered_at, position=1)

        response = api.post(f"/webhooks/{webhook.pk}/deliveries/{delivery.pk}/retry")
        send_due()

        assert (response.status_code, response.json()["status"], response.json()["attempts"]) == (202, "pending", 0)
        assert receiver.received[0].headers["webhook-id"] == response.json()["messageId"]
        delivery.refresh_from_db()
        assert (delivery.status, delivery.attempts) == ("delivered", 1)

    def test_that_are_pending_are_not_sent_again(self, api: APIClient, webhook: Webhook) -> None:
        delivery = make_delivery(webhook)

        response = api.post(f"/webhooks/{webhook.pk}/deliveries/{delivery.pk}/retry")

        assert (response.status_code, response.json()["code"]) == (409, "still_pending")

    def test_of_other_webhooks_are_404(self, api: APIClient, webhook: Webhook) -> None:
        delivery = make_delivery(make_webhook(), status="failed")
        path = f"/webhooks/{webhook.pk}/deliveries/{delivery.pk}"

        assert [api.get(path).status_code, api.post(f"{path}/retry").status_code] == [404, 404]
