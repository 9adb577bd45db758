from django.urls import path

from accounts.views import SessionViewSet, UserViewSet

urlpatterns = [
    path("users", UserViewSet.as_view({"post": "create"})),
    path("auth/login", SessionViewSet.as_view({"post": "login"}, **SessionViewSet.login.kwargs)),
    path("auth/refresh", SessionViewSet.as_view({"post": "refresh"}, **SessionViewSet.refresh.kwargs)),
    path("auth/logout", SessionViewSet.as_view({"post": "logout"}, **SessionViewSet.logout.kwargs)),
    path("auth/me", SessionViewSet.as_view({"get": "me"}, **SessionViewSet.me.kwargs)),
    path("auth/password", SessionViewSet.as_view({"post": "password"}, **SessionViewSet.password.kwargs)),
]
