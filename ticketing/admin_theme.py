"""The admin's theme: its name, menu, style sheets and scripts."""

from typing import Any

from django.templatetags.static import static
from django.urls import reverse_lazy

from ticketing import admin_menu

SETTINGS: dict[str, Any] = {
    "SITE_TITLE": "Ticketing",
    "SITE_HEADER": "Ticketing",
    "SITE_SYMBOL": "confirmation_number",
    "SITE_URL": reverse_lazy("docs"),
    "SHOW_VIEW_ON_SITE": False,
    "DASHBOARD_CALLBACK": "analytics.admin.dashboard",
    "SIDEBAR": {"navigation": admin_menu.SECTIONS},
    "ACCOUNT": {"navigation": admin_menu.OWN_ACCOUNT},
    # By default, the theme writes its colours into a <style> element, which our Content-Security-Policy blocks.
    "COLORS": lambda request: {},
    "STYLES": [lambda request: static("kit/admin.css"), lambda request: static("kit/shortcuts.css")],
    "SCRIPTS": [
        lambda request: static("kit/admin.js"),
        lambda request: static("kit/drafts.js"),
        lambda request: static("kit/shortcuts.js"),
    ],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("kit/icon.svg")}],
}
