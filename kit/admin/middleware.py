"""Middleware of the admin only."""

from typing import Any

from django.conf import settings
from django.core.handlers.exception import convert_exception_to_response
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string

from kit.web.paths import is_in_admin


class AdminMiddleware:
    """Run the middleware of ADMIN_MIDDLEWARE, in its order, for requests to the admin. Others skip it.

    Works as Django does with MIDDLEWARE, for `process_view` and `process_exception` as well.
    """

    def __init__(self, get_response: Any) -> None:
        self.get_response = self.chain = get_response
        self.view_hooks: list[Any] = []
        self.exception_hooks: list[Any] = []
        for path in reversed(settings.ADMIN_MIDDLEWARE):
            middleware = import_string(path)(self.chain)
            self.chain = convert_exception_to_response(middleware)
            if hasattr(middleware, "process_view"):
                self.view_hooks.insert(0, middleware.process_view)
            if hasattr(middleware, "process_exception"):
                self.exception_hooks.append(middleware.process_exception)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        respond = self.chain if is_in_admin(request) else self.get_response
        response: HttpResponseBase = respond(request)
        return response

    def process_view(self, request: HttpRequest, *view: Any) -> HttpResponseBase | None:
        hooks = self.view_hooks if is_in_admin(request) else []
        return next((response for hook in hooks if (response := hook(request, *view))), None)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        hooks = self.exception_hooks if is_in_admin(request) else []
        return next((response for hook in hooks if (response := hook(request, exception))), None)
