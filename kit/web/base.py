"""The base classes of all views."""

from functools import cache, partial
from typing import Any

import pghistory
from django.http import HttpRequest
from django.utils.datastructures import MultiValueDict
from rest_framework import exceptions, views
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.viewsets import ViewSetMixin

from kit.activity.lists import SinceSerializer, has_since, read_changed
from kit.web.bodies import StrictJSONParser
from kit.web.query_strings import read_query
from kit.web.waiting import WAITS_UNTIL


class _Request(Request):
    """DRF's request, which reads JSON without comparing media types first. That takes longer than reading."""

    def _parse(self) -> tuple[Any, Any]:
        if self.META.get("CONTENT_TYPE") == StrictJSONParser.media_type:
            try:
                return _instance(StrictJSONParser).parse(self._request), MultiValueDict()
            except exceptions.ParseError:
                # The body may be missing; and DRF makes a note of a malformed one.
                pass
        parsed: tuple[Any, Any] = super()._parse()  # type: ignore[misc]
        return parsed


class APIView(views.APIView):
    """A view that counts every request against its rate limit, even if it is then refused.

    DRF checks rate limits last, so a request with a bad token or without permission would not count.
    """

    # The validated query string of a call that `describes` describes.
    query: dict[str, Any]

    def get_authenticators(self) -> list[BaseAuthentication]:
        return _instances(self.authentication_classes)

    def get_permissions(self) -> list[BasePermission]:
        return _instances(self.permission_classes)

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        """Wrap Django's request. What DRF would look up in it through `__getattr__` each time is set here."""
        wrapped = _Request(
            request,
            parsers=_instances(self.parser_classes),
            authenticators=self.get_authenticators(),
            negotiator=self.get_content_negotiator(),
            parser_context=self.get_parser_context(request),
        )
        wrapped.method, wrapped.META = request.method, request.META
        return wrapped

    def perform_content_negotiation(self, request: Request, force: bool = False) -> tuple[BaseRenderer, str]:
        """Choose JSON, whatever the client accepts."""
        (renderer,) = _instances(self.renderer_classes)
        return renderer, renderer.media_type

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the query string last, before the call begins."""
        super().initial(request, *args, **kwargs)
        handler = getattr(self, getattr(self, "action", None) or str(request.method).lower(), None)
        if shape := getattr(handler, "query", None):
            if issubclass(shape, SinceSerializer) and has_since(request):
                self.query = read_changed(shape, request)
            else:
                self.query = read_query(shape, request, is_strict=True)

    def perform_authentication(self, request: Request) -> None:
        """Authenticate and count the request: by user, or by address if nobody is signed in.

        History names the user as the author of changes. Then let the credential refuse the request: an API key may be
        limited to reading. A request that has waited for news was counted before.
        """
        if WAITS_UNTIL in request.META:
            super().perform_authentication(request)
            return
        try:
            super().perform_authentication(request)
        except exceptions.APIException:
            # DRF has set the user to anonymous.
            super().check_throttles(request)
            raise
        if request.user.is_authenticated:
            pghistory.context(user=request.user.pk)
        super().check_throttles(request)
        if hasattr(request.auth, "check_method"):
            request.auth.check_method(request.method)

    def count_more(self, request: Request, number: int) -> None:
        """Count a request that does the work of several as `number` more, or as many as its limit has left."""
        if number > 0:
            for throttle in self.get_throttles():
                throttle.count(request, number)  # type: ignore[attr-defined]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Return the response with the state of its rate limit, and part the objects of the request once it is sent.

        They refer to each other, so only the garbage collector would find them, which takes longer than the view.
        """
        final: Any = super().finalize_response(request, response, *args, **kwargs)
        for name, value in getattr(request._request, "rate_limit_headers", {}).items():
            final[name] = value
        final._resource_closers.append(partial(_part, self, request, final))
        return final

    def id_in(self, body: Any) -> int:
        """Return the id of the object in a response body, for `retrieve` (kit/idempotency/views.py)."""
        return int(body["id"])

    def check_throttles(self, request: Request) -> None:
        """Do nothing: DRF calls this after the permission checks, when the request has already been counted."""


def _instances(classes: Any) -> list[Any]:
    """Return an instance of each class, the same one for all requests. They keep no state."""
    return [_instance(each) for each in classes]


@cache
def _instance(kind: Any) -> Any:
    return kind()


def _part(view: APIView, request: Request, response: Any) -> None:
    vars(view).clear()
    request.parser_context.clear()
    # Only DRF's own responses have one.
    getattr(response, "renderer_context", {}).clear()


class ViewSet(ViewSetMixin, APIView):
    """Views that share a class, one method each."""
