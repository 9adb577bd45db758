"""`ETag`, `If-None-Match` and `If-Match` (RFC 9110): cheap rereads, and no stale edits.

A tag is the version and a hash of the whole body, `"3-5f0c9a1e2b7d4836"`, so it also changes when the body includes
data of another record, such as a user's name. A write needs only the version. A body without a version is tagged
with the hash alone.
"""

import hashlib
import re
from collections.abc import Callable
from functools import wraps
from typing import Any, cast

import orjson
from django.http import HttpResponse, HttpResponseBase
from rest_framework import serializers, status
from rest_framework.request import Request

from kit.db.sql import MAX_ID
from kit.versions import Expected, PreconditionFailed
from kit.web.bodies import read
from kit.web.fields import IdField
from kit.web.responses import Response

# What servers add to a tag when they compress the body, such as `-gzip` (Apache) and `--gzip` (Jetty).
SUFFIX = r"(?:[-;:+]+[A-Za-z0-9]+)?"
# Our own tag or its weak form, with or without quotes, or the version alone.
TAG = re.compile(rf'(?:W/)?("?)([0-9]{{1,10}})(?:-[0-9a-f]+)?{SUFFIX}\1')
# Our own tag among others, without its suffix.
TAG_OF_COPY = re.compile(rf'"((?:[0-9]+-)?[0-9a-f]{{16}}){SUFFIX}"')


class ExpectedVersionSerializer(serializers.Serializer[Any]):
    """A body that can name the version being changed. `read_change` reads it."""

    version = IdField(
        min_value=1,
        max_value=MAX_ID,
        required=False,
        allow_null=True,
        help_text="Version being changed; 409 if a newer one exists.",
    )


def versioned(handler: Callable[..., HttpResponseBase]) -> Callable[..., Any]:
    """Decorate a view method that returns one record: add its `ETag`, and return 304 for a body the client has.

    A handler whose body is not all of the record, or that renders it, sets the tag itself.
    """

    @wraps(handler)
    def answer_with_tag(view: Any, request: Request, *args: Any, **kwargs: Any) -> HttpResponseBase:
        response = handler(view, request, *args, **kwargs)
        if "ETag" not in response:
            answer = cast(Response, response)
            answer["ETag"] = _tag(answer.data, answer.content)
        if request.method in ("GET", "HEAD") and _is_current(request, response["ETag"]):
            return HttpResponse(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": response["ETag"]})
        return response

    answer_with_tag.is_versioned = True  # type: ignore[attr-defined]
    return answer_with_tag


def tag(body: Any) -> str:
    """Return the `ETag` of a body."""
    return _tag(body, orjson.dumps(body))


def _tag(body: Any, text: bytes) -> str:
    digest = hashlib.blake2b(text, digest_size=8).hexdigest()
    return f'"{body["version"]}-{digest}"' if "version" in body else f'"{digest}"'


def _is_current(request: Request, current: str) -> bool:
    """Return whether the client's copy has this tag, weak or with a suffix."""
    header = request.META.get("HTTP_IF_NONE_MATCH", "")
    return header.strip() == "*" or current.strip('"') in TAG_OF_COPY.findall(header)


def read_change(shape: type[serializers.Serializer[Any]], request: Request, **options: Any) -> dict[str, Any]:
    """Return the validated body as `read` does, with the versions it is meant for as `expected`."""
    change = read(shape, request, **options)
    change["expected"] = expected(request, change.pop("version", None))
    return change


def expected(request: Request, body_version: int | None = None) -> Expected | None:
    """Return the versions that the change is meant for, or None for any version.

    `If-Match` takes precedence over the version in the body. A header without a valid tag matches no version.
    """
    header = request.META.get("HTTP_IF_MATCH")
    if header is None:
        return None if body_version is None else Expected(frozenset([body_version]))
    tags = [part.strip() for part in header.split(",")]
    if "*" in tags:
        return None
    return Expected(frozenset(int(match[2]) for match in map(TAG.fullmatch, tags) if match), PreconditionFailed)
