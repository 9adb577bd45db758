"""`ETag`, `If-None-Match` and `If-Match` (RFC 9110): cheap rereads, and no stale edits.

A tag is the version and a hash of the whole body, `"3-5f0c9a1e2b7d4836"`, so it also changes when the body includes
data of another record, such as a user's name. A write needs only the version. A body without a version is tagged
with the hash alone.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import orjson
from django.http import HttpResponseBase
from django.utils.cache import get_conditional_response
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

# Our own tag or the weak form that compressing proxies turn it into, with or without quotes, or the version alone.
TAG = re.compile(r'(?:W/)?("?)([0-9]{1,10})(?:-[0-9a-f]+)?\1')


def versioned(handler: Callable[..., Response]) -> Callable[..., Any]:
    """Decorate a view method that returns one record: add its `ETag`, and return 304 for a body the client has."""

    @wraps(handler)
    def answer_with_tag(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = handler(view, request, *args, **kwargs)
        response["ETag"] = _tag(response.data)
        return _not_modified(request, response) or response

    answer_with_tag.is_versioned = True  # type: ignore[attr-defined]
    return answer_with_tag


def _tag(body: Any) -> str:
    digest = hashlib.blake2b(orjson.dumps(body), digest_size=8).hexdigest()
    return f'"{body["version"]}-{digest}"' if "version" in body else f'"{digest}"'


def _not_modified(request: Request, response: Response) -> HttpResponseBase | None:
    if request.method not in ("GET", "HEAD") or "If-None-Match" not in request.headers:
        return None
    conditional = get_conditional_response(request._request, etag=response["ETag"], response=response)
    # Django also evaluates If-Match and If-Unmodified-Since, which reads ignore here.
    return conditional if conditional and conditional.status_code == status.HTTP_304_NOT_MODIFIED else None


@dataclass(frozen=True)
class Expected:
    """The versions of a record that a change is meant for."""

    versions: frozenset[int]
    # True if the versions come from If-Match: another one is then a failed precondition (412), not a conflict (409).
    is_precondition: bool


def expected(request: Request, body_version: int | None) -> Expected | None:
    """Return the versions that the change is meant for, or None for any version.

    `If-Match` takes precedence over the version in the body. A header without a valid tag matches no version.
    """
    header = request.headers.get("If-Match")
    if header is None:
        return None if body_version is None else Expected(frozenset([body_version]), is_precondition=False)
    tags = [tag.strip() for tag in header.split(",")]
    if "*" in tags:
        return None
    versions = frozenset(int(match[2]) for match in map(TAG.fullmatch, tags) if match)
    return Expected(versions, is_precondition=True)
