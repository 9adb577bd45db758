"""The /webhooks endpoints, for admins."""

from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request

from accounts.permissions import IsAdmin, caller
from kit.idempotency.views import confidential, idempotent
from kit.web import paging
from kit.web.base import ViewSet
from kit.web.bodies import read
from kit.web.etags import ExpectedVersionSerializer, expected, read_change, versioned
from kit.web.responses import Response
from webhooks import docs, queries, services, shapes
from webhooks.serializers import NewWebhookSerializer, WebhookPatchSerializer


class WebhookViewSet(ViewSet):
    permission_classes = [IsAdmin]

    @docs.list_webhooks
    def list(self, request: Request) -> Response:
        limit, (before_id,) = self.query["limit"], self.query.get("cursor", [None])
        found = queries.webhooks(before_id=before_id, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda row: (row["id"],))
        return Response({"items": page.items, "nextCursor": page.nextCursor})

    @docs.create_webhook
    @confidential
    @versioned
    def create(self, request: Request) -> Response:
        made = services.create(**read(NewWebhookSerializer, request), by=caller(request))
        return _with_secret(made, status.HTTP_201_CREATED)

    @docs.get_webhook
    @versioned
    def retrieve(self, request: Request, webhook_id: int) -> Response:
        webhook = queries.webhook(webhook_id=webhook_id)
        if webhook is None:
            raise services.WebhookNotFound
        return Response(webhook)

    @docs.change_webhook
    @versioned
    def partial_update(self, request: Request, webhook_id: int) -> Response:
        webhook = services.update(webhook_id=webhook_id, **read_change(WebhookPatchSerializer, request))
        return Response(shapes.webhook(webhook))

    @docs.delete_webhook
    @idempotent
    def destroy(self, request: Request, webhook_id: int) -> Response:
        services.delete(webhook_id=webhook_id, expected=expected(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.rotate_secret
    @confidential
    @versioned
    def secret(self, request: Request, webhook_id: int) -> Response:
        change = read_change(ExpectedVersionSerializer, request)
        made = services.rotate_secret(webhook_id=webhook_id, at=timezone.now(), **change)
        return _with_secret(made)


class DeliveryViewSet(ViewSet):
    permission_classes = [IsAdmin]

    @docs.list_deliveries
    def list(self, request: Request, webhook_id: int) -> Response:
        if queries.webhook(webhook_id=webhook_id) is None:
            raise services.WebhookNotFound
        limit, (before_id,) = self.query["limit"], self.query.get("cursor", [None])
        found = queries.deliveries(
            webhook_id=webhook_id, status=self.query.get("status"), before_id=before_id, limit=limit + 1
        )
        page = paging.page(
            found, limit=limit, key=lambda row: (row["id"],), texts=lambda row: [row["payload"], row["response"]]
        )
        return Response({"items": [shapes.delivery(row) for row in page.items], "nextCursor": page.nextCursor})

    @docs.get_delivery
    def retrieve(self, request: Request, delivery_id: int, webhook_id: int | None = None) -> Response:
        # A retry of a request whose response was too long to store reads the delivery again, by its id.
        return self._answer(webhook_id or self.kwargs["webhook_id"], delivery_id, status.HTTP_200_OK)

    @docs.test_webhook
    @idempotent
    def test(self, request: Request, webhook_id: int) -> Response:
        return self._answer(webhook_id, services.test(webhook_id=webhook_id, at=timezone.now()).pk)

    @docs.retry_delivery
    @idempotent
    def retry(self, request: Request, webhook_id: int, delivery_id: int) -> Response:
        services.retry(webhook_id=webhook_id, delivery_id=delivery_id, at=timezone.now())
        return self._answer(webhook_id, delivery_id)

    def _answer(self, webhook_id: int, delivery_id: int, status: int = status.HTTP_202_ACCEPTED) -> Response:
        row = queries.delivery(webhook_id=webhook_id, delivery_id=delivery_id)
        if row is None:
            raise services.DeliveryNotFound
        return Response(shapes.delivery(row), status=status)


def _with_secret(made: services.NewSecret, status: int = status.HTTP_200_OK) -> Response:
    return Response(shapes.webhook(made.webhook) | {"secret": made.secret}, status=status)
