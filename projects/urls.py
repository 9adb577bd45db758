from django.urls import path

from projects.views import ProjectViewSet

urlpatterns = [
    path("projects", ProjectViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "projects/<int:project_id>",
        ProjectViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}),
    ),
]
