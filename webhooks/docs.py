"""OpenAPI descriptions of the webhook endpoints, as decorators for the views."""

from typing import Any

from kit import versions
from kit.errors import Forbidden
from kit.openapi.describe import describes, invalid, missing
from kit.web import paging
from kit.web.etags import ExpectedVersionSerializer
from webhooks import addresses, services
from webhooks.serializers import (
    DeliveryPageSerializer,
    DeliveryQuerySerializer,
    DeliverySerializer,
    NewWebhookSerializer,
    WebhookPageSerializer,
    WebhookPatchSerializer,
    WebhookQuerySerializer,
    WebhookSerializer,
    WebhookWithSecretSerializer,
)

NEW_WEBHOOK: dict[str, Any] = {
    "url": "https://example.com/hooks",
    "events": ["ticket.*", "booking.confirmed"],
    "description": "Data warehouse",
}
WEBHOOK: dict[str, Any] = {
    "id": 4,
    **NEW_WEBHOOK,
    "status": "active",
    "reason": None,
    "failingSince": None,
    "createdBy": 1,
    "createdAt": "2024-07-01T18:00:00Z",
    "version": 1,
}
WITH_SECRET: dict[str, Any] = {**WEBHOOK, "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="}
DELIVERY: dict[str, Any] = {
    "id": 1041,
    "messageId": "msg_0b6f5c0e7d0f4d7a9a573c1c9c2f8e11",
    "type": "user.created",
    "status": "delivered",
    "attempts": 1,
    "createdAt": "2024-07-01T18:00:01Z",
    "nextAttemptAt": None,
    "attemptedAt": "2024-07-01T18:00:02Z",
    "deliveredAt": "2024-07-01T18:00:02Z",
    "payload": {
        "type": "user.created",
        "timestamp": "2024-07-01T18:00:00Z",
        "data": {
            "id": 7,
            "name": "Olga Owner",
            "email": "olga@example.com",
            "type": "customer",
            "isActive": True,
            "createdAt": "2024-07-01T18:00:00Z",
            "version": 1,
        },
    },
    "response": {"status": 204, "body": "", "error": None, "milliseconds": 41},
}
QUEUED: dict[str, Any] = {
    **DELIVERY,
    "status": "pending",
    "attempts": 0,
    "nextAttemptAt": "2024-07-01T18:00:01Z",
    "attemptedAt": None,
    "deliveredAt": None,
    "response": None,
}
ANSWER = (WebhookSerializer, WEBHOOK)
BAD_URL = invalid(url=addresses.NOT_HTTPS)
PRIVATE_URL = invalid(url=addresses.PRIVATE)
BAD_EVENT = invalid(events=services.UNKNOWN_EVENT.format("ticket.closed"))
STALE = versions.refusals("webhook", "url")
_, OUTDATED = STALE

list_webhooks = describes(
    "List webhooks",
    name="listWebhooks",
    more="Admins only. Newest first.",
    query=WebhookQuerySerializer,
    answers={200: (WebhookPageSerializer, {"items": [WEBHOOK], "nextCursor": None})},
    refusals=[Forbidden, paging.BAD_CURSOR],
)

create_webhook = describes(
    "Create a webhook",
    name="createWebhook",
    more="Admins only. Changes from now on are posted to the URL as the Standard Webhooks specification says: with the "
    "headers `webhook-id`, `webhook-timestamp` and `webhook-signature`, and a body with `type`, `timestamp` and "
    "`data`. The response has the signing secret, which is not shown again.",
    request=(NewWebhookSerializer, NEW_WEBHOOK),
    answers={201: (WebhookWithSecretSerializer, WITH_SECRET)},
    refusals=[missing("url", "events"), BAD_URL, PRIVATE_URL, BAD_EVENT, Forbidden, services.TooManyWebhooks],
)

get_webhook = describes(
    "Get a webhook",
    name="getWebhook",
    more="Admins only.",
    answers={200: ANSWER, 304: None},
    refusals=[Forbidden, services.WebhookNotFound],
)

change_webhook = describes(
    "Update a webhook",
    name="updateWebhook",
    more="Admins only. Omitted fields keep their values. While a webhook is `paused`, deliveries wait; `active` "
    "resumes it and sends them.",
    request=(WebhookPatchSerializer, {"status": "paused", "version": 1}),
    answers={200: (WebhookSerializer, {**WEBHOOK, "status": "paused", "version": 2})},
    refusals=[BAD_URL, PRIVATE_URL, BAD_EVENT, Forbidden, services.WebhookNotFound, *STALE],
)

delete_webhook = describes(
    "Delete a webhook",
    name="deleteWebhook",
    more="Admins only. Its deliveries are deleted as well, and those that are pending are not sent.",
    answers={204: None},
    refusals=[Forbidden, services.WebhookNotFound, OUTDATED],
)

rotate_secret = describes(
    "Replace the signing secret",
    name="rotateWebhookSecret",
    more="Admins only. For 24 hours, deliveries are also signed with the previous secret, so `webhook-signature` has "
    "several signatures, separated by spaces. One that matches is enough.",
    request=(ExpectedVersionSerializer, {"version": 1}),
    answers={200: (WebhookWithSecretSerializer, WITH_SECRET)},
    refusals=[Forbidden, services.WebhookNotFound, *STALE],
)

test_webhook = describes(
    "Send a test",
    name="testWebhook",
    more="Admins only. Queues a delivery of type `webhook.test`, whose data is the webhook. It is sent once, even "
    "while the webhook is paused. Get the delivery for the result.",
    answers={202: (DeliverySerializer, QUEUED)},
    refusals=[Forbidden, services.WebhookNotFound],
)

list_deliveries = describes(
    "List deliveries",
    name="listWebhookDeliveries",
    more="Admins only. Newest first, with what was sent and the response to the last attempt.",
    query=DeliveryQuerySerializer,
    answers={200: (DeliveryPageSerializer, {"items": [DELIVERY], "nextCursor": None})},
    refusals=[Forbidden, services.WebhookNotFound, paging.BAD_CURSOR],
)

get_delivery = describes(
    "Get a delivery",
    name="getWebhookDelivery",
    more="Admins only.",
    answers={200: (DeliverySerializer, DELIVERY)},
    refusals=[Forbidden, services.DeliveryNotFound],
)

retry_delivery = describes(
    "Send a delivery again",
    name="retryWebhookDelivery",
    more="Admins only. It is sent soon, with the same body and `webhook-id`, and gets all its attempts again. While "
    "the webhook is paused, it waits.",
    answers={202: (DeliverySerializer, QUEUED)},
    refusals=[Forbidden, services.DeliveryNotFound, services.StillPending],
)
