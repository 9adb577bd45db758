from django.urls import path

from accounts.views import KeyViewSet, SessionViewSet, UserViewSet

urlpatterns = [
    path("users", UserViewSet.as_view({"get": "list", "post": "create"})),
    path(
        "users/<int:user_id>",
        UserViewSet.as_view({"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}),
    ),
    path("users/<int:user_id>/deactivate", UserViewSet.as_view({"post": "deactivate"})),
    path("auth/login", SessionViewSet.as_view({"post": "login"}, **SessionViewSet.login.kwargs)),
    path("auth/refresh", SessionViewSet.as_view({"post": "refresh"}, **SessionViewSet.refresh.kwargs)),
    path("auth/logout", SessionViewSet.as_view({"post": "logout"}, **SessionViewSet.logout.kwargs)),
    path("auth/keys", KeyViewSet.as_view({"get": "list", "post": "create"})),
    path("auth/keys/<int:key_id>", KeyViewSet.as_view({"delete": "destroy"})),
    path("auth/me", SessionViewSet.as_view({"get": "me"}, **SessionViewSet.me.kwargs)),
    path("auth/password", SessionViewSet.as_view({"post": "password"}, **SessionViewSet.password.kwargs)),
    path(
        "auth/password/reset",
        SessionViewSet.as_view({"post": "request_reset"}, **SessionViewSet.request_reset.kwargs),
    ),
    path(
        "auth/password/reset/confirm",
        SessionViewSet.as_view({"post": "confirm_reset"}, **SessionViewSet.confirm_reset.kwargs),
    ),
]
