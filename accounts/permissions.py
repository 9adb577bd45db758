"""What each type of person may do: in the Django admin by model permissions, in the API by these classes."""

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import Permission
from django.db.models import Q, QuerySet
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from accounts.models import User, UserType

# The admin's permissions by type; a superuser has them all. Nobody may delete a ticket, superusers included: the
# database refuses it.
MODELS_OF_AGENTS = Q(content_type__app_label__in=["tickets"]) & ~Q(codename__startswith="delete_ticket")
MODELS_OF_ADMINS = MODELS_OF_AGENTS | Q(content_type__app_label__in=["accounts", "projects"])


class RoleBackend(ModelBackend):
    """Signs in by e-mail and password, and derives the admin's permissions from the type of the user."""

    def _get_group_permissions(self, user_obj: User) -> QuerySet[Permission]:
        granted: QuerySet[Permission] = super()._get_group_permissions(user_obj)  # type: ignore[misc]
        if user_obj.type == UserType.ADMIN:
            return granted | Permission.objects.filter(MODELS_OF_ADMINS)
        if user_obj.type == UserType.AGENT:
            return granted | Permission.objects.filter(MODELS_OF_AGENTS | Q(codename__in=["view_user", "view_project"]))
        return granted


class IsAdmin(BasePermission):
    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated and request.user.is_admin)
