"""Middleware that runs for some requests only: the API has its own, the admin has more than other pages."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

from kit.web.pages import api_segments, first_segment
from kit.web.paths import is_in_admin


class Chain:
    """Middleware around `get_response`, outermost first, as Django builds it from MIDDLEWARE."""

    def __init__(self, paths: Sequence[str], get_response: Any) -> None:
        self.respond = get_response
        self.view_hooks: list[Any] = []
        self.exception_hooks: list[Any] = []
        for path in reversed(paths):
            middleware = import_string(path)(self.respond)
            self.respond = convert_exception_to_response(middleware)
            if hasattr(middleware, "process_view"):
                self.view_hooks.insert(0, middleware.process_view)
            if hasattr(middleware, "process_exception"):
                self.exception_hooks.append(middleware.process_exception)


class Branch:
    """Run one of several chains, whichever is for the request."""

    def chain_for(self, request: HttpRequest) -> Chain:
        raise NotImplementedError

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = self.chain_for(request).respond(request)
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        hooks = self.chain_for(request).view_hooks
        return next((response for hook in hooks if (response := hook(request, *view))), None)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        hooks = self.chain_for(request).exception_hooks
        return next((response for hook in hooks if (response := hook(request, exception))), None)


class ApiOrPages(Branch):
    """Run API_MIDDLEWARE for the API's paths, and PAGE_MIDDLEWARE for all others."""

    def __init__(self, get_response: Any) -> None:
        self.api = Chain(settings.API_MIDDLEWARE, get_response)
        self.pages = Chain(settings.PAGE_MIDDLEWARE, get_response)

    def chain_for(self, request: HttpRequest) -> Chain:
        return self.api if first_segment(request.path_info) in api_segments() else self.pages


class AdminOnly(Branch):
    """Run ADMIN_MIDDLEWARE for requests to the admin. Others skip it."""

    def __init__(self, get_response: Any) -> None:
        self.admin = Chain(settings.ADMIN_MIDDLEWARE, get_response)
        self.others = Chain([], get_response)

    def chain_for(self, request: HttpRequest) -> Chain:
        return self.admin if is_in_admin(request) else self.others
