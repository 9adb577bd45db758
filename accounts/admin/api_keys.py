"""The admin pages for API keys: everyone's own, under "My account", and all of them, for admins."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminSplitDateTimeWidget, UnfoldAdminTextInputWidget

from accounts import services
from accounts.models import MAX_KEY_NAME, ApiKey, KeyScope
from accounts.permissions import staff_user
from kit import encryption
from kit.admin.once import in_steps
from kit.admin.pages import ReadOnlyMixin, form_page
from kit.admin.refusals import add_refusal, long_task_refusals_as_messages, refusals_as_messages
from kit.errors import Refused
from kit.long_tasks.leases import long_task

# Where the page that is shown after a key was created finds it, once.
NEW_KEY_IN_SESSION = "new_api_key"


class KeyForm(forms.Form):
    name = forms.CharField(
        max_length=MAX_KEY_NAME,
        help_text="What the key is for.",
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
    )
    scope = forms.ChoiceField(
        choices=KeyScope.choices, initial=KeyScope.READ, label="Scope", widget=UnfoldAdminSelectWidget
    )
    expires_at = forms.SplitDateTimeField(
        required=False,
        label="Expires",
        help_text="If empty, the key works until it is revoked.",
        widget=UnfoldAdminSplitDateTimeWidget,
    )

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if not name.isprintable():
            raise ValidationError("Enter a name without control characters.")
        return name


def own_keys(model_admin: ModelAdmin, request: HttpRequest) -> HttpResponse:
    """List the user's keys, and create one. The page after that shows the new key, once."""
    user = staff_user(request)
    form = KeyForm(request.POST or None)
    if form.is_valid():
        try:
            _, key = services.create_key(**form.cleaned_data, by=user)
        except Refused as refusal:
            add_refusal(form, refusal)
        else:
            # Not in the response to the form, so that reloading the page creates no other key.
            request.session[NEW_KEY_IN_SESSION] = encryption.encrypt(key)
            return HttpResponseRedirect(request.path)
    encrypted = request.session.pop(NEW_KEY_IN_SESSION, None)
    context = {
        **model_admin.admin_site.each_context(request),
        "opts": model_admin.opts,
        "title": "API keys",
        "has_heading": True,
        "form": form,
        "keys": list(user.api_keys.order_by("-pk")),
        "new_key": encrypted and encryption.decrypt(encrypted),
        "back": reverse("admin:accounts_user_me"),
    }
    return TemplateResponse(request, "admin/accounts/own_keys.html", context)


def revoke(model_admin: ModelAdmin, request: HttpRequest, key_id: int) -> HttpResponse:
    """Ask before revoking a key: one's own, or anyone's for admins."""
    user = staff_user(request)
    key = ApiKey.objects.filter(pk=key_id).select_related("user").first()
    if key is None or not (user.is_admin or key.user_id == user.pk):
        raise Http404
    is_own = key.user_id == user.pk
    page = reverse("admin:accounts_user_own_keys" if is_own else "admin:accounts_apikey_changelist")
    if request.method == "POST":
        with refusals_as_messages(request):
            services.revoke_key(key_id=key.pk, by=user)
            messages.success(request, f"The key {key.name} was revoked.")
        return HttpResponseRedirect(page)
    whose = "your key" if is_own else f"the key of {key.user.name}"
    return form_page(
        model_admin,
        request,
        forms.Form(),
        title=f"Revoke {key.name}?",
        notes=[f"Programs that use {whose}, which begins with {key.prefix}, will be refused from now on."],
        submit="Revoke",
        back=page,
        is_destructive=True,
    )


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyMixin, ModelAdmin):
    """Everyone's keys. Keys themselves are not stored."""

    list_display = ["name", "owner", "prefix", "scope_label", "created_at", "expires_at", "last_used_at"]
    list_display_links = None
    list_filter = ["scope"]
    list_select_related = ["user"]
    search_fields = ["prefix__startswith", "user__email__istartswith"]
    search_help_text = "The beginning of the key, or the address of its user"
    ordering = ["-id"]
    show_full_result_count = False
    fields = ["name", "user", "prefix", "scope", "created_at", "expires_at", "last_used_at"]
    actions = ["revoke_keys"]

    @admin.display(description="user", ordering="user__email")
    def owner(self, key: ApiKey) -> str:
        return str(key.user)

    @display(description="scope", label={KeyScope.READ: "default", KeyScope.WRITE: "info"})
    def scope_label(self, key: ApiKey) -> tuple[str, str]:
        return key.scope, key.get_scope_display()

    @admin.action(description="Revoke", permissions=["revoke"])
    def revoke_keys(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        user = staff_user(request)
        with long_task_refusals_as_messages(request), long_task(user.pk) as lease:
            for key in list(keys):
                with refusals_as_messages(request):
                    services.revoke_key(key_id=key.pk, by=user)
                    self.message_user(request, f"The key {key.name} was revoked.")
                lease.renew()

    @in_steps
    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        return super().changelist_view(request, extra_context)

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("accounts.delete_apikey")
