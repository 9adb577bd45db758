"""Security headers of every response: who may store it, and what a page may load."""

from collections.abc import Callable
from typing import Any

from corsheaders import middleware as cors
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.utils.cache import patch_vary_headers

from kit.web.paths import is_in_admin

SAFE_METHODS = {"GET", "HEAD", "OPTIONS"}
POLICY = "Content-Security-Policy"
# For everything except pages: load nothing, and do not be framed.
NO_CONTENT_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"


def vary_on(response: HttpResponseBase, name: str) -> None:
    """Declare that the response depends on this header of the request."""
    if "Vary" in response.headers:
        patch_vary_headers(response, [name])
    else:
        response.headers["Vary"] = name


def keep_private(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[..., HttpResponseBase]:
    """Forbid storing responses that contain a token or are meant for one person.

    These are all responses to callers with credentials, to changes (only a `POST` returns tokens), and in the admin.
    Public responses stay cacheable.
    """

    def middleware(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        is_signed_in = "HTTP_AUTHORIZATION" in request.META or "HTTP_X_MANAGE_TOKEN" in request.META
        if is_signed_in and "ETag" in response.headers:
            # The client may keep its copy but must revalidate it.
            response.headers["Cache-Control"] = "private, no-cache"
        elif is_signed_in or is_in_admin(request) or request.method not in SAFE_METHODS:
            response.headers["Cache-Control"] = "no-store"
        return response

    return middleware


class CorsMiddleware(cors.CorsMiddleware):
    """Let pages of allowed origins read responses. Requests without an `Origin`, as most programs send, are cheaper."""

    def __call__(self, request: HttpRequest) -> Any:
        if "HTTP_ORIGIN" in request.META or is_in_admin(request):
            return super().__call__(request)
        response = self.get_response(request)
        vary_on(response, "origin")  # type: ignore[arg-type]
        return response


class ContentSecurityPolicyMiddleware(CSPMiddleware):
    """Add a Content-Security-Policy: the site's or the admin's to pages, and one that allows nothing to the rest."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith("text/html"):
            return super().process_response(request, response)
        response.headers.setdefault(POLICY, NO_CONTENT_POLICY)
        return response

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if not report_only and parts.config is None and is_in_admin(request):
            parts.config = settings.ADMIN_CONTENT_SECURITY_POLICY
        return parts


class ApiSecurityMiddleware:
    """Secure the API's responses as the middleware of pages does those that are no pages.

    Their headers are all the same, so they are computed once.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.security = SecurityMiddleware(get_response)
        self.plain, self.secure = self._headers(HttpRequest()), self._headers(_SecureRequest())

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.security.process_request(request) or self.get_response(request)
        for name, value in (self.secure if request.is_secure() else self.plain).items():
            response.headers.setdefault(name, value)
        return response

    def _headers(self, request: HttpRequest) -> dict[str, str]:
        response = self.security.process_response(request, HttpResponse(headers={POLICY: NO_CONTENT_POLICY}))
        response = XFrameOptionsMiddleware(self.get_response).process_response(request, response)
        return {name: value for name, value in response.headers.items() if name != "Content-Type"}


class _SecureRequest(HttpRequest):
    scheme = "https"
