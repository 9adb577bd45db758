"""The list of webhooks, the page of a webhook, and what can be done with it."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts.permissions import staff_user
from kit.admin.forms import ServiceAdmin, ServiceForm, changed_values
from kit.admin.pages import form_page, row_or_404
from kit.admin.refusals import refusals_as_messages
from kit.admin.stale import SeenAdmin, SeenForm
from kit.templatetags import times
from kit.text import counted
from webhooks import services
from webhooks.admin.display import WEBHOOK_COLOURS, deliveries_link, webhook_page
from webhooks.models import EVENTS, Delivery, DeliveryStatus, Webhook, WebhookStatus

# How long the page that shows a new secret can be reloaded.
SECRET_SECONDS = 300
SALT = "webhooks.admin.secret"
EVENTS_HELP = "Separated by commas. A trailing * matches any ending; * alone matches everything. The events are "


class EventsField(forms.CharField):
    """Events, separated by commas."""

    widget = UnfoldAdminTextInputWidget

    def prepare_value(self, value: Any) -> Any:
        return ", ".join(value) if isinstance(value, list) else value

    def clean(self, value: Any) -> list[str]:
        return _events(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return _events(data or "") != (initial or [])


def _events(text: str) -> list[str]:
    return [event for event in (part.strip() for part in text.split(",")) if event]


class WebhookForm(SeenForm, ServiceForm):
    events = EventsField(help_text=f"{EVENTS_HELP}{', '.join(EVENTS)}.", max_length=1000)


@admin.register(Webhook)
class WebhookAdmin(SeenAdmin, ServiceAdmin):
    form = WebhookForm
    list_display = ["name", "status_label", "shown_events", "failing", "deliveries"]
    list_filter = ["status"]
    list_fullwidth = True
    empty_note = "A webhook tells another system about changes. Add one with the URL to notify."
    ordering = ["-id"]
    sortable_by: list[str] = []
    readonly_fields = ["status", "reason", "failing", "deliveries", "created_by", "created_at"]
    actions_detail = ["send_test", "pause", "resume", "replace_secret", "resend_failed"]

    @admin.display(description="webhook")
    def name(self, webhook: Webhook) -> str:
        return str(webhook)

    @display(description="status", label=WEBHOOK_COLOURS)
    def status_label(self, webhook: Webhook) -> tuple[str, str]:
        return webhook.status, webhook.get_status_display()

    @admin.display(description="events")
    def shown_events(self, webhook: Webhook) -> str:
        return ", ".join(webhook.events)

    @admin.display(description="failing since", empty_value="")
    def failing(self, webhook: Webhook) -> str | None:
        """Return since when every attempt has failed."""
        return times.relative(webhook.failing_since) if webhook.failing_since else None

    @admin.display(description="deliveries")
    def deliveries(self, webhook: Webhook) -> str:
        return deliveries_link(webhook.pk, "All deliveries")

    def get_fieldsets(self, request: HttpRequest, obj: Webhook | None = None) -> Any:
        fields = ["url", "events", "description"]
        if obj is None:
            return [(None, {"fields": fields})]
        state = [("status", "deliveries"), "reason", "failing"]
        details = [("created_by", "created_at")]
        return [(None, {"fields": ["seen", *fields]}), ("State", {"fields": state}), ("Details", {"fields": details})]

    def get_actions_detail(self, request: HttpRequest, object_id: int) -> Any:
        """Offer to pause what is active, and to resume what is not."""
        webhook = self.get_object(request, str(object_id))
        unfit = "resume" if webhook and webhook.status == WebhookStatus.ACTIVE else "pause"
        found = super().get_actions_detail(request, object_id)
        return [each for each in found if not each.action_name.endswith(f"_{unfit}")]

    def save_model(self, request: HttpRequest, webhook: Webhook, form: Any, change: bool) -> None:
        if change:
            values = changed_values(form)
            values.pop("seen", None)
            services.update(webhook_id=webhook.pk, **values)
            return
        made = services.create(by=staff_user(request), **form.cleaned_data)
        webhook.pk = made.webhook.pk
        request.secret_page = _secret_page(made)  # type: ignore[attr-defined]

    def response_add(self, request: HttpRequest, webhook: Webhook, post_url_continue: Any = None) -> HttpResponse:
        if IS_POPUP_VAR in request.POST:
            return super().response_add(request, webhook)
        return HttpResponseRedirect(request.secret_page)  # type: ignore[attr-defined]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Offer one button: the page of a new secret comes next."""
        context |= {"show_save_and_add_another": False}
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_model(self, request: HttpRequest, webhook: Webhook) -> None:
        services.delete(webhook_id=webhook.pk)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List no deliveries: there may be a million."""
        return [str(each) for each in objs], {}, set(), []

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.secret_view)
        return [path("<path:object_id>/secret/", view, name="webhooks_webhook_secret"), *super().get_urls()]

    @action(description="Send test", url_path="test", permissions=["change"])
    def send_test(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = row_or_404(self, request, object_id)
        if request.method == "POST":
            with refusals_as_messages(request):
                delivery = services.test(webhook_id=webhook.pk, at=timezone.now())
                self.message_user(request, "The test will be sent in a moment. Reload this page for the result.")
                return HttpResponseRedirect(reverse("admin:webhooks_delivery_change", args=[delivery.pk]))
        notes = [
            f"Sends a delivery of type webhook.test to {webhook.url}, signed like all others. It is not retried.",
        ]
        return self._ask(request, webhook, title=f"Send a test to “{webhook}”?", notes=notes, submit="Send test")

    @action(description="Pause", url_path="pause", permissions=["change"])
    def pause(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = row_or_404(self, request, object_id)
        if request.method == "POST":
            return self._set_status(request, webhook, WebhookStatus.PAUSED, "Paused. Deliveries wait.")
        notes = ["Deliveries are kept, and sent when the webhook is resumed. Those that become too old are deleted."]
        return self._ask(request, webhook, title=f"Pause “{webhook}”?", notes=notes, submit="Pause")

    @action(description="Resume", url_path="resume", permissions=["change"])
    def resume(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = row_or_404(self, request, object_id)
        if request.method == "POST":
            return self._set_status(request, webhook, WebhookStatus.ACTIVE, "Resumed.")
        waiting = Delivery.objects.filter(webhook=webhook, status=DeliveryStatus.PENDING).count()
        notes = [f"{counted(waiting, 'message')} will be sent, in order."]
        if webhook.reason:
            notes.append(f"Reason it stopped: {webhook.reason}")
        return self._ask(request, webhook, title=f"Resume “{webhook}”?", notes=notes, submit="Resume")

    @action(
        description="Replace secret", url_path="replace-secret", permissions=["change"], variant=ActionVariant.DANGER
    )
    def replace_secret(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = row_or_404(self, request, object_id)
        if request.method == "POST":
            with refusals_as_messages(request):
                return HttpResponseRedirect(
                    _secret_page(services.rotate_secret(webhook_id=webhook.pk, at=timezone.now()))
                )
        notes = ["For 24 hours, deliveries are signed with both secrets, so that the receiver can switch."]
        title = f"Replace the signing secret of “{webhook}”?"
        return self._ask(request, webhook, title=title, notes=notes, submit="Replace", is_destructive=True)

    @action(description="Resend failed", url_path="resend-failed", permissions=["change"])
    def resend_failed(self, request: HttpRequest, object_id: str) -> HttpResponse:
        webhook = row_or_404(self, request, object_id)
        failed = Delivery.objects.filter(webhook=webhook, status=DeliveryStatus.FAILED)
        if request.method == "POST":
            number = services.resend(failed, at=timezone.now())
            said = f"{counted(number, 'message')} queued."
            self.message_user(request, said if number else "Nothing has failed.", messages.SUCCESS)
            return HttpResponseRedirect(webhook_page(webhook.pk))
        found = counted(failed.count(), "failed message")
        notes = [f"{found} will be sent again, with the same IDs. Receivers ignore what they have received before."]
        return self._ask(request, webhook, title=f"Resend to “{webhook}”?", notes=notes, submit="Resend")

    def _set_status(self, request: HttpRequest, webhook: Webhook, status: str, said: str) -> HttpResponse:
        with refusals_as_messages(request):
            services.update(webhook_id=webhook.pk, status=status)
            self.message_user(request, said, messages.SUCCESS)
        return HttpResponseRedirect(webhook_page(webhook.pk))

    def _ask(self, request: HttpRequest, webhook: Webhook, **texts: Any) -> HttpResponse:
        return form_page(self, request, forms.Form(), back=webhook_page(webhook.pk), row=webhook, **texts)

    def secret_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        if not self.has_change_permission(request):
            raise PermissionDenied
        if request.method not in ("GET", "HEAD"):
            return HttpResponseNotAllowed(["GET", "HEAD"])
        return _secret_response(self, request, row_or_404(self, request, object_id))


def _secret_page(made: services.NewSecret) -> str:
    """Return the address of the page that shows a new secret. It works for a few minutes, and contains no secret."""
    page = reverse("admin:webhooks_webhook_secret", args=[made.webhook.pk])
    return f"{page}?shown={signing.dumps(made.secret_id, salt=SALT)}"


def _secret_response(model_admin: WebhookAdmin, request: HttpRequest, webhook: Webhook) -> HttpResponse:
    """Show a secret that was created a moment ago. Without its address, go to the webhook's page."""
    try:
        secret_id = signing.loads(request.GET.get("shown", ""), salt=SALT, max_age=SECRET_SECONDS)
        secret = services.secret(webhook_id=webhook.pk, secret_id=secret_id)
    except (signing.BadSignature, services.WebhookNotFound):
        return HttpResponseRedirect(webhook_page(webhook.pk))
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": f"Signing secret of “{webhook}”",
        "has_heading": True,
        "secret": secret,
        "back": webhook_page(webhook.pk),
    }
    return TemplateResponse(request, "admin/webhooks/secret.html", context)
