"""All URLs: one line per room, contract and page. No trailing slashes.

Unknown paths are a 404 in JSON, or a page for browsers outside the API's paths (kit/web/pages.py).
"""

from django.conf import settings
from django.contrib import admin
from django.http import HttpResponseRedirect
from django.urls import include, path, re_path

from accounts.admin.kept_forms import send_again_page
from accounts.admin.second_factor_page import second_factor_page
from analytics.admin.subscription import weekly_report
from contracts import box_office, helpdesk, ticks
from kit.openapi.views import Docs, Schema
from kit.web.views import Health, Root, Unknown
from ticketing import admin_search  # noqa: F401  Importing it sets the admin's search.
from ticketing.operations.views import Metrics, Ready

# Keyed by the names used in the CONTRACTS setting.
CONTRACTS = {"box_office": box_office, "ticks": ticks, "helpdesk": helpdesk}

admin.autodiscover()
handler403 = "accounts.admin.forbidden.forbidden_page"
urlpatterns = [
    # The busiest paths come first, because Django tries the patterns in order.
    path("", include("events.urls")),
    path("", include("tickets.urls")),
    path("", include("projects.urls")),
    path("", include("accounts.urls")),
    path("", include("changes.urls")),
    path("", include("webhooks.urls")),
    path("", include("analytics.urls")),
    path("", Root.as_view()),
    path("healthz", Health.as_view(), name="health"),
    path("readyz", Ready.as_view(), name="readiness"),
    path("metrics", Metrics.as_view(), name="metrics"),
    path("schema", Schema.as_view(), name="schema"),
    path("docs", Docs.as_view(), name="docs"),
    path("admin", lambda request: HttpResponseRedirect("/admin/")),
    path("admin/second-factor/", second_factor_page, name="second_factor"),
    path("admin/weekly-report/", admin.site.admin_view(weekly_report), name="weekly_report"),
    path("admin/send-again/", admin.site.admin_view(send_again_page), name="send_again"),
    path("admin/", admin.site.urls),
    *(path("", include(contract)) for name, contract in CONTRACTS.items() if name in settings.CONTRACTS),
    re_path(r"", Unknown.as_view()),
]
