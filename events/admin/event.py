"""The list of events and the page of an event."""

from decimal import Decimal
from typing import Any, cast

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.templatetags.admin_urls import add_preserved_filters
from django.db import models
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils import timezone
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminSplitDateTimeWidget

from accounts.permissions import staff_user
from events import services
from events.admin import outcome
from events.admin.cancel_event import cancel_event_page
from events.admin.check_in import check_in_page
from events.admin.display import SHOWN_BOOKINGS, STATUS_COLOURS, booking_link, event_page, fill_bar
from events.admin.event_form import EventForm
from events.admin.filters import UPCOMING, EventChangeList, PeriodFilter, period_of
from events.admin.guests import guests_page
from events.admin.inlines import BookingInline, CheckInInline, EntryInline, QueueInline
from events.admin.new_booking import new_booking_page
from events.admin.promoted import last_entry, promoted_after
from events.models import BookingEntry, Event, EventQuerySet, EventStatus, Inventory, Origin
from kit.admin.forms import LocalTimeField, ServiceAdmin, is_id
from kit.admin.once import in_steps
from kit.admin.pages import row_or_404
from kit.admin.search import SearchMixin
from kit.admin.stale import SeenAdmin
from kit.money import readable
from kit.zones import compact

# What a read-only page shows instead of these fields.
READ_ONLY: dict[Any, str] = {"starts_at": "starts", "ends_at": "ends", "bookings_close_at": "bookings_close"}


# The statuses of events that an action is for, unless it is for all.
ACTIONS = {
    "new_booking": {EventStatus.PUBLISHED},
    "check_in": {EventStatus.PUBLISHED},
    "cancel_event": {EventStatus.DRAFT, EventStatus.PUBLISHED},
}


@admin.register(Event)
class EventAdmin(SeenAdmin, SearchMixin, ServiceAdmin):
    form = EventForm
    inlines = [BookingInline, QueueInline, CheckInInline, EntryInline]
    formfield_overrides = ServiceAdmin.formfield_overrides | {
        models.DateTimeField: {"form_class": LocalTimeField, "widget": UnfoldAdminSplitDateTimeWidget}
    }
    list_display = ["name", "starts", "status_label", "fill", "revenue"]
    list_filter = [PeriodFilter, "status", "starts_at"]
    list_before_template = "admin/events/event/periods.html"
    change_form_outer_before_template = "admin/events/event/before_form.html"
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ["inventory"]
    list_per_page = 25
    list_fullwidth = True
    paginator = InfinitePaginator
    search_fields = ["name", "venue"]
    search_help_text = "Words from the name or the venue"
    sortable_by = ["starts"]
    ordering = ["-starts_at", "-id"]
    actions_detail = ["new_booking", "check_in", "guests", "cancel_event"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "name",
                    "description",
                    ("venue", "status"),
                    "time_zone",
                    "starts_at",
                    "ends_at",
                    "bookings_close_at",
                    ("price", "currency"),
                    "max_per_booking",
                    ("capacity", "withheld"),
                ]
            },
        ),
        ("Current sales", {"fields": [("sold", "available"), ("waiting", "revenue")]}),
        ("Details", {"fields": [("created_by", "created_at"), ("origin", "updated_at")]}),
    ]
    readonly_fields = [
        *("sold", "available", "waiting", "revenue", "created_by", "created_at", "origin", "updated_at"),
        *("starts", "ends", "bookings_close"),
    ]

    class Media:
        css = {"all": ["kit/events.css"]}

    @display(description="status", label=STATUS_COLOURS)
    def status_label(self, event: Event) -> tuple[str, str]:
        return event.status, event.get_status_display()

    @admin.display(description="starts", ordering="starts_at")
    def starts(self, event: Event) -> str:
        return compact(event.starts_at, event.time_zone)

    @admin.display(description="ends", empty_value="-")
    def ends(self, event: Event) -> str | None:
        return compact(event.ends_at, event.time_zone) if event.ends_at else None

    @admin.display(description="bookings close", empty_value="-")
    def bookings_close(self, event: Event) -> str | None:
        return compact(event.bookings_close_at, event.time_zone) if event.bookings_close_at else None

    @admin.display(description="seats sold")
    def fill(self, event: Event) -> str:
        return fill_bar(event)

    @admin.display(description="sold")
    def sold(self, event: Event) -> str:
        return f"{event.inventory.confirmed:,} of {event.inventory.for_sale:,}"

    # The form has fields of these names; a read-only page shows the values.
    @admin.display(description="capacity")
    def capacity(self, event: Event) -> int:
        return event.inventory.capacity

    @admin.display(description="held back")
    def withheld(self, event: Event) -> int:
        return event.inventory.withheld

    @admin.display(description="available")
    def available(self, event: Event) -> int:
        return event.inventory.available

    @admin.display(description="waiting")
    def waiting(self, event: Event) -> int:
        return event.inventory.waiting

    @admin.display(description="revenue")
    def revenue(self, event: Any) -> str:
        return readable(event.revenue or Decimal(0), event.currency)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Add up the revenue of the events shown from the ledger's index."""
        amounts = BookingEntry.objects.filter(event=OuterRef("pk")).values("event").annotate(total=Sum("amount"))
        events = cast(EventQuerySet, super().get_queryset(request))
        return (
            events.visible_to(staff_user(request)).with_inventory().annotate(revenue=Subquery(amounts.values("total")))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        """Leave out the sales and details of a new event, which has none yet, and the revenue unless for an admin.

        On a read-only page, show the times in the event's zone, as the form does.
        """
        (title, options), *rest = super().get_fieldsets(request, obj)
        if obj and not self.has_change_permission(request, obj):
            options = options | {"fields": [READ_ONLY.get(each, each) for each in options["fields"]]}
        if not obj:
            return [(title, options)]
        if not staff_user(request).is_admin:
            rest = [(name, more | {"fields": _without_revenue(more["fields"])}) for name, more in rest]
        return [(title, options), *rest]

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """Show revenue to admins only, as in the API."""
        return [each for each in self.list_display if each != "revenue" or staff_user(request).is_admin]

    def get_inlines(self, request: HttpRequest, obj: Event | None) -> Any:
        return self.inlines if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse changes of a cancelled event."""
        is_cancelled = isinstance(obj, Event) and obj.status == EventStatus.CANCELLED
        return super().has_change_permission(request, obj) and not is_cancelled

    def lock(self, request: HttpRequest, row: Event) -> None:
        Inventory.objects.locked().filter(pk=row.pk).first()

    def save_model(self, request: HttpRequest, event: Event, form: Any, change: bool) -> None:
        """Save, and note in the request what that did."""
        if change:
            request.outcome = self._update(request, event, form)  # type: ignore[attr-defined]
        else:
            values = dict(form.cleaned_data)
            event.pk = services.create(by=staff_user(request), at=timezone.now(), origin=Origin.ADMIN, **values).pk
            request.outcome = outcome.created(event)  # type: ignore[attr-defined]

    def _update(self, request: HttpRequest, event: Event, form: Any) -> str:
        values, seats = form.changes(), form.seats_before
        last = last_entry(event.pk)
        if values:
            services.update(event_id=event.pk, by=staff_user(request), at=timezone.now(), **values)
        said = outcome.changed(event, form, values, seats)
        return format_html("{} {}", said, promoted_after(last, event.pk))

    def response_add(self, request: HttpRequest, event: Event, post_url_continue: Any = None) -> HttpResponse:
        return super().response_add(request, event) if IS_POPUP_VAR in request.POST else self._stay(request, event)

    def response_change(self, request: HttpRequest, event: Event) -> HttpResponse:
        return super().response_change(request, event) if IS_POPUP_VAR in request.POST else self._stay(request, event)

    def _stay(self, request: HttpRequest, event: Event) -> HttpResponse:
        """Show the event again, with what saving it did."""
        self.message_user(request, request.outcome, messages.SUCCESS)  # type: ignore[attr-defined]
        filters = {"preserved_filters": self.get_preserved_filters(request), "opts": self.opts}
        return HttpResponseRedirect(add_preserved_filters(filters, event_page(event)))

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        """Offer one button: the page stays open anyway."""
        context |= {"show_save_and_continue": False, "show_save_and_add_another": False}
        if event := context.get("original"):
            context["fill"] = fill_bar(event)
        return super().render_change_form(request, context, *args, **kwargs)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[EventChangeList]:
        return EventChangeList

    def get_ordering(self, request: HttpRequest) -> list[str]:
        is_list = request.resolver_match and request.resolver_match.url_name == "events_event_changelist"
        return ["starts_at", "id"] if is_list and period_of(request) == UPCOMING else list(self.ordering)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """Save nothing: the inlines are read-only."""
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def delete_model(self, request: HttpRequest, event: Event) -> None:
        services.delete(event_id=event.pk, by=staff_user(request))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """List only a few of the bookings that prevent the deletion: there may be many."""
        booked = [booking for event in objs for booking in event.bookings.order_by("-pk")[: SHOWN_BOOKINGS + 1]]
        links = [booking_link(booking) for booking in booked[:SHOWN_BOOKINGS]]
        more = ["and older ones"] if len(booked) > SHOWN_BOOKINGS else []
        return [str(event) for event in objs], {}, set(), [*links, *more]

    @action(description="New booking", url_path="book", permissions=["change"])
    def new_booking(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return new_booking_page(self, request, row_or_404(self, request, object_id))

    @action(description="Check in", url_path="check-in", permissions=["check_in"])
    def check_in(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return check_in_page(self, request, row_or_404(self, request, object_id))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer only what can be done to an event of this status."""
        events = Event.objects.filter(pk=object_id) if is_id(str(object_id)) else Event.objects.none()
        status = events.values_list("status", flat=True).first()
        offered = super().get_actions_detail(request, object_id)
        return [each for each in offered if status in ACTIONS.get(each.method.__name__, EventStatus)]

    def has_check_in_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("events.add_checkin")

    @action(description="Guest list", url_path="guests", permissions=["view"])
    def guests(self, request: HttpRequest, object_id: str) -> HttpResponseBase:
        return guests_page(self, request, row_or_404(self, request, object_id))

    @action(description="Cancel event", url_path="cancel", permissions=["change"], variant=ActionVariant.DANGER)
    @in_steps
    def cancel_event(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return cancel_event_page(self, request, row_or_404(self, request, object_id))


def _without_revenue(rows: list[Any]) -> list[Any]:
    return [tuple(name for name in row if name != "revenue") for row in rows]
