from django.urls import path

from events.views import BookingViewSet, CheckInViewSet, EventViewSet

urlpatterns = [
    path("events", EventViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "events/<int:event_id>",
        EventViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("events/<int:event_id>/cancel", EventViewSet.as_view({"post": "cancel"})),
    path("events/<int:event_id>/availability", EventViewSet.as_view({"get": "availability"})),
    path("events/<int:event_id>/bookings", BookingViewSet.as_view({"get": "list_of_event", "post": "create"})),
    path("events/<int:event_id>/check-ins", CheckInViewSet.as_view({"get": "list", "post": "create"})),
    path("events/<int:event_id>/check-ins/<int:check_in_id>", CheckInViewSet.as_view({"delete": "destroy"})),
    path("events/<int:event_id>/admissions", CheckInViewSet.as_view({"get": "admissions"})),
    path("bookings", BookingViewSet.as_view({"get": "list"})),
    path("bookings/export", BookingViewSet.as_view({"get": "export"})),
    path("bookings/<int:booking_id>", BookingViewSet.as_view({"get": "retrieve"})),
    path("bookings/<int:booking_id>/cancel", BookingViewSet.as_view({"post": "cancel"})),
    path("bookings/<int:booking_id>/tickets", BookingViewSet.as_view({"get": "tickets"})),
    path("bookings/<int:booking_id>/tickets/reissue", BookingViewSet.as_view({"post": "reissue_tickets"})),
]
