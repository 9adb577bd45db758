"""Compress responses, except those that contain a token."""

import re

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django_http_compression.middleware import HttpCompressionMiddleware

from kit.web.headers import vary_on

MIN_BYTES = 1024
# What signing in or booking as a guest returns. Compressing a secret together with text that an attacker chooses can
# reveal it (BREACH). Text that users write does not match, because JSON escapes its quotes.
TOKEN = re.compile(rb'"(token|refresh|manageToken)":')


class CompressionMiddleware(HttpCompressionMiddleware):
    """Compress with zstd, Brotli or gzip, whichever the client prefers.

    A compressed response has a weak `ETag`; kit/web/etags.py compares tags by version. Forms need no exception, because
    Django's CSRF tokens look different in every response.
    """

    content_type_re = re.compile(r"text/|application/([\w.-]+\+)?(json|xml)$|application/javascript$|image/svg\+xml$")
    # Random padding, another protection against BREACH. It would add a header to every response.
    max_random_bytes = 0

    def maybe_compress(self, request: HttpRequest, response: HttpResponseBase) -> None:
        if isinstance(response, HttpResponse) and not _is_worth_it(request, response):
            return
        vary_on(response, "Accept-Encoding")
        if "HTTP_ACCEPT_ENCODING" in request.META:
            super().maybe_compress(request, response)


def _is_worth_it(request: HttpRequest, response: HttpResponse) -> bool:
    if len(response.content) < MIN_BYTES:
        return response.status_code == 304
    # Only POST returns tokens. The API's description merely names them.
    return not (request.method == "POST" and TOKEN.search(response.content))
