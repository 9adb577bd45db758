"""The admin pages for users."""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import pluralize
from django.urls import path, reverse
from django.utils.html import format_html
from unfold.decorators import action, display
from unfold.enums import ActionVariant
from unfold.forms import AdminPasswordChangeForm, UserCreationForm
from unfold.widgets import UnfoldAdminTextInputWidget

from accounts import queries, second_factor, services
from accounts.admin.api_keys import own_keys, revoke
from accounts.admin.notes import Notes
from accounts.admin.own_account import change_own_email, my_account, unsent_drafts
from accounts.admin.person_picker import choices_view
from accounts.models import ApiKey, User, UserType
from accounts.permissions import staff_user
from kit import phones
from kit.admin.forms import ServiceForm, changed_values, is_id, newest
from kit.admin.once import in_steps
from kit.admin.pages import LINK_CLASSES, form_page, row_or_404
from kit.admin.refusals import all_or_nothing, refusals_as_messages
from kit.admin.search import SearchMixin
from kit.admin.stale import SeenAdmin, SeenForm
from kit.errors import Refused
from kit.search.expressions import SortKey


class UserForm(SeenForm, ServiceForm):
    # Longer than what is stored: people write separators.
    phone = forms.CharField(
        max_length=40,
        required=False,
        label="Telephone",
        help_text="Optional. Visible to staff only.",
        widget=UnfoldAdminTextInputWidget(attrs={"type": "tel", "autocomplete": "off"}),
    )

    def clean_phone(self) -> str:
        """Return what is stored, which the model then validates. The service refuses anything else."""
        with suppress(ValueError):
            return phones.normalized(self.cleaned_data["phone"])
        raise ValidationError(phones.UNUSABLE)


class NewUserForm(UserCreationForm, ServiceForm):
    # Users created in the admin always have a password.
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
class UserAdmin(SeenAdmin, SearchMixin, Notes, DjangoUserAdmin):  # type: ignore[misc]
    form = UserForm
    add_form = NewUserForm
    change_password_form = PasswordForm
    add_form_template = None
    list_display = ["name_by_key", "email", "phone", "type_label", "is_active", "created_at"]
    list_filter = ["type", "is_active"]
    search_fields = ["name", "email", "phone"]
    search_help_text = "Words from the name or the address, or the end of a telephone number"
    ordering = [SortKey("name"), "id"]
    filter_horizontal = []
    actions_detail = ["hand_over_tickets", "deactivate", "reset_second_factor"]
    fieldsets = [
        (None, {"fields": [("name", "email"), "phone", "password_link"]}),
        ("Role", {"fields": ["type", ("is_active", "is_superuser")]}),
        ("Dates", {"fields": [("created_at", "last_login")]}),
    ]
    add_fieldsets = [(None, {"fields": [("name", "email"), "type", "password1", "password2"]})]
    readonly_fields = ["password_link", "own_email", "created_at", "last_login"]

    def get_urls(self) -> list[Any]:
        own_email = self.admin_site.admin_view(in_steps(partial(change_own_email, self)))
        own_account = self.admin_site.admin_view(in_steps(partial(my_account, self)))
        drafts = self.admin_site.admin_view(partial(unsent_drafts, self))
        keys = self.admin_site.admin_view(partial(own_keys, self))
        revoke_key = self.admin_site.admin_view(partial(revoke, self))
        choices = self.admin_site.admin_view(choices_view)
        return [
            path("own-email/", own_email, name="accounts_user_own_email"),
            path("me/", own_account, name="accounts_user_me"),
            path("me/drafts/", drafts, name="accounts_user_drafts"),
            path("me/keys/", keys, name="accounts_user_own_keys"),
            path("keys/<int:key_id>/revoke/", revoke_key, name="accounts_user_revoke_key"),
            path("choices/", choices, name="accounts_user_autocomplete"),
            *super().get_urls(),
        ]

    @admin.display(description="name", ordering=SortKey("name"))
    def name_by_key(self, user: User) -> str:
        return user.name

    @display(description="type", label={UserType.ADMIN: "danger", UserType.AGENT: "info", UserType.CUSTOMER: "default"})
    def type_label(self, user: User) -> tuple[str, str]:
        return user.type, user.get_type_display()

    @admin.display(description="password")
    def password_link(self, user: User) -> str:
        text = "Change password" if user.has_usable_password() else "Set password (none yet)"
        return format_html('<a href="../password/" class="{}">{}</a>', LINK_CLASSES, text)

    @admin.display(description="new address")
    def own_email(self, user: User) -> str:
        page = reverse("admin:accounts_user_own_email")
        return format_html('<a href="{}" class="{}">Change e-mail address</a>', page, LINK_CLASSES)

    def get_fieldsets(self, request: HttpRequest, obj: User | None = None) -> Any:
        """Link to the page for one's own address. Omit the password link for viewers who cannot change the user."""
        fieldsets = super().get_fieldsets(request, obj)
        if obj is None:
            return fieldsets
        (title, options), *others = fieldsets
        fields = [name for name in options["fields"] if name != "password_link"]
        if obj == request.user:
            fields.append("own_email")
        if self.has_change_permission(request, obj):
            fields.append("password_link")
        return [(title, {**options, "fields": fields}), *others]

    def get_readonly_fields(self, request: HttpRequest, obj: User | None = None) -> list[str]:
        """Prevent users from changing their own role or address here, and all but superusers from making superusers."""
        fixed = list(self.readonly_fields)
        if obj == request.user:
            return [*fixed, "email", *services.ADMIN_ONLY_FIELDS]
        return fixed if request.user.is_superuser else [*fixed, "is_superuser"]

    def has_change_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        """Protect superusers: setting one's password or address would be a way to become a superuser."""
        allowed = super().has_change_permission(request, obj)
        return allowed and (obj is None or not obj.is_superuser or request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        allowed = super().has_delete_permission(request, obj)
        return allowed and (obj is None or (obj != request.user and self.has_change_permission(request, obj)))

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[User], search_term: str
    ) -> tuple[QuerySet[User], bool]:
        """Offer only active users in ticket and booking forms, by how their name or address begins."""
        if request.GET.get("app_label") not in ("tickets", "events"):
            return super().get_search_results(request, queryset, search_term)
        active = queryset.filter(is_active=True)
        text = search_term.replace("\x00", "").strip()
        return (active.filter(pk__in=queries.called(text)) if text else active), False

    def deletion_blockers(self, row: User) -> Iterator[tuple[str, Any]]:
        """Yield the tickets and comments of a user, which prevent deletion."""
        page = "admin:tickets_ticket_change"
        yield from ((reverse(page, args=[ticket.pk]), ticket) for ticket in newest(row.tickets))
        yield from ((reverse(page, args=[comment.ticket_id]), comment) for comment in newest(row.comments))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Let API keys go with their user, although nobody deletes keys on pages of their own."""
        deleted, counts, lacking, protected = super().get_deleted_objects(objs, request)
        return deleted, counts, lacking - {ApiKey._meta.verbose_name}, protected

    def lock(self, request: HttpRequest, row: User) -> None:
        services.lock(user_id=row.pk, by=staff_user(request))

    def save_model(self, request: HttpRequest, user: User, form: Any, change: bool) -> None:
        """Save through the services. If a user to deactivate has open tickets, another page asks who gets them."""
        if change and "is_active" in form.changed_data and not user.is_active and has_open_tickets(user):
            # Neither saved nor logged yet.
            form.changed_data.remove("is_active")
            request.asks_who_gets_tickets = True  # type: ignore[attr-defined]
        if change:
            services.update(user_id=user.pk, by=staff_user(request), **changed_values(form))
        else:
            fields = {name: form.cleaned_data[name] for name in ("name", "email", "type")}
            user.pk = services.sign_up(**fields, password=form.cleaned_data["password1"], by=staff_user(request)).pk

    def response_change(self, request: HttpRequest, obj: User) -> HttpResponse:
        if hasattr(request, "asks_who_gets_tickets"):
            note = f"{obj.name} has open tickets and is still active. Everything else is saved."
            self.message_user(request, note)
            return HttpResponseRedirect(reverse("admin:tickets_ticket_deactivate", args=[obj.pk]))
        return super().response_change(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002
        if self.get_object(request, id) == request.user:
            # This page does not ask for the current password.
            return HttpResponseRedirect(reverse("admin:password_change"))
        try:
            with all_or_nothing():
                return super().user_change_password(request, id, form_url)
        except Refused as refusal:
            self.message_user(request, f"{refusal.message}.", messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def delete_model(self, request: HttpRequest, user: User) -> None:
        services.delete(user_id=user.pk, by=staff_user(request))

    @action(description="Hand over tickets", url_path="hand-over", permissions=["hand_over"])
    def hand_over_tickets(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(
            reverse("admin:tickets_ticket_hand_over", args=[row_or_404(self, request, object_id).pk])
        )

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer to hand over tickets only if there are any."""
        offered: list[Any] = super().get_actions_detail(request, object_id)
        if is_id(object_id) and has_open_tickets(User(pk=int(object_id))):
            return offered
        return [each for each in offered if each.method.__name__ != "hand_over_tickets"]

    def has_hand_over_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the viewer may change tickets, and the user can have any."""
        user = self.get_object(request, object_id) if object_id else None
        return request.user.has_perm("tickets.change_ticket") and (user is None or not user.is_admin)

    @action(description="Deactivate", url_path="deactivate", permissions=["deactivate"], variant=ActionVariant.DANGER)
    def deactivate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        return HttpResponseRedirect(
            reverse("admin:tickets_ticket_deactivate", args=[row_or_404(self, request, object_id).pk])
        )

    def has_deactivate_permission(self, request: HttpRequest, object_id: Any = None) -> bool:
        """Return whether the viewer may change this user, who must be active and someone else."""
        user = self.get_object(request, object_id) if object_id else None
        allowed = self.has_change_permission(request, user)
        return allowed and (user is None or (user != request.user and user.is_active))

    @action(
        description="Reset the second factor",
        url_path="second-factor",
        permissions=["reset"],
        variant=ActionVariant.DANGER,
    )
    def reset_second_factor(self, request: HttpRequest, object_id: str) -> HttpResponse:
        user = row_or_404(self, request, object_id)
        page = reverse("admin:accounts_user_change", args=[user.pk])
        if request.method == "POST":
            with refusals_as_messages(request):
                with transaction.atomic():
                    services.reset_second_factor(user_id=user.pk, by=staff_user(request))
                    self.log_change(request, user, "Second factor reset.")
                self.message_user(request, f"{user.name} will be asked to set up a new second factor in the admin.")
            return HttpResponseRedirect(page)
        left = second_factor.recovery_codes_left(user)
        return form_page(
            self,
            request,
            forms.Form(),
            title=f"Reset the second factor of {user.name}?",
            notes=[
                f"This removes the authenticator app and {left} recovery code{pluralize(left)}. Anyone who knows the "
                f"password can then set up a new app, until {user.name} does.",
                f"First make sure that the request really comes from {user.name} and not from an impostor.",
            ],
            submit="Reset",
            back=page,
            row=user,
            is_destructive=True,
        )

    def has_reset_permission(self, request: HttpRequest, object_id: str | None = None) -> bool:
        """Return whether the viewer may change this user, who must be someone else and have a second factor."""
        user = self.get_object(request, object_id) if object_id else None
        allowed = self.has_change_permission(request, user)
        return allowed and (user is None or (user != request.user and second_factor.is_set_up(user)))


def has_open_tickets(user: User) -> bool:
    return user.assignments.exclude(ticket__status="closed").exists()
