"""Access to bookings with a manage token in a header."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from events.services import BookingNotFound
from events.tokens import is_manage_token

HEADER = "X-Manage-Token"
META_NAME = "HTTP_X_MANAGE_TOKEN"


class IsSignedInOrHoldsToken(BasePermission):
    """Refuse an invalid token here, before a stored response to an earlier request could be repeated."""

    def has_permission(self, request: Request, view: Any) -> bool:
        if request.user.is_authenticated:
            return True
        if META_NAME in request.META and not holds_token(request, view.kwargs["booking_id"]):
            raise BookingNotFound
        return META_NAME in request.META


def holds_token(request: Request, booking_id: int) -> bool:
    return is_manage_token(request.META.get(META_NAME, ""), booking_id)
