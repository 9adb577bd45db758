"""The table of contents: one line an app. No trailing slashes; what is not here is a 404 in JSON."""

from django.contrib import admin
from django.http import HttpResponseRedirect
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularSwaggerView

from accounts import gate
from ticketing.api import Unknown
from ticketing.views import Health, Schema

urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("projects.urls")),
    path("", include("tickets.urls")),
    path("", include("analytics.urls")),
    path("healthz", Health.as_view()),
    path("schema", Schema.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema", authentication_classes=[]), name="docs"),
    path("admin", lambda request: HttpResponseRedirect("/admin/")),
    path("admin/second-factor/", gate.ask, name="second_factor"),
    path("admin/", admin.site.urls),
    re_path(r"", Unknown.as_view()),
]
