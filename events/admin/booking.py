"""The list of bookings and the page of a booking."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator
from unfold.widgets import UnfoldAdminIntegerFieldWidget

from accounts.models import User
from accounts.permissions import staff_user
from events import services
from events.admin.display import STATUS_COLOURS, BookingColumns, holder_of, seats_of
from events.admin.inlines import BookingEntryInline
from events.admin.promote import promote_page
from events.models import Booking
from kit.admin.forms import is_id
from kit.admin.pages import ReadOnlyMixin, form_page
from kit.admin.refusals import refusals_as_form_errors
from kit.admin.search import SearchMixin
from kit.text import counted
from kit.versions import Expected, VersionConflict


class CancelForm(forms.Form):
    seats = forms.IntegerField(min_value=1, label="How many", widget=UnfoldAdminIntegerFieldWidget)
    # The version that the page shows.
    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)


@admin.register(Booking)
class BookingAdmin(SearchMixin, BookingColumns, ReadOnlyMixin, ModelAdmin):
    """Bookings are made on their event's page, and promoted and cancelled here. They are read-only otherwise."""

    inlines = [BookingEntryInline]
    change_form_outer_after_template = "admin/events/booking/sent_mail.html"
    list_display = ["number", "event", "holder", "left", "status_label", "price", "origin", "created_at"]
    list_filter = ["status", "origin", ("event", AutocompleteSelectFilter), "created_at"]
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    list_select_related = ["event", "user"]
    list_fullwidth = True
    paginator = InfinitePaginator
    search_fields = ["guest_last_name", "guest_email", "user__name", "event__name"]
    search_help_text = "A booking number, or words from the holder's name or address and the event's name"
    sortable_by = ["number"]
    ordering = ["-id"]
    autocomplete_fields = ["user"]
    actions = None
    actions_detail = ["promote", "cancel_seats"]
    fieldsets = [
        (None, {"fields": [("event", "holder"), ("status", "position"), ("left", "price")]}),
        ("Details", {"fields": [("origin", "created_at"), "queue_number"]}),
    ]

    @admin.display(description="booking", ordering="id")
    def number(self, booking: Booking) -> str:
        return f"#{booking.pk}"

    @display(description="status", label=STATUS_COLOURS)
    def status_label(self, booking: Booking) -> tuple[str, str]:
        return booking.status, booking.get_status_display()

    @admin.display(description="position on the waiting list", empty_value="")
    def position(self, booking: Booking) -> int | None:
        return Booking.objects.with_position().get(pk=booking.pk).position

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Booking], search_term: str
    ) -> tuple[QuerySet[Booking], bool]:
        number = search_term.strip().removeprefix("#")
        if is_id(number):
            return queryset.filter(pk=int(number)), False
        return super().get_search_results(request, queryset, search_term)

    @action(description="Promote", url_path="promote", permissions=["promote"])
    def promote(self, request: HttpRequest, object_id: str) -> HttpResponse:
        booking = self.get_object(request, object_id)
        if booking is None:
            raise Http404
        return promote_page(self, request, booking)

    @action(description="Cancel seats", url_path="cancel", permissions=["cancel"], variant=ActionVariant.DANGER)
    def cancel_seats(self, request: HttpRequest, object_id: str) -> HttpResponse:
        booking = self.get_object(request, object_id)
        if booking is None:
            raise Http404
        page = reverse("admin:events_booking_change", args=[booking.pk])
        form = CancelForm(request.POST or None, initial={"seats": booking.left, "seen_version": booking.version})
        if form.is_valid():
            with refusals_as_form_errors(form):
                seats, seen = form.cleaned_data["seats"], form.cleaned_data["seen_version"]
                _cancel(booking, seats, None if seen is None else Expected({seen}), by=staff_user(request))
                cancelled = counted(seats, "seat")
                self.message_user(request, f"{cancelled} cancelled. {holder_of(booking)} will be notified.")
                return HttpResponseRedirect(page)
        if form.is_bound:
            # The page now shows the current state.
            form.data = {**request.POST.dict(), "seen_version": str(booking.version)}
        return form_page(
            self,
            request,
            form,
            title=f"Cancel seats of booking #{booking.pk}",
            notes=[f"{booking.event.name}: {seats_of(booking)} {booking.status} for {holder_of(booking)}."],
            submit="Cancel seats",
            back=page,
        )

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("events.change_booking")

    def has_promote_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return staff_user(request).is_admin


def _cancel(booking: Booking, seats: int, expected: Expected | None, *, by: User) -> None:
    try:
        services.cancel(booking_id=booking.pk, by=by, seats=seats, for_holder=True, expected=expected)
    except VersionConflict as conflict:
        # The fields that changed are not in the form.
        raise VersionConflict(conflict.message) from conflict
