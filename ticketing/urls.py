"""The table of contents: one line an app. No trailing slashes; what is not here is a 404 in JSON."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponseRedirect, JsonResponse
from django.urls import include, path, re_path
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from ticketing.api import Unknown


def healthz(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


urlpatterns = [
    path("", include("accounts.urls")),
    path("", include("tickets.urls")),
    path("", include("analytics.urls")),
    path("healthz", healthz),
    path("schema", SpectacularJSONAPIView.as_view(), name="schema"),
    path("docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("admin", lambda request: HttpResponseRedirect("/admin/")),
    path("admin/", admin.site.urls),
    re_path(r"", Unknown.as_view()),
]
