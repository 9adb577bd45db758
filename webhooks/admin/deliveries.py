"""Deliveries in the admin: what was sent and what the receiver replied, with an action to send it again."""

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.paginator import InfinitePaginator

from accounts.permissions import staff_user
from kit.admin.once import in_steps
from kit.admin.pages import ReadOnlyMixin
from kit.admin.refusals import long_task_refusals_as_messages
from kit.long_tasks.leases import long_task
from kit.templatetags import times
from kit.text import counted
from webhooks import services
from webhooks.admin.display import DELIVERY_COLOURS, link, preformatted, readable_json, webhook_page
from webhooks.models import Delivery, DeliveryStatus, Webhook, WebhookStatus

MAX_LISTED_ERROR = 80
WHAT_TO_DO = {
    DeliveryStatus.PENDING: "Nothing. It will be sent soon, or retried if an attempt has failed.",
    DeliveryStatus.DELIVERED: "Nothing. The receiver has accepted it.",
    DeliveryStatus.FAILED: "Check the response and the receiver. Once the cause is fixed, select the delivery in the "
    "list and resend it.",
    DeliveryStatus.CANCELLED: "Nothing. The receiver has ended the subscription. If this is still wanted, resume the "
    "webhook and resend the delivery.",
}
WAITS = "It waits until the webhook is resumed."


class WebhookFilter(admin.SimpleListFilter):
    title = "webhook"
    parameter_name = "webhook"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(webhook.pk), str(webhook)) for webhook in Webhook.objects.order_by("pk")]

    def queryset(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
        chosen = {choice for choice, _ in self.lookup_choices}
        return deliveries.filter(webhook=int(self.value() or 0)) if self.value() in chosen else deliveries


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(DeliveryStatus.choices)

    def queryset(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return deliveries.filter(status=self.value()) if self.value() in DeliveryStatus.values else deliveries


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyMixin, ModelAdmin):
    list_display = ["id", "status_label", "event", "webhook_link", "about", "attempts", "result", "when"]
    list_filter = [StatusFilter, WebhookFilter]
    list_fullwidth = True
    list_select_related = ["webhook"]
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    paginator = InfinitePaginator
    empty_note = "What webhooks send appears here."
    sortable_by = ["id"]
    ordering = ["-id"]
    actions = ["resend"]
    fieldsets = [
        (None, {"fields": [("status", "event"), "what_to_do", ("webhook_link", "about")]}),
        ("Last attempt", {"fields": [("result", "milliseconds"), ("attempts", "when"), "shown_response"]}),
        ("Sent", {"fields": ["webhook_id_header", "payload", "created_at"]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """Leave out the long texts, which the list does not show."""
        return super().get_queryset(request).defer("body", "response")

    @display(description="status", label=DELIVERY_COLOURS)
    def status_label(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.status, delivery.get_status_display()

    @admin.display(description="webhook")
    def webhook_link(self, delivery: Delivery) -> str:
        return link(webhook_page(delivery.webhook_id), str(delivery.webhook))

    @admin.display(description="result", empty_value="")
    def result(self, delivery: Delivery) -> str | None:
        """Return the status of the last response, or what went wrong."""
        parts = [f"HTTP {delivery.response_status}" if delivery.response_status else "", delivery.error]
        return ": ".join(part for part in parts if part)[:MAX_LISTED_ERROR] or None

    @admin.display(description="when", empty_value="")
    def when(self, delivery: Delivery) -> str | None:
        if delivery.status == DeliveryStatus.PENDING:
            return format_html("due {}", times.relative(delivery.next_attempt_at))
        return times.relative(delivery.attempted_at) if delivery.attempted_at else None

    @admin.display(description="what to do")
    def what_to_do(self, delivery: Delivery) -> str:
        is_pending = delivery.status == DeliveryStatus.PENDING and delivery.position is not None
        if is_pending and delivery.webhook.status != WebhookStatus.ACTIVE:
            return WAITS
        return WHAT_TO_DO[DeliveryStatus(delivery.status)]

    @admin.display(description="response", empty_value="")
    def shown_response(self, delivery: Delivery) -> str | None:
        text = "\n\n".join(part for part in (delivery.error, delivery.response) if part)
        return preformatted(text) if text else None

    @admin.display(description="payload")
    def payload(self, delivery: Delivery) -> str:
        return preformatted(readable_json(delivery.body))

    @admin.display(description="webhook-id")
    def webhook_id_header(self, delivery: Delivery) -> str:
        return delivery.webhook_id_header

    @admin.action(description="Resend", permissions=["retry"])
    def resend(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        with long_task_refusals_as_messages(request), long_task(staff_user(request).pk):
            number = services.resend(Delivery.objects.filter(pk__in=deliveries.values("pk")), at=timezone.now())
            said = f"{counted(number, 'message')} queued. Pending ones are sent anyway."
            self.message_user(request, said, messages.SUCCESS)

    @in_steps
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, extra_context)

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("webhooks.change_delivery")
