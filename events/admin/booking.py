"""The list of bookings and the page of a booking."""

from typing import Any, cast

from django.contrib import admin
from django.contrib.admin.views.main import PAGE_VAR
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from unfold.admin import ModelAdmin
from unfold.contrib.filters.admin import AutocompleteSelectFilter
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.paginator import InfinitePaginator

from accounts.permissions import staff_user
from events import queries, ticket_codes
from events.admin.cancel_seats import CancelForm, cancel_seats_page, may_cancel
from events.admin.display import STATUS_COLOURS, BookingColumns
from events.admin.e_tickets import reissue_page, seats
from events.admin.filters import PromotedFilter, ReturnedFilter, RevenueFilter, SoldFilter
from events.admin.inlines import BookingCheckInInline, BookingEntryInline
from events.admin.promote import promote_page
from events.models import Booking, BookingQuerySet, BookingStatus
from kit.admin.forms import is_id
from kit.admin.pages import ReadOnlyMixin, row_or_404
from kit.admin.stale import number_or_zero

# Nobody reads further pages of a search.
MAX_PAGE = 100


# The statuses of bookings that each action is for.
ACTIONS = {
    "promote": {BookingStatus.WAITING},
    "reissue_tickets": {BookingStatus.CONFIRMED},
    "cancel_seats": {BookingStatus.WAITING, BookingStatus.CONFIRMED},
}


@admin.register(Booking)
class BookingAdmin(BookingColumns, ReadOnlyMixin, ModelAdmin):
    """Bookings are made on their event's page, and promoted and cancelled here. They are read-only otherwise."""

    inlines = [BookingCheckInInline, BookingEntryInline]
    change_form_outer_before_template = "admin/events/booking/panels.html"
    change_form_outer_after_template = "admin/events/booking/sent_mail.html"
    list_display = ["number", "event", "holder", "left", "status_label", "price", "created_at"]
    list_filter = [
        "status",
        PromotedFilter,
        SoldFilter,
        ReturnedFilter,
        RevenueFilter,
        "origin",
        ("event", AutocompleteSelectFilter),
        "created_at",
    ]
    list_filter_submit = True
    show_facets = admin.ShowFacets.NEVER
    show_full_result_count = False
    list_select_related = ["event", "user"]
    list_fullwidth = True
    paginator = InfinitePaginator
    search_fields = ["guest_last_name", "guest_email", "user__name", "event__name"]
    search_help_text = (
        "A booking number, a ticket code, or words from the holder's name or address and the event's name"
    )
    list_per_page = 50
    sortable_by: list[str] = []
    ordering = ["-id"]
    autocomplete_fields = ["user"]
    actions = None
    actions_detail = ["promote", "reissue_tickets", "cancel_seats"]
    fieldsets = [
        (None, {"fields": [("event", "holder"), ("status", "position"), ("left", "price")]}),
        ("Details", {"fields": [("origin", "created_at")]}),
    ]

    class Media:
        css = {"all": ["kit/events.css"]}

    @admin.display(description="booking")
    def number(self, booking: Booking) -> str:
        return f"#{booking.pk}"

    @display(description="status", label=STATUS_COLOURS)
    def status_label(self, booking: Booking) -> tuple[str, str]:
        return booking.status, booking.get_status_display()

    @admin.display(description="place in line", empty_value="")
    def position(self, booking: Booking) -> int | None:
        return Booking.objects.with_position().get(pk=booking.pk).position

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        booking = context["original"]
        context |= seats(request, booking)
        if may_cancel(request, booking):
            form = CancelForm(booking=booking)
            context |= {"cancel_form": form, "media": context["media"] + form.media}
        return super().render_change_form(request, context, *args, **kwargs)

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Booking], search_term: str
    ) -> tuple[QuerySet[Booking], bool]:
        number = search_term.strip().removeprefix("#")
        ticket = ticket_codes.read(search_term)
        if ticket or is_id(number):
            return queryset.filter(pk=ticket.booking_id if ticket else int(number)), False
        if not search_term.strip():
            return queryset, False
        # As many as the page shows: sorting all matches of a common word takes long.
        page = min(number_or_zero(request.GET.get(PAGE_VAR, "")) or 1, MAX_PAGE)
        ids = queries.newest_matches(
            cast(BookingQuerySet, queryset), search=search_term, limit=page * self.list_per_page + 1
        )
        return queryset.filter(pk__in=ids), False

    @action(description="Promote", url_path="promote", permissions=["promote"])
    def promote(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return promote_page(self, request, row_or_404(self, request, object_id))

    @action(description="Reissue tickets", url_path="reissue", permissions=["cancel"])
    def reissue_tickets(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return reissue_page(self, request, row_or_404(self, request, object_id))

    @action(description="Cancel seats", url_path="cancel", permissions=["cancel"], variant=ActionVariant.DANGER)
    def cancel_seats(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return cancel_seats_page(self, request, row_or_404(self, request, object_id))

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer only what can be done to a booking of this status."""
        bookings = Booking.objects.filter(pk=object_id) if is_id(str(object_id)) else Booking.objects.none()
        status = bookings.values_list("status", flat=True).first()
        offered = super().get_actions_detail(request, object_id)
        return [each for each in offered if status in ACTIONS[each.method.__name__]]

    def has_cancel_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return request.user.has_perm("events.change_booking")

    def has_promote_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        return staff_user(request).is_admin
