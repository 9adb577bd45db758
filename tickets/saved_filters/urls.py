from django.urls import path

from tickets.saved_filters.views import FilterViewSet

urlpatterns = [
    path("filters", FilterViewSet.as_view({"get": "list", "post": "create"})),
    path("filters/<int:filter_id>", FilterViewSet.as_view({"put": "update", "delete": "destroy"})),
]
