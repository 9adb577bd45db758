"""The base classes of all views."""

from typing import Any

from rest_framework import exceptions, views
from rest_framework.request import Request
from rest_framework.viewsets import ViewSetMixin

from kit.web.bodies import read_query


class APIView(views.APIView):
    """A view that counts every request against its rate limit, even if it is then refused.

    DRF checks rate limits last, so a request with a bad token or without permission would not count.
    """

    # The validated query string of a call that `describes` describes.
    query: dict[str, Any]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the query string last, before the call begins."""
        super().initial(request, *args, **kwargs)
        handler = getattr(self, getattr(self, "action", None) or str(request.method).lower(), None)
        if shape := getattr(handler, "query", None):
            self.query = read_query(shape, request, is_strict=True)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate and count the request: by user, or by address if nobody is signed in."""
        try:
            super().perform_authentication(request)
        except exceptions.APIException:
            # DRF has set the user to anonymous.
            super().check_throttles(request)
            raise
        super().check_throttles(request)

    def id_in(self, body: Any) -> int:
        """Return the id of the object in a response body, for `retrieve` (kit/idempotency/views.py)."""
        return int(body["id"])

    def check_throttles(self, request: Request) -> None:
        """Do nothing: DRF calls this after the permission checks, when the request has already been counted."""


class ViewSet(ViewSetMixin, APIView):
    """Views that share a class, one method each."""
