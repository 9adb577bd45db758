"""Access to bookings with a manage token in a header."""

from typing import Any

from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from events.tokens import is_manage_token

HEADER = "X-Manage-Token"


class IsSignedInOrHoldsToken(BasePermission):
    """Let every token through: an invalid one gets a 404 for the booking."""

    def has_permission(self, request: Request, view: Any) -> bool:
        return bool(request.user.is_authenticated or HEADER in request.headers)


def holds_token(request: Request, booking_id: int) -> bool:
    return is_manage_token(request.headers.get(HEADER, ""), booking_id)
