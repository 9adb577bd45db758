"""The list of events and the page of an event."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.permissions import staff_user
from events import services
from events.admin.cancel_event import cancel_event_page
from events.admin.display import SHOWN_BOOKINGS, STATUS_COLOURS, booking_link
from events.admin.inlines import BookingInline, EntryInline, QueueInline
from events.admin.new_booking import new_booking_page
from events.models import MAX_CAPACITY, BookingEntry, Event, EventStatus, Origin
from kit.admin.forms import ServiceAdmin, ServiceForm, changed_values
from kit.admin.search import SearchMixin
from kit.errors import Conflict


class StaleEvent(Conflict):
    message = (
        "Someone else changed this event while you were editing it, so nothing was saved. "
        "Open the page again to see the change."
    )


class EventForm(ServiceForm):
    capacity = forms.IntegerField(min_value=1, max_value=MAX_CAPACITY, widget=UnfoldAdminIntegerFieldWidget)
    withheld = forms.IntegerField(
        min_value=0,
        max_value=MAX_CAPACITY,
        initial=0,
        widget=UnfoldAdminIntegerFieldWidget,
        help_text="Seats that are not for sale.",
    )
    # Detects a form that was opened before somebody else's change, which saving would undo.
    seen_at = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "status" in self.fields:
            # Cancelling has its own page, which shows who is affected.
            self.fields["status"].choices = [  # type: ignore[attr-defined]
                (status.value, status.label) for status in (EventStatus.DRAFT, EventStatus.PUBLISHED)
            ]
        if self.instance.pk:
            for name in services.SEATS:
                if name in self.fields:
                    self.fields[name].initial = getattr(self.instance.inventory, name)
            if "seen_at" in self.fields:
                self.fields["seen_at"].initial = self.instance.updated_at.isoformat()

    def clean(self) -> dict[str, Any] | None:
        cleaned = super().clean()
        if self.instance.pk and self.cleaned_data.get("seen_at") != self.instance.updated_at.isoformat():
            self.add_error(None, StaleEvent.message)
        return cleaned


@admin.register(Event)
class EventAdmin(SearchMixin, ServiceAdmin):
    form = EventForm
    inlines = [BookingInline, QueueInline, EntryInline]
    list_display = ["name", "starts_at", "status_label", "sold", "available", "waiting", "revenue"]
    list_filter = ["status", "starts_at"]
    show_facets = admin.ShowFacets.NEVER
    list_select_related = ["inventory"]
    list_per_page = 25
    list_fullwidth = True
    paginator = InfinitePaginator
    search_fields = ["name", "venue"]
    search_help_text = "Words from the name or the venue"
    sortable_by = ["starts_at"]
    ordering = ["-starts_at", "-id"]
    actions_detail = ["new_booking", "cancel_event"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "seen_at",
                    "name",
                    "description",
                    ("venue", "status"),
                    "starts_at",
                    "bookings_close_at",
                    ("price", "max_per_booking"),
                    ("capacity", "withheld"),
                ]
            },
        ),
        ("Current sales", {"fields": [("sold", "available"), ("waiting", "revenue")]}),
        ("Details", {"fields": [("created_by", "created_at"), ("origin", "updated_at")]}),
    ]
    readonly_fields = ["sold", "available", "waiting", "revenue", "created_by", "created_at", "origin", "updated_at"]

    @display(description="status", label=STATUS_COLOURS)
    def status_label(self, event: Event) -> tuple[str, str]:
        return event.status, event.get_status_display()

    @admin.display(description="sold")
    def sold(self, event: Event) -> str:
        return f"{event.inventory.confirmed:,} of {event.inventory.for_sale:,}"

    @admin.display(description="available")
    def available(self, event: Event) -> int:
        return event.inventory.available

    @admin.display(description="waiting")
    def waiting(self, event: Event) -> int:
        return event.inventory.waiting

    @admin.display(description="revenue")
    def revenue(self, event: Any) -> str:
        return f"{event.revenue or 0:,.2f}"

    def get_queryset(self, request: HttpRequest) -> QuerySet[Event]:
        """Add up the revenue of the events shown from the ledger's index."""
        amounts = BookingEntry.objects.filter(event=OuterRef("pk")).values("event").annotate(total=Sum("amount"))
        return (
            super()
            .get_queryset(request)
            .filter(deleted_at__isnull=True)
            .select_related("inventory")
            .annotate(revenue=Subquery(amounts.values("total")))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        """Leave out the sales and details of a new event, which has none yet."""
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else fieldsets[:1]

    def get_inlines(self, request: HttpRequest, obj: Event | None) -> Any:
        return self.inlines if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Refuse changes of a cancelled event."""
        is_cancelled = isinstance(obj, Event) and obj.status == EventStatus.CANCELLED
        return super().has_change_permission(request, obj) and not is_cancelled

    def save_model(self, request: HttpRequest, event: Event, form: Any, change: bool) -> None:
        values = changed_values(form) if change else dict(form.cleaned_data)
        values.pop("seen_at", None)
        if change and values:
            services.update(event_id=event.pk, by=staff_user(request), at=timezone.now(), **values)
        elif not change:
            event.pk = services.create(by=staff_user(request), at=timezone.now(), origin=Origin.ADMIN, **values).pk

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
        return new_booking_page(self, request, self.event_or_404(request, object_id))

    @action(description="Cancel event", url_path="cancel", permissions=["change"], variant=ActionVariant.DANGER)
    def cancel_event(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return cancel_event_page(self, request, self.event_or_404(request, object_id))

    def event_or_404(self, request: HttpRequest, object_id: str) -> Event:
        event = self.get_object(request, object_id)
        if event is None:
            raise Http404
        return event
