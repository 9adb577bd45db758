"""The admin pages of the user's own account. Changing the password or the e-mail address takes the current password."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.views import PasswordChangeView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html_join
from unfold.admin import ModelAdmin
from unfold.forms import AdminOwnPasswordChangeForm
from unfold.widgets import UnfoldAdminEmailInputWidget, UnfoldAdminPasswordWidget, UnfoldAdminSelectWidget

from accounts import services
from accounts.models import User
from accounts.permissions import staff_user
from kit import email_addresses, zones
from kit.admin.once import in_steps
from kit.admin.pages import LINK_CLASSES, form_page
from kit.admin.refusals import add_refusal
from kit.errors import Refused
from kit.templatetags import times


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """Django's form. It counts wrong passwords towards the lockout, which Django's own does not."""

    def __init__(self, *args: Any, request: HttpRequest, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_old_password(self) -> str:
        password: str = self.cleaned_data["old_password"]
        try:
            services.confirm_password(user=self.user, password=password, request=self.request)
        except (services.WrongPassword, services.LockedOut) as refusal:
            raise ValidationError(f"{refusal.message}.") from refusal
        return password


class OwnPasswordView(PasswordChangeView):
    form_class = OwnPasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}


@in_steps
def change_own_password(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponseBase:
    context = admin.site.each_context(request) | (extra_context or {})
    return OwnPasswordView.as_view(success_url=reverse("admin:password_change_done"), extra_context=context)(request)


# The site has no setting for the form, and builds its URLs later.
admin.site.password_change = change_own_password  # type: ignore[assignment, method-assign]


class OwnEmailForm(forms.Form):
    email = email_addresses.FormField(
        label="New e-mail address",
        max_length=email_addresses.MAX_LENGTH,
        widget=UnfoldAdminEmailInputWidget(attrs={"autocomplete": "email"}),
    )
    current_password = forms.CharField(
        strip=False, widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "current-password"})
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        if email == self.user.email:
            raise ValidationError("This is already your address.")
        return email


def change_own_email(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    user = staff_user(request)
    page = reverse("admin:accounts_user_change", args=[user.pk])
    form = OwnEmailForm(request.POST or None, user=user)
    if form.is_valid():
        # Not in a transaction, whose rollback would undo the count of wrong passwords.
        try:
            changed = services.update(user_id=user.pk, by=user, request=request, **form.cleaned_data)
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            model_admin.log_change(request, changed, "Changed e-mail address.")
            # Keeps this session, which the change would end like all others, unless the user has changed again since.
            update_session_auth_hash(request, changed)
            messages.success(request, "Your e-mail address was changed. You are signed out everywhere else.")
            return HttpResponseRedirect(page)
    return form_page(
        model_admin,
        request,
        form,
        title="Change your e-mail address",
        notes=[f"Your address is {user.email}. A notice of the change will be sent to it."],
        submit="Change",
        back=page,
    )


class AccountForm(forms.Form):
    time_zone = forms.ChoiceField(
        required=False,
        choices=lambda: [("", f"The site's: {settings.TIME_ZONE}"), *zones.time_zones()],
        widget=UnfoldAdminSelectWidget,
        help_text="Times in the admin are shown and entered in this zone. Events have their own.",
    )


def my_account(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    user = staff_user(request)
    form = AccountForm(request.POST or None, initial={"time_zone": user.time_zone})
    if form.is_valid():
        services.set_time_zone(by=user, time_zone=form.cleaned_data["time_zone"])
        messages.success(request, "Your settings were saved.")
        return HttpResponseRedirect(request.path)
    links = {
        "Change e-mail address": "accounts_user_own_email",
        "Change password": "password_change",
        "API keys": "accounts_user_own_keys",
        "Unsent drafts": "accounts_user_drafts",
    }
    return form_page(
        model_admin,
        request,
        form,
        title="My account",
        notes=[
            f"{user.name}, {user.email}, {user.get_type_display().lower()}.",
            f"For you it is {times.text(timezone.now())}.",
            format_html_join(
                " · ",
                '<a href="{}" class="{}">{}</a>',
                ((reverse(f"admin:{page}"), LINK_CLASSES, label) for label, page in links.items()),
            ),
        ],
        submit="Save",
        back=reverse("admin:index"),
    )


def unsent_drafts(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """Return the page on which a script lists the drafts in the user's browser."""
    context = model_admin.admin_site.each_context(request) | {
        "opts": model_admin.opts,
        "title": "Unsent drafts",
        "has_heading": True,
    }
    return TemplateResponse(request, "admin/accounts/unsent_drafts.html", context)
