"""Forms in the admin that staff send when they are no longer signed in, or after signing in again in another tab.

Such a form is not saved, but not lost either: it is kept, signed, in the sign-in page and then in the session. After
signing in, `send_again_page` shows what was filled in and in whose name it would be sent. Only pressing its button
sends the form, with a new CSRF token.
"""

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.views import redirect_to_login
from django.core import signing
from django.forms.utils import pretty_name
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.csrf import csrf_failure as explain_csrf_failure

from accounts.admin.second_factor_page import EXEMPT_VIEWS, is_required

# The field of the sign-in page, and the key in the session.
KEPT = "kept_form"
# Never kept: passwords, one-time codes and CSRF tokens.
SECRET = re.compile(r"password|secret|token|^code$")
# Sent again, but not shown: buttons, and hidden fields that the user did not fill in.
TECHNICAL = re.compile(r"^_|^seen|key$|_FORMS$|-(id|ticket)$")


@dataclass(frozen=True)
class KeptForm:
    """The URL that a form was sent to, and its fields as pairs of name and value."""

    path: str
    fields: list[list[str]]

    @property
    def filled_in(self) -> list[tuple[str, str]]:
        """Return the label and value of what the user filled in."""
        typed = ((name, value) for name, value in self.fields if value.strip() and not TECHNICAL.search(name))
        return [(pretty_name(name.replace("-", " ")), value) for name, value in typed]

    def signed(self) -> str:
        return signing.dumps(asdict(self), salt=KEPT, compress=True)


class KeptFormMiddleware:
    """Keep the forms of staff who have to sign in first, and show them afterwards."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if _view_name(request) == "admin:login" and response.status_code == 302 and (kept := _from_sign_in(request)):
            request.session[KEPT] = asdict(kept)
            return HttpResponseRedirect(reverse("send_again"))
        if getattr(request, "sends_kept_form", False) and response.status_code < 400:
            # If there are errors, the page that shows them contains the form.
            request.session.pop(KEPT, None)
        return response

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        if request.method != "POST":
            return None
        if _view_name(request) == "admin:login" and "username" not in request.POST:
            # The button of the lockout page.
            kept = _from_sign_in(request)
            return _sign_in_page(request, kept) if kept else None
        if request.user.is_authenticated and not is_required(request):
            is_kept = request.session.get(KEPT, {}).get("path") == request.get_full_path()
            request.sends_kept_form = is_kept  # type: ignore[attr-defined]
            return None
        kept = _sent(request)
        return _answer(request, kept) if kept else None


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Let staff send the form again if it came from a page of this site. Forms of other sites are never shown."""
    kept = _sent(request) or _from_sign_in(request) if _is_from_this_site(request) else None
    return _answer(request, kept) if kept else explain_csrf_failure(request, reason)


def send_again_page(request: HttpRequest) -> HttpResponse:
    """Show the kept form. On POST, discard it."""
    found = request.session.get(KEPT)
    if found is None:
        return HttpResponseRedirect(reverse("admin:index"))
    kept = KeptForm(**found)
    if request.method == "POST":
        del request.session[KEPT]
        return HttpResponseRedirect(kept.path)
    return _send_again(request, kept)


def _answer(request: HttpRequest, kept: KeptForm) -> HttpResponse:
    """Return what the user needs next to send the form: the sign-in page, the second factor, or the form itself."""
    if not admin.site.has_permission(request):
        return _sign_in_page(request, kept)
    if is_required(request):
        request.session[KEPT] = asdict(kept)
        return redirect_to_login(reverse("send_again"), reverse("second_factor"))
    return _send_again(request, kept, status=403)


def _sign_in_page(request: HttpRequest, kept: KeptForm) -> HttpResponse:
    context = {
        "title": "Log in",
        "form": (admin.site.login_form or AdminAuthenticationForm)(request),
        "app_path": f"{reverse('admin:login')}?{urlencode({'next': kept.path})}",
        KEPT: kept.signed(),
    }
    return render(request, "admin/login.html", {**admin.site.each_context(request), **context}, status=403)


def _send_again(request: HttpRequest, kept: KeptForm, *, status: int = 200) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Send the form again?", "kept": kept}
    return render(request, "admin/send_again.html", context, status=status)


def _sent(request: HttpRequest) -> KeptForm | None:
    """Return the form of this request; None for sign-in pages, and if nothing was filled in."""
    if _view_name(request) in EXEMPT_VIEWS:
        return None
    fields = [[name, value] for name, values in request.POST.lists() for value in values if not SECRET.search(name)]
    kept = KeptForm(request.get_full_path(), fields)
    return kept if kept.filled_in else None


def _from_sign_in(request: HttpRequest) -> KeptForm | None:
    """Return the form that the sign-in page has kept."""
    try:
        return KeptForm(**signing.loads(request.POST.get(KEPT, ""), salt=KEPT))
    except signing.BadSignature:
        return None


def _is_from_this_site(request: HttpRequest) -> bool:
    """Return whether a page of this origin sent the request. Browsers set both headers; pages cannot change them."""
    origins = {f"{request.scheme}://{request.get_host()}", *settings.CSRF_TRUSTED_ORIGINS}
    is_same_origin = request.headers.get("Sec-Fetch-Site", "same-origin") == "same-origin"
    return is_same_origin and request.headers.get("Origin") in origins


def _view_name(request: HttpRequest) -> str:
    return request.resolver_match.view_name if request.resolver_match else ""
