"""Security headers of every response: who may store it, and what a page may load."""

from collections.abc import Callable
from typing import Any

from corsheaders import middleware as cors
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils.cache import patch_vary_headers

from kit.web.pages import api_segments, first_segment
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

    def process_request(self, request: HttpRequest) -> None:
        # The API has no pages, which alone need a nonce.
        if first_segment(request.path_info) not in api_segments():
            super().process_request(request)

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
