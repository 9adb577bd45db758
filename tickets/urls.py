from django.urls import include, path

from tickets.views import CommentViewSet, LabelViewSet, TicketViewSet

urlpatterns = [
    path("labels", LabelViewSet.as_view({"get": "list"})),
    path("ticket", TicketViewSet.as_view({"post": "create"})),
    path("tickets", TicketViewSet.as_view({"get": "list", "post": "create_in_project"})),
    path("tickets/batch", TicketViewSet.as_view({"post": "batch"})),
    path("tickets/export", TicketViewSet.as_view({"get": "export"})),
    path(
        "tickets/<int:ticket_id>",
        TicketViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update"}),
    ),
    path("tickets/<int:ticket_id>/comments", CommentViewSet.as_view({"get": "list", "post": "create"})),
    path("tickets/<int:ticket_id>/history", TicketViewSet.as_view({"get": "history"})),
    path("tickets/<int:ticket_id>/hold", TicketViewSet.as_view({"post": "hold"})),
    path("tickets/<int:ticket_id>/merge", TicketViewSet.as_view({"post": "merge"})),
    path("tickets/<int:ticket_id>/resume", TicketViewSet.as_view({"post": "resume"})),
    path("tickets/<int:ticket_id>/watch", TicketViewSet.as_view({"put": "watch", "delete": "unwatch"})),
    path("tickets/<int:ticket_id>/assign", TicketViewSet.as_view({"post": "assign"})),
    path("", include("tickets.saved_filters.urls")),
    path("tickets/<int:ticket_id>/assign/<int:user_id>", TicketViewSet.as_view({"delete": "unassign"})),
]
