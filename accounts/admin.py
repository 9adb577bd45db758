"""People in the admin, and their failed sign-ins."""

from collections.abc import Iterator
from typing import Any

from axes.models import AccessAttempt
from axes.utils import reset
from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst
from django_otp.plugins.otp_static import admin as _admin_of_recovery_codes  # noqa: F401
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp import admin as _admin_of_apps  # noqa: F401
from django_otp.plugins.otp_totp.models import TOTPDevice
from rest_framework_simplejwt.token_blacklist import admin as _admin_of_tokens  # noqa: F401
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken
from unfold.admin import ModelAdmin
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import AdminPasswordChangeForm, UserCreationForm

from accounts import second_factor, services
from accounts.models import User, UserType
from accounts.permissions import signed_in
from kit.admin.forms import ServiceAdmin, ServiceForm, changed_values, newest
from kit.admin.pages import LINK_CLASSES, ReadOnlyMixin, form_page
from kit.admin.refusals import database_errors_as_refusals, refusals_as_messages
from kit.errors import Refused

# Imported above, so that they are there to be taken out: what staff may do follows from their type and not from groups,
# and tokens and the secrets of second factors are no reading for people.
admin.site.unregister([Group, BlacklistedToken, OutstandingToken, StaticDevice, TOTPDevice])


class NewUserForm(ServiceForm, UserCreationForm):
    # Everybody made here has a password.
    usable_password = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("password1", "password2"):
            self.fields[name].required = True


class PasswordForm(AdminPasswordChangeForm):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields.pop("usable_password", None)

    def save(self, commit: bool = True) -> User:
        return services.set_password(user=self.user, password=self.cleaned_data["password1"])


@admin.register(User)
class UserAdmin(ServiceAdmin, DjangoUserAdmin):  # type: ignore[misc]
    form = ServiceForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    add_form_template = None
    list_display = ["name", "email", "type_label", "is_active", "created_at"]
    list_filter = ["type", "is_active"]
    search_fields = ["name", "email"]
    ordering = ["name", "id"]
    filter_horizontal = []
    actions_detail = ["reset_second_factor"]
    fieldsets = [
        (None, {"fields": [("name", "email"), "password_link"]}),
        ("What they may do", {"fields": ["type", ("is_active", "is_superuser")]}),
        ("Dates", {"fields": [("created_at", "last_login")]}),
    ]
    add_fieldsets = [(None, {"fields": [("name", "email"), "type", "password1", "password2"]})]
    readonly_fields = ["password_link", "created_at", "last_login"]

    @display(description="type", label={UserType.ADMIN: "danger", UserType.AGENT: "info"})
    def type_label(self, user: User) -> tuple[str, str]:
        return user.type, user.get_type_display()

    @admin.display(description="password")
    def password_link(self, user: User) -> str:
        text = "Set another" if user.has_usable_password() else "None yet: set one"
        return format_html('<a href="../password/" class="{}">{}</a>', LINK_CLASSES, text)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Who cannot change somebody cannot set their password either."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None or self.has_change_permission(request, obj):
            return fieldsets
        return [(None, {"fields": [("name", "email")]}), *fieldsets[1:]]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """One's own powers are for others to change; making superusers is for superusers."""
        fixed = list(self.readonly_fields)
        if obj == request.user:
            return [*fixed, *services.POWERS]
        return fixed if request.user.is_superuser else [*fixed, "is_superuser"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """A superuser's password or address in another's hands would be a way to become one."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or (obj != request.user and self.has_change_permission(request, obj)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Where a ticket's people are chosen, or whom to book for, those who can be."""
        if request.GET.get("app_label") in ("tickets", "events"):
            queryset = queryset.filter(is_active=True)
            if request.GET.get("model_name") == "assignment":
                queryset = queryset.exclude(type=UserType.ADMIN)
        return super().get_search_results(request, queryset, search_term)

    def deletion_blockers(self, row: User) -> Iterator[tuple[str, Any]]:
        """Their tickets and comments."""
        page = "admin:tickets_ticket_change"
        yield from ((reverse(page, args=[ticket.pk]), ticket) for ticket in newest(row.tickets))
        yield from ((reverse(page, args=[comment.ticket_id]), comment) for comment in newest(row.comments))

    def save_model(self, request: HttpRequest, user: User, form: Any, change: bool) -> None:
        if change:
            services.update(user_id=user.pk, by=signed_in(request), **changed_values(form))
        else:
            fields = {name: form.cleaned_data[name] for name in ("name", "email", "type")}
            user.pk = services.sign_up(**fields, password=form.cleaned_data["password1"], by=signed_in(request)).pk

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        try:
            with database_errors_as_refusals():
                return super().user_change_password(request, id, form_url)
        except Refused as refusal:
            self.message_user(request, f"{refusal.message}.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def delete_model(self, request: HttpRequest, user: User) -> None:
        services.delete(user_id=user.pk, by=signed_in(request))

    @action(
        description="Reset the second factor",
        url_path="second-factor",
        permissions=["reset"],
        variant=ActionVariant.DANGER,
    )
    def reset_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = self.get_object(request, object_id)
        if user is None:
            raise Http404
        page = reverse("admin:accounts_user_change", args=[user.pk])
        if request.method == "POST":
            with refusals_as_messages(request):
                with transaction.atomic():
                    services.reset_second_factor(user_id=user.pk, by=signed_in(request))
                    self.log_change(request, user, "Second factor reset.")
                self.message_user(request, f"{user.name} sets up another at their next page of the admin.")
            return HttpResponseRedirect(page)
        return form_page(
            self,
            request,
            forms.Form(),
            title=f"Reset the second factor of {user.name}?",
            notes=[
                f"Their app's codes and the {second_factor.recovery_codes_left(user)} recovery codes that are left are "
                "worth nothing then. Whoever knows the password can set up another.",
                "So make sure that it is they who ask: this is what an impostor would ask for, too.",
            ],
            submit="Reset",
            back=page,
        )

    def has_reset_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """For those who may change them, on others than oneself, where there is something to reset."""
        user = self.get_object(request, object_id) if object_id else None
        allowed = self.has_change_permission(request, user)
        return allowed and (user is None or (user != request.user and second_factor.is_set_up(user)))


@admin.register(AccessAttempt)
class FailedSignInAdmin(ReadOnlyMixin, ModelAdmin):
    """Failed sign-ins that count towards a lockout; lifting it forgets them."""

    list_display = ["username", "ip_address", "failures_since_start", "attempt_time", "path_info", "user_agent"]
    list_display_links = None
    list_filter = ["attempt_time"]
    search_fields = ["username", "ip_address"]
    ordering = ["-attempt_time", "-id"]
    show_full_result_count = False
    actions = ["lift_lockout"]

    @admin.action(description="Lift the lockout", permissions=["lift"])
    def lift_lockout(self, request: HttpRequest, attempts: QuerySet[AccessAttempt]) -> None:
        for username, address in set(attempts.values_list("username", "ip_address")):
            reset(username=username, ip=address)
            self.message_user(request, capfirst(f"{username} may sign in from {address} again."))

    def has_lift_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("axes.delete_accessattempt")
