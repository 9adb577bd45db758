"""`ETag`, `If-None-Match` and `If-Match` (RFC 9110): who knows which version of a thing, and changes which.

A tag is the version and a hash of the whole body, `"3-5f0c9a1e2b7d4836"`: it changes also when only a name in it does.
To change a thing one needs to know its version alone. What has no version is tagged by the hash.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.utils.http import parse_etags
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

# Ours, weak as proxies make them that compress, or bare, or the version alone.
TAG = re.compile(r'(?:W/)?("?)([0-9]{1,10})(?:-[0-9a-f]+)?\1')


def versioned(handler: Callable[..., Response]) -> Callable[..., Response]:
    """Decorate a view's method that answers with one thing: the answer bears its tag, with its `version` if it has one.

    Who reads it and shows that tag has it already, and gets a 304.
    """

    @wraps(handler)
    def answer_with_tag(view: Any, request: Request, *args: Any, **kwargs: Any) -> Response:
        response = handler(view, request, *args, **kwargs)
        response["ETag"] = tag = _tag(response.data)
        is_read = request.method in ("GET", "HEAD")
        if is_read and _is_known(tag, request):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": tag})
        return response

    answer_with_tag.is_versioned = True  # type: ignore[attr-defined]
    return answer_with_tag


def _tag(body: Any) -> str:
    digest = hashlib.blake2b(orjson.dumps(body), digest_size=8).hexdigest()
    return f'"{body["version"]}-{digest}"' if "version" in body else f'"{digest}"'


def _is_known(tag: str, request: Request) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or tag in (each.removeprefix("W/") for each in known)


def expected_versions(request: Request) -> frozenset[int] | None:
    """The versions that `If-Match` names, none where it names nothing of ours; None when any will do."""
    header = request.headers.get("If-Match")
    if header is None:
        return None
    tags = [tag.strip() for tag in header.split(",")]
    if "*" in tags:
        return None
    return frozenset(int(match[2]) for match in map(TAG.fullmatch, tags) if match)
