"""What each type of user may do: model permissions for the admin, permission classes for the API."""

from typing import Any, cast

from django.contrib.auth.backends import ModelBackend
from django.http import HttpRequest
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

# Importing `audit` connects it to the signals of signing in.
from accounts import audit, budgets, devices  # noqa: F401
from accounts.models import User, UserType

# The admin's permissions by type; superusers have all of them. Nobody can delete a ticket: the admin does not offer it,
# and the database refuses it.
PERMISSIONS_OF_AGENTS = {
    "accounts.view_user",
    "projects.view_project",
    "tickets.view_ticket",
    "tickets.add_ticket",
    "tickets.change_ticket",
    "tickets.view_assignment",
    "tickets.add_assignment",
    "tickets.delete_assignment",
    *(f"tickets.{verb}_macro" for verb in ("view", "add", "change", "delete")),
    "sla.view_slapolicy",
    "sla.view_calendar",
    "sla.view_opening",
    "sla.view_holiday",
    "events.view_event",
    "events.view_booking",
    # To cancel it. The page cannot change anything else.
    "events.change_booking",
    "events.view_bookingentry",
    # To check in guests, and to undo that.
    "events.view_checkin",
    "events.add_checkin",
    "events.change_checkin",
    "notifications.view_delivery",
    # To resend it. The page cannot change anything else.
    "notifications.change_delivery",
}
PERMISSIONS_OF_ADMINS = PERMISSIONS_OF_AGENTS | {
    "accounts.add_user",
    "accounts.change_user",
    "accounts.delete_user",
    "projects.add_project",
    "projects.change_project",
    "projects.delete_project",
    "sla.change_slapolicy",
    "events.add_event",
    "events.change_event",
    "events.delete_event",
    *(f"sla.{verb}_{row}" for verb in ("add", "change", "delete") for row in ("calendar", "opening", "holiday")),
    "accounts.view_auditentry",
    "accounts.view_apikey",
    # To revoke it.
    "accounts.delete_apikey",
    *(f"webhooks.{verb}_webhook" for verb in ("view", "add", "change", "delete")),
    "webhooks.view_delivery",
    # To resend it. The page cannot change anything else.
    "webhooks.change_delivery",
    "axes.view_accessattempt",
    "axes.delete_accessattempt",
}
PERMISSIONS_OF_TYPE: dict[str, set[str]] = {
    UserType.CUSTOMER: set(),
    UserType.AGENT: PERMISSIONS_OF_AGENTS,
    UserType.ADMIN: PERMISSIONS_OF_ADMINS,
}


class RoleBackend(ModelBackend):
    """Authenticate by e-mail address and password, and derive admin permissions from the user's type.

    Every sign-in, and every check of a current password, goes through here.
    """

    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **kwargs: Any
    ) -> User | None:
        # axes, which comes first, requires a request.
        request = cast(HttpRequest, request)
        attempt = budgets.start(request, email=username or "")
        user = super().authenticate(request, username, password, **kwargs)
        if user is not None:
            attempt.give_back()
            devices.remember(request, user)
        return user

    def get_group_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        granted: set[str] = super().get_group_permissions(user_obj, obj)
        if obj is not None or not isinstance(user_obj, User) or not user_obj.is_active:
            return granted
        return granted | PERMISSIONS_OF_TYPE[user_obj.type]


class IsAdmin(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated and request.user.is_admin)


class IsStaff(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated and request.user.is_staff)


def caller(request: Request) -> User:
    """Return the signed-in user of an API request. The view's permissions must require one."""
    return cast(User, request.user)


def caller_if_any(request: Request) -> User | None:
    """Return the signed-in user of an API request, or None."""
    return caller(request) if request.user.is_authenticated else None


def staff_user(request: HttpRequest) -> User:
    """Return the signed-in user of an admin request. The admin admits only staff."""
    return cast(User, request.user)
