"""Events and bookings in the admin. Everything is done by the services, as for the API; the books are for reading."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator
from unfold.widgets import (
    UnfoldAdminEmailInputWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from accounts.models import User
from accounts.permissions import signed_in
from events import services
from events.models import MAX_CAPACITY, Booking, BookingEntry, BookingStatus, Event, EventStatus, Origin
from events.services import Guest, Joins
from kit.admin.forms import Autocomplete, ServiceAdmin, ServiceForm, changed_values, is_id, without_related_buttons
from kit.admin.pages import LINK_CLASSES, ReadOnlyMixin, form_page
from kit.admin.refusals import refusals_as_form_errors, refusals_as_messages
from kit.errors import Conflict
from kit.web.fields import NO_CONTROL_CHARACTERS

SHOWN_BOOKINGS = 10

STATUS_COLOURS = {
    EventStatus.DRAFT: "warning",
    EventStatus.PUBLISHED: "success",
    EventStatus.CANCELLED: "danger",
    BookingStatus.CONFIRMED: "success",
    BookingStatus.WAITING: "warning",
}


class ChangedMeanwhile(Conflict):
    message = (
        "Somebody else changed this event while you were editing it, and nothing of yours was saved. "
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
    # Without it, saving a page that was opened a while ago would undo what others have changed since.
    seen_at = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "status" in self.fields:
            # An event is cancelled on a page of its own, which says whom that touches.
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
            self.add_error(None, ChangedMeanwhile.message)
        return cleaned


class Shown(ReadOnlyMixin, TabularInline):
    """Rows to read, a page at a time."""

    extra = 0
    per_page = 20
    tab = True
    hide_title = True
    show_count = True


class BookingInline(Shown):
    model = Booking
    fields = ["number", "holder", "left", "status_label", "unit_price", "origin", "created_at"]
    readonly_fields = fields
    ordering = ["-id"]

    @admin.display(description="booking")
    def number(self, booking: Booking) -> str:
        return booking_link(booking)

    @admin.display(description="for")
    def holder(self, booking: Booking) -> str:
        return holder_of(booking)

    @admin.display(description="seats")
    def left(self, booking: Booking) -> str:
        return seats_of(booking)

    @display(description="status", label=STATUS_COLOURS)
    def status_label(self, booking: Booking) -> tuple[str, str]:
        return booking.status, booking.get_status_display()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return super().get_queryset(request).select_related("user")


class QueueInline(BookingInline):
    """Who waits, in the order in which they will be served."""

    verbose_name_plural = "waiting list"
    fields = ["number", "holder", "left", "queue_number", "created_at"]
    readonly_fields = fields
    ordering = ["queue_number"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        return super().get_queryset(request).filter(status=BookingStatus.WAITING)


class EntryInline(Shown):
    model = BookingEntry
    verbose_name_plural = "ledger"
    fields = ["at", "number", "kind", "quantity", "seats", "waiting", "amount"]
    readonly_fields = fields
    ordering = ["-id"]

    @admin.display(description="booking")
    def number(self, entry: BookingEntry) -> str:
        return booking_link(entry.booking)

    def get_queryset(self, request: HttpRequest) -> QuerySet[BookingEntry]:
        return super().get_queryset(request).select_related("booking")


class BookForm(forms.Form):
    """Somebody with an account, or a guest."""

    first_name = forms.CharField(
        max_length=150, required=False, widget=UnfoldAdminTextInputWidget, validators=[NO_CONTROL_CHARACTERS]
    )
    last_name = forms.CharField(
        max_length=150, required=False, widget=UnfoldAdminTextInputWidget, validators=[NO_CONTROL_CHARACTERS]
    )
    email = forms.EmailField(max_length=254, required=False, label="E-mail address", widget=UnfoldAdminEmailInputWidget)
    quantity = forms.IntegerField(
        min_value=1, max_value=MAX_CAPACITY, initial=1, label="Seats", widget=UnfoldAdminIntegerFieldWidget
    )
    may_wait = forms.BooleanField(
        required=False,
        initial=True,
        label="Put them on the waiting list if there is no room",
        widget=UnfoldBooleanSwitchWidget,
    )

    def __init__(self, *args: Any, user_field: forms.Field, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        user_field.required = False
        user_field.label, user_field.help_text = "User", "Or, for a guest, leave this empty and fill in the next three."
        self.fields = {"user": user_field, **self.fields}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        guest = [cleaned.get(name) for name in ("first_name", "last_name", "email")]
        if cleaned.get("user") and any(guest):
            raise forms.ValidationError("Either a user or a guest.")
        if not cleaned.get("user") and not all(guest):
            raise forms.ValidationError("Choose a user, or give a guest's names and address.")
        return cleaned

    def guest(self) -> Guest | None:
        if self.cleaned_data["user"]:
            return None
        return Guest(*(self.cleaned_data[name] for name in ("first_name", "last_name", "email")))


@admin.register(Event)
class EventAdmin(ServiceAdmin):
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
    search_help_text = "Words of the name or the venue"
    sortable_by = ["starts_at"]
    ordering = ["-starts_at", "-id"]
    actions_detail = ["book_for_somebody", "cancel_event"]
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
        ("As it stands", {"fields": [("sold", "available"), ("waiting", "revenue")]}),
        ("Kept by the system", {"fields": [("created_by", "created_at"), ("origin", "updated_at")]}),
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
        """The revenue is added up from the ledger, by index, of the events shown."""
        amounts = BookingEntry.objects.filter(event=OuterRef("pk")).values("event").annotate(total=Sum("amount"))
        return (
            super()
            .get_queryset(request)
            .filter(deleted_at__isnull=True)
            .select_related("inventory")
            .annotate(revenue=Subquery(amounts.values("total")))
        )

    def get_fieldsets(self, request: HttpRequest, obj: Event | None = None) -> Any:
        """A new one has nothing yet of what is kept by the system."""
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj else fieldsets[:1]

    def get_inlines(self, request: HttpRequest, obj: Event | None) -> Any:
        return self.inlines if obj else []

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What was cancelled stays as it was."""
        is_cancelled = isinstance(obj, Event) and obj.status == EventStatus.CANCELLED
        return super().has_change_permission(request, obj) and not is_cancelled

    def save_model(self, request: HttpRequest, event: Event, form: Any, change: bool) -> None:
        values = changed_values(form) if change else dict(form.cleaned_data)
        values.pop("seen_at", None)
        if change and values:
            services.update(event_id=event.pk, by=signed_in(request), at=timezone.now(), **values)
        elif not change:
            event.pk = services.create(by=signed_in(request), at=timezone.now(), origin=Origin.ADMIN, **values).pk

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The rows beside it are only shown."""
        formset.new_objects, formset.changed_objects, formset.deleted_objects = [], [], []

    def delete_model(self, request: HttpRequest, event: Event) -> None:
        services.delete(event_id=event.pk, by=signed_in(request))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Of the bookings that forbid it a few, where there may be many."""
        booked = [booking for event in objs for booking in event.bookings.order_by("-pk")[: SHOWN_BOOKINGS + 1]]
        links = [booking_link(booking) for booking in booked[:SHOWN_BOOKINGS]]
        more = ["and older ones"] if len(booked) > SHOWN_BOOKINGS else []
        return [str(event) for event in objs], {}, set(), [*links, *more]

    @action(description="Book for somebody", url_path="book", permissions=["change"])
    def book_for_somebody(self, request: HttpRequest, object_id: str) -> HttpResponse:
        event = self.found(request, object_id)
        # As a booking's own page would ask for it: found as it is typed.
        user = Booking._meta.get_field("user")
        user_field = admin.site.get_model_admin(Booking).formfield_for_dbfield(
            user, request, widget=Autocomplete(user, admin.site), queryset=User.objects.filter(is_active=True)
        )
        form = BookForm(request.POST or None, user_field=without_related_buttons(user_field))
        if form.is_valid():
            with refusals_as_form_errors(form):
                booking = services.book(
                    event_id=event.pk,
                    quantity=form.cleaned_data["quantity"],
                    by=signed_in(request),
                    user=form.cleaned_data["user"],
                    guest=form.guest(),
                    joins=Joins.ALWAYS if form.cleaned_data["may_wait"] else Joins.NEVER,
                    origin=Origin.ADMIN,
                    at=timezone.now(),
                )
                place = "" if booking.ahead is None else f", behind {booking.ahead} others"
                self.message_user(request, f"Booking #{booking.pk} is {booking.status}{place}.")
                return HttpResponseRedirect(event_page(event))
        inventory = event.inventory
        return form_page(
            self,
            request,
            form,
            title=f"Book for somebody: {event.name}",
            notes=[f"{inventory.available:,} of {inventory.for_sale:,} seats are left, {inventory.waiting:,} wait."],
            submit="Book",
            back=event_page(event),
        )

    @action(description="Cancel the event", url_path="cancel", permissions=["change"], variant=ActionVariant.DANGER)
    def cancel_event(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Say first whom it touches."""
        event = self.found(request, object_id)
        form = forms.Form(request.POST or None)
        if request.method == "POST":
            with refusals_as_messages(request):
                services.cancel_event(event_id=event.pk, by=signed_in(request), at=timezone.now())
                self.message_user(request, f"{event.name} is cancelled, and everybody who had booked is told.")
            return HttpResponseRedirect(event_page(event))
        touched = event.bookings.live()
        refund = touched.aggregate(total=Sum(F("seats") * F("unit_price")))["total"] or 0
        inventory = event.inventory
        confirmed = touched.filter(status=BookingStatus.CONFIRMED).count()
        some = list(touched.select_related("user").order_by("id")[:SHOWN_BOOKINGS])
        number = confirmed + inventory.waiting
        names = ", ".join(holder_of(booking) for booking in some) + (" and others" if number > len(some) else "")
        return form_page(
            self,
            request,
            form,
            title=f"Cancel {event.name}?",
            notes=[
                f"{confirmed:,} confirmed bookings of {inventory.confirmed:,} seats, {refund:,.2f} in all, and "
                f"{inventory.waiting:,} waiting ones are cancelled with it.",
                f"Each of them is told by mail: {names}." if some else "Nobody has booked it, so nobody is told.",
                "A cancelled event stays cancelled.",
            ],
            submit="Cancel the event",
            back=event_page(event),
        )

    def found(self, request: HttpRequest, object_id: str) -> Event:
        event = self.get_object(request, object_id)
        if event is None:
            raise Http404
        return event


class CancelForm(forms.Form):
    seats = forms.IntegerField(min_value=1, label="How many", widget=UnfoldAdminIntegerFieldWidget)


class BookingEntryInline(EntryInline):
    fields = ["at", "kind", "quantity", "seats", "waiting", "amount"]
    readonly_fields = fields


@admin.register(Booking)
class BookingAdmin(ReadOnlyMixin, ModelAdmin):
    """Bookings are made from their event and cancelled here; else they are for reading."""

    inlines = [BookingEntryInline]
    change_form_outer_after_template = "admin/events/booking/sent_mail.html"
    list_display = ["number", "event", "holder", "left", "status_label", "unit_price", "origin", "created_at"]
    list_filter = ["status", "origin", ("event", AutocompleteSelectFilter), "created_at"]
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    list_select_related = ["event", "user"]
    list_fullwidth = True
    paginator = InfinitePaginator
    search_fields = ["guest_email__istartswith", "user__email__istartswith"]
    search_help_text = "A booking's number, or the beginning of an address"
    sortable_by = ["number"]
    ordering = ["-id"]
    autocomplete_fields = ["user"]
    actions = None
    actions_detail = ["cancel_seats"]
    fieldsets = [
        (None, {"fields": [("event", "holder"), ("status", "place"), ("left", "unit_price")]}),
        ("Kept by the system", {"fields": [("origin", "created_at"), "queue_number"]}),
    ]

    @admin.display(description="booking", ordering="id")
    def number(self, booking: Booking) -> str:
        return f"#{booking.pk}"

    @admin.display(description="for")
    def holder(self, booking: Booking) -> str:
        return holder_of(booking)

    @admin.display(description="seats")
    def left(self, booking: Booking) -> str:
        return seats_of(booking)

    @display(description="status", label=STATUS_COLOURS)
    def status_label(self, booking: Booking) -> tuple[str, str]:
        return booking.status, booking.get_status_display()

    @admin.display(description="place in the waiting list", empty_value="")
    def place(self, booking: Booking) -> int | None:
        return Booking.objects.with_position().get(pk=booking.pk).position

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Booking], search_term: str
    ) -> tuple[QuerySet[Booking], bool]:
        number = search_term.strip().removeprefix("#")
        if is_id(number):
            return queryset.filter(pk=int(number)), False
        return super().get_search_results(request, queryset, search_term)

    @action(description="Cancel seats", url_path="cancel", permissions=["cancel"], variant=ActionVariant.DANGER)
    def cancel_seats(self, request: HttpRequest, object_id: str) -> HttpResponse:
        booking = self.get_object(request, object_id)
        if booking is None:
            raise Http404
        page = reverse("admin:events_booking_change", args=[booking.pk])
        form = CancelForm(request.POST or None, initial={"seats": booking.left})
        if form.is_valid():
            with refusals_as_form_errors(form):
                services.cancel(booking_id=booking.pk, by=signed_in(request), seats=form.cleaned_data["seats"])
                self.message_user(request, f"{form.cleaned_data['seats']} cancelled; {holder_of(booking)} is told.")
                return HttpResponseRedirect(page)
        return form_page(
            self,
            request,
            form,
            title=f"Cancel seats of booking #{booking.pk}",
            notes=[f"{booking.event.name}: {holder_of(booking)} has {seats_of(booking)}, {booking.status}."],
            submit="Cancel seats",
            back=page,
        )

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("events.change_booking")


def event_page(event: Event) -> str:
    return reverse("admin:events_event_change", args=[event.pk])


def booking_link(booking: Booking) -> str:
    url = reverse("admin:events_booking_change", args=[booking.pk])
    return format_html('<a href="{}" class="{}">#{}</a>', url, LINK_CLASSES, booking.pk)


def holder_of(booking: Booking) -> str:
    if booking.user:
        return booking.user.name
    return f"{booking.guest_first_name} {booking.guest_last_name} (guest, {booking.guest_email})"


def seats_of(booking: Booking) -> str:
    """What is left of what was asked for."""
    return f"{booking.left}" if not booking.cancelled else f"{booking.left} of {booking.quantity}"
