"""Where the admin asks for the second factor (ADMIN_SECOND_FACTOR): behind the password, before everything else."""

from collections.abc import Callable
from typing import Any

import segno
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods
from django_otp import login
from unfold.widgets import UnfoldAdminTextInputWidget, UnfoldBooleanSwitchWidget

from accounts import second_factor
from accounts.permissions import signed_in
from kit.admin.refusals import database_errors_as_refusals
from kit.errors import Refused, TooMany

# What somebody sees who has shown a password alone.
OPEN = {"admin:login", "admin:logout", "second_factor"}
KEY_IN_SESSION = "second_factor_key"


class SecondFactorMiddleware:
    """Lead staff who have not shown it to the page that asks for it, from whatever is under /admin/.

    A middleware and not the admin site's own permission, so that a page which is mounted beside the site is covered.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, *_: Any) -> HttpResponse | None:
        is_open = request.resolver_match is not None and request.resolver_match.view_name in OPEN
        if is_open or not request.path_info.startswith("/admin/") or not is_owed(request):
            return None
        return redirect_to_login(request.get_full_path(), reverse("second_factor"))


def is_owed(request: HttpRequest) -> bool:
    """Whether who is signed in must show a second factor and has not yet, in this session."""
    # OTPMiddleware has put the device there.
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
        label="Then set up another app, with new recovery codes",
        widget=UnfoldBooleanSwitchWidget,
    )


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@sensitive_post_parameters("code")
def ask(request: HttpRequest) -> HttpResponse:
    """The page between the password and the admin: it asks for a code; who has none yet sets up an app."""
    if not request.user.is_staff:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    if not is_owed(request):
        return HttpResponseRedirect(onward(request))
    is_new = not second_factor.is_set_up(signed_in(request))
    form = CodeForm(request.POST or None)
    wait = 0
    if form.is_valid():
        try:
            with database_errors_as_refusals():
                return _set_up(request, form) if is_new else _check(request, form)
        except TooMany as refusal:
            wait = refusal.retry_after
            form.add_error("code", f"{refusal.message}: try again in {wait} s.")
        except Refused as refusal:
            form.add_error("code", f"{refusal.message}.")
    # A code that was refused is of no use: the next is typed into an empty field.
    form.data = {}
    new = _new_app(request) if is_new else {}
    page = _page(request, "second_factor", form=form, **new)
    if wait:
        page.status_code, page["Retry-After"] = 429, str(wait)
    return page


def onward(request: HttpRequest) -> str:
    """Where somebody was going, if that is here."""
    url = request.GET.get("next", "")
    is_here = url_has_allowed_host_and_scheme(url, {request.get_host()}, require_https=request.is_secure())
    return url if is_here else reverse("admin:index")


def _check(request: HttpRequest, form: CodeForm) -> HttpResponse:
    device = second_factor.check(user=signed_in(request), code=form.cleaned_data["code"])
    if form.cleaned_data["set_up_again"]:
        second_factor.forget(signed_in(request))
        return HttpResponseRedirect(request.get_full_path())
    _let_in(request, device)
    return HttpResponseRedirect(onward(request))


def _set_up(request: HttpRequest, form: CodeForm) -> HttpResponse:
    """The recovery codes are in this answer and in no other; a copy of it sent again finds the admin open."""
    key = request.session.get(KEY_IN_SESSION)
    if key is None:
        # Not an empty one, whose codes anybody can reckon.
        raise second_factor.WrongCode
    device, codes = second_factor.set_up(user=signed_in(request), key=key, code=form.cleaned_data["code"])
    del request.session[KEY_IN_SESSION]
    _let_in(request, device)
    return _page(request, "recovery_codes", codes=codes, onward=onward(request))


def _let_in(request: HttpRequest, device: Any) -> None:
    # Whoever has got hold of the session's key before has got nothing.
    request.session.cycle_key()
    login(request, device)


def _new_app(request: HttpRequest) -> dict[str, Any]:
    """A key of this session's own: who knows another's password may look at a page, and has not seen their key."""
    key = request.session.setdefault(KEY_IN_SESSION, second_factor.new_key())
    app = second_factor.new_app(user=signed_in(request), key=key)
    qr_code = segno.make(app.url, error="m", micro=False).svg_inline(border=4, light="#fff", omitsize=True)
    secret = " ".join(app.secret[start : start + 4] for start in range(0, len(app.secret), 4))
    return {"app_url": app.url, "qr_code": qr_code, "secret": secret}


def _page(request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    return render(request, f"admin/{name}.html", {**admin.site.each_context(request), **context})
