"""The admin page that asks staff for their second factor after the password (ADMIN_SECOND_FACTOR)."""

from collections.abc import Callable
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.template.defaultfilters import pluralize
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp import login
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from accounts import audit, second_factor
from accounts.models import AuditAction
from accounts.permissions import staff_user
from kit.admin.refusals import database_errors_as_refusals
from kit.errors import Refused, TooMany

# Views that require only the password.
EXEMPT_VIEWS = {"admin:login", "admin:logout", "second_factor"}
KEY_IN_SESSION = "second_factor_key"


class SecondFactorMiddleware:
    """Redirect staff from any page under /admin/ to the second factor page until they have entered their code.

    A middleware, not a permission of the admin site, so that pages mounted beside the site are covered as well.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        is_exempt = request.resolver_match is not None and request.resolver_match.view_name in EXEMPT_VIEWS
        if is_exempt or not is_required(request):
            return None
        return redirect_to_login(request.get_full_path(), reverse("second_factor"))


def is_required(request: HttpRequest) -> bool:
    """Return whether the user must enter a second factor and has not done so in this session."""
    # OTPMiddleware sets `otp_device`.
    user: Any = request.user
    return settings.ADMIN_SECOND_FACTOR and user.is_staff and user.otp_device is None


class CodeForm(forms.Form):
    code = forms.CharField(
        max_length=50,
        widget=UnfoldAdminTextInputWidget(
            attrs={"autocomplete": "one-time-code", "autofocus": "", "autocapitalize": "none", "spellcheck": "false"}
        ),
    )
    set_up_again = forms.BooleanField(
        required=False,
        label="Then set up another app and get new recovery codes",
        widget=UnfoldBooleanSwitchWidget,
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("code")
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """Ask for a code, or let a user without a second factor set one up."""
    if not request.user.is_staff:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if not is_required(request):
        return HttpResponseRedirect(next_url(request))
    is_new = not second_factor.is_set_up(staff_user(request))
    form = CodeForm(request.POST or None)
    wait = 0
    if form.is_valid():
        try:
            with database_errors_as_refusals():
                return _set_up(request, form) if is_new else _verify(request, form)
        except TooMany as refusal:
            wait = refusal.retry_after
            form.add_error("code", f"{refusal.message}. Try again in {wait} second{pluralize(wait)}.")
        except Refused as refusal:
            if isinstance(refusal, second_factor.WrongCode):
                audit.record(AuditAction.SECOND_FACTOR_FAILED, request, user=staff_user(request))
            form.add_error("code", f"{refusal.message}.")
    # Show an empty field for the next code.
    form.data = {}
    setup = _setup_context(request) if is_new else {}
    page = _render(request, "second_factor", form=form, **setup)
    if wait:
        page.status_code, page["Retry-After"] = 429, str(wait)
    return page


def next_url(request: HttpRequest) -> str:
    """Return the URL the user asked for if it is on this site, or else the admin's overview."""
    url = request.GET.get("next", "")
    is_ours = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_ours else reverse("admin:index")


def _verify(request: HttpRequest, form: CodeForm) -> HttpResponse:
    device = second_factor.verify(user=staff_user(request), code=form.cleaned_data["code"])
    if form.cleaned_data["set_up_again"]:
        second_factor.remove(staff_user(request))
        return HttpResponseRedirect(request.get_full_path())
    _let_in(request, device)
    return HttpResponseRedirect(next_url(request))


def _set_up(request: HttpRequest, form: CodeForm) -> HttpResponse:
    """Set up the app and show the recovery codes, which no later response contains."""
    key = request.session.get(KEY_IN_SESSION)
    if key is None:
        # Never fall back to an empty key: anyone can compute its codes.
        raise second_factor.WrongCode
    device, codes = second_factor.set_up(user=staff_user(request), key=key, code=form.cleaned_data["code"])
    del request.session[KEY_IN_SESSION]
    _let_in(request, device)
    return _render(request, "recovery_codes", codes=codes, next_url=next_url(request))


def _let_in(request: HttpRequest, device: Any) -> None:
    # A session key that leaked before verification must not give access now.
    request.session.cycle_key()
    login(request, device)


def _setup_context(request: HttpRequest) -> dict[str, Any]:
    """Return the context for setting up an app.

    Each session has its own key. Others who know the password can open the page but do not see the user's key.
    """
    key = request.session.setdefault(KEY_IN_SESSION, second_factor.new_key())
    setup = second_factor.app_setup(user=staff_user(request), key=key)
    qr_code = segno.make(setup.url, error="m", micro=False).svg_inline(border=4, light="#fff", omitsize=True)
    secret = " ".join(setup.secret[start : start + 4] for start in range(0, len(setup.secret), 4))
    return {"app_url": setup.url, "qr_code": qr_code, "secret": secret}


def _render(request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    return render(request, f"admin/{name}.html", {**admin.site.each_context(request), **context})
