from django.urls import path

from events.views import BookingViewSet, EventViewSet

urlpatterns = [
    path("events", EventViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "events/<int:event_id>",
        EventViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("events/<int:event_id>/cancel", EventViewSet.as_view({"post": "cancel"})),
    path("events/<int:event_id>/availability", EventViewSet.as_view({"get": "availability"})),
    path("events/<int:event_id>/bookings", BookingViewSet.as_view({"get": "list_of_event", "post": "create"})),
    path("bookings", BookingViewSet.as_view({"get": "list"})),
    path("bookings/export", BookingViewSet.as_view({"get": "export"})),
    path("bookings/<int:booking_id>", BookingViewSet.as_view({"get": "retrieve"})),
    path("bookings/<int:booking_id>/cancel", BookingViewSet.as_view({"post": "cancel"})),
]
