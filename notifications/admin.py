"""Sent mail in the admin: read-only, with an action to resend what failed."""

from typing import Any, cast

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils import timezone
from django.utils.html import format_html
from procrastinate.contrib.django import admin as _admin_of_jobs  # noqa: F401
from procrastinate.contrib.django.models import ProcrastinateJob
from unfold.admin import ModelAdmin
from unfold.decorators import display

from accounts.permissions import staff_user
from kit.admin.forms import is_id
from kit.admin.once import in_steps
from kit.admin.pages import LINK_CLASSES, ReadOnlyMixin
from kit.admin.refusals import long_task_refusals_as_messages
from kit.long_tasks.leases import long_task
from kit.templatetags import times
from kit.text import counted
from notifications import services
from notifications.models import ABOUT_BOOKINGS, GIVEN_UP, Delivery, DeliveryQuerySet, Kind, Outage, State
from notifications.templatetags.sent_mail import STATE_COLOURS
from tickets.models import Ticket

# Registered by the import above. Its page lets staff abort jobs and shows nothing that deliveries do not.
admin.site.unregister(ProcrastinateJob)

WHAT_TO_DO = {
    State.PENDING: "Nothing. It will be sent soon, or retried if an attempt has failed.",
    State.SENT: "Nothing. The mail server has accepted it.",
    State.FAILED: "The address was rejected, or its user is gone. Check the last error and the address. Once the cause "
    "is fixed, select the e-mail in the list and resend it.",
    State.DEAD: "Every attempt failed for a temporary reason. Check the last error and the mail server. Once the cause "
    "is fixed, select the e-mail in the list and resend it.",
    State.SUMMARISED: "Nothing. The recipient gets a summary instead, because there were too many messages in an hour.",
}


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        is_admin = staff_user(request).is_admin
        return [choice for choice in Kind.choices if is_admin or choice[0] not in ABOUT_BOOKINGS]

    def queryset(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
        return deliveries.filter(kind=self.value()) if self.value() in Kind.values else deliveries


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("given-up", "All failed"), *State.choices]

    def queryset(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> QuerySet[Delivery]:
        if self.value() == "given-up":
            return deliveries.filter(state__in=GIVEN_UP)
        return deliveries.filter(state=self.value()) if self.value() in State.values else deliveries


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyMixin, ModelAdmin):
    """Sent mail. Agents see nothing of mail about bookings: not in lists and counts, and not by number or address."""

    list_display = [
        "id",
        "state_label",
        "kind",
        "recipient",
        "ticket_link",
        "booking_number",
        "attempts",
        "last_error",
        "when",
    ]
    list_filter = [StateFilter, KindFilter, "created_at"]
    list_fullwidth = True
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    search_fields = ["address__istartswith"]
    empty_note = "Every e-mail that the site sends appears here."
    sortable_by = ["id"]
    ordering = ["-id"]
    actions = ["resend"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("state", "kind"),
                    "what_to_do",
                    ("name", "address"),
                    ("ticket_link", "about"),
                    "booking_number",
                ]
            },
        ),
        ("Limits", {"fields": ["caused_by", ("summary_link", "replaced")]}),
        ("Attempts", {"fields": [("attempts", "next_attempt"), "last_error", ("created_at", "sent_at")]}),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        return cast(DeliveryQuerySet, super().get_queryset(request)).visible_to(staff_user(request))

    def get_list_display(self, request: HttpRequest) -> list[str]:
        return _without_booking(self.list_display, request)

    def get_fieldsets(self, request: HttpRequest, obj: Delivery | None = None) -> Any:
        (title, options), *rest = super().get_fieldsets(request, obj)
        return [(title, options | {"fields": _without_booking(options["fields"], request)}), *rest]

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        changelist = super().get_changelist_instance(request)
        numbers = "a ticket or booking" if staff_user(request).is_admin else "a ticket"
        changelist.search_help_text = f"Number of {numbers}, or the beginning of an address"
        return changelist

    @display(description="state", label=STATE_COLOURS)
    def state_label(self, delivery: Delivery) -> tuple[str, str]:
        return delivery.state, delivery.get_state_display()

    @admin.display(description="to")
    def recipient(self, delivery: Delivery) -> str:
        return format_html("{} &lt;{}&gt;", delivery.name, delivery.address)

    @admin.display(description="when", empty_value="")
    def when(self, delivery: Delivery) -> str | None:
        if delivery.state == State.PENDING:
            return format_html("due {}", times.relative(delivery.next_attempt_at))
        return format_html("sent {}", times.relative(delivery.sent_at)) if delivery.sent_at else None

    @admin.display(description="what to do")
    def what_to_do(self, delivery: Delivery) -> str:
        return WHAT_TO_DO[State(delivery.state)]

    @admin.display(description="ticket", empty_value="")
    def ticket_link(self, delivery: Delivery) -> str | None:
        if delivery.ticket_id is None:
            return None
        url = reverse("admin:tickets_ticket_change", args=[delivery.ticket_id])
        return format_html('<a href="{}" class="{}">#{}</a>', url, LINK_CLASSES, delivery.ticket_id)

    @admin.display(description="booking", empty_value="")
    def booking_number(self, delivery: Delivery) -> str | None:
        return None if delivery.booking_id is None else f"#{delivery.booking_id}"

    @admin.display(description="summary", empty_value="")
    def summary_link(self, delivery: Delivery) -> str | None:
        """Return the summary that replaces this message."""
        if delivery.summary_id is None:
            return None
        url = reverse("admin:notifications_delivery_change", args=[delivery.summary_id])
        return format_html('<a href="{}" class="{}">#{}</a>', url, LINK_CLASSES, delivery.summary_id)

    @admin.display(description="replaces", empty_value="")
    def replaced(self, delivery: Delivery) -> str | None:
        """Return the messages that this summary replaces."""
        if delivery.kind != Kind.TICKET_SUMMARY:
            return None
        number = counted(delivery.summarised.count(), "message")
        url = reverse("admin:notifications_delivery_changelist")
        return format_html('<a href="{}?summary={}" class="{}">{}</a>', url, delivery.pk, LINK_CLASSES, number)

    @admin.display(description="next attempt", empty_value="")
    def next_attempt(self, delivery: Delivery) -> str | None:
        return times.relative(delivery.next_attempt_at) if delivery.state == State.PENDING else None

    @admin.action(description="Resend failed e-mails", permissions=["retry"])
    def resend(self, request: HttpRequest, deliveries: QuerySet[Delivery]) -> None:
        self._retry(request, Delivery.objects.filter(pk__in=deliveries.values("pk")))

    def _retry(self, request: HttpRequest, deliveries: DeliveryQuerySet) -> None:
        with long_task_refusals_as_messages(request), long_task(staff_user(request).pk):
            number = services.retry(deliveries, at=timezone.now())
            self.message_user(request, f"{counted(number, 'message')} queued for retry.", messages.SUCCESS)

    def get_urls(self) -> list[Any]:
        route, view = "for-ticket/<int:ticket_id>/resend/", self.admin_site.admin_view(self.resend_view)
        return [path(route, view, name="notifications_delivery_resend"), *super().get_urls()]

    @in_steps
    def resend_view(self, request: HttpRequest, ticket_id: int) -> HttpResponse:
        """Resend the failed mail about a ticket, and return to its page."""
        if not self.has_retry_permission(request):
            raise PermissionDenied
        ticket = get_object_or_404(Ticket.objects.visible_to(staff_user(request)), pk=ticket_id)
        if request.method == "POST":
            self._retry(request, Delivery.objects.about(ticket))
        return HttpResponseRedirect(reverse("admin:tickets_ticket_change", args=[ticket.pk]))

    @in_steps
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        if outage := Outage.objects.first():
            self.message_user(
                request,
                f"Mail server unreachable since {times.text(outage.began_at)}: {outage.last_error}. Nothing is lost; "
                f"the next attempt is at {times.text(outage.until)}.",
                messages.WARNING,
            )
        return super().changelist_view(request, extra_context)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Delivery], search_term: str
    ) -> tuple[QuerySet[Delivery], bool]:
        number = search_term.strip().removeprefix("#")
        if is_id(number):
            return queryset.filter(Q(ticket=int(number)) | Q(booking=int(number))), False
        return super().get_search_results(request, queryset, search_term)

    def has_retry_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("notifications.change_delivery")


def _without_booking(columns: list[Any], request: HttpRequest) -> list[Any]:
    """Leave out the booking's number unless the user is an admin."""
    return [each for each in columns if each != "booking_number" or staff_user(request).is_admin]
