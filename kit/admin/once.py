"""Admin forms act once: a second POST of the same form gets the redirect and the messages of the first.

A form's key is made of its CSRF token, which differs each time a page is shown, and of everything that was filled in.
Keys are stored like the API's, in the transaction that does the work. A form that is shown again with errors, or that
leads to nothing but warnings, does not use up its key. A form in a pop-up window ends with a page instead of a
redirect: a script that hands the new object to the window that opened it.
"""

import re
import time
from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from django.conf import settings
from django.contrib import admin, messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeData, SafeString

from kit.admin.refusals import InUse, database_errors_as_refusals
from kit.admin.requests import error_page
from kit.idempotency.keys import Key, StillRunning, claim, digest, forget, keep
from kit.idempotency.models import IdempotencyKey

TOKEN = "csrfmiddlewaretoken"  # noqa: S105  The name of a field.
# Signing in changes the session, which is not repeated.
EXEMPT_VIEWS = {"admin:login", "admin:logout"}
RUNNING = HTTPStatus.ACCEPTED
STILL_RUNNING = "This form was already sent and is still being processed. Reload the page in a moment."
INTERRUPTED = "This form was already sent. It is still being processed, or was interrupted."
# As long as `lock_timeout`.
WAIT_SECONDS = 3
# The field in which kit/static/kit/drafts.js names the draft of a form, and the stamp of what was typed.
DRAFT = "_draft"
DRAFT_AND_STAMP = re.compile(r"([\w.-]{1,100})~(\w{1,40})", re.ASCII)
# Kept until the next page of the admin, which removes the draft.
DRAFT_COOKIE_SECONDS = 3600
# Limit of messages that are repeated. Each is a sentence or two, so they fit into what is stored with a key.
MAX_MESSAGES = 10

View = TypeVar("View", bound=Callable[..., Any])


class OnceMiddleware:
    """Run the view of a POST under /admin/ once for each form.

    A middleware, not a mix-in of the model admins, so that no page can forget it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        key = _key_of(request)
        if key is None:
            return None
        run = _run_in_steps if getattr(view, "is_in_steps", False) else _run
        try:
            with database_errors_as_refusals():
                response = run(request, lambda: view(request, *args, **kwargs), key, timezone.now())
        except StillRunning:
            return _go_back(request, STILL_RUNNING)
        except InUse as refusal:
            # At commit, after the view has reported success.
            _queued(request).clear()
            return _go_back(request, f"{refusal.message}.")
        except Exception as error:
            # Django passes no error of `process_view` to other middlewares.
            if page := error_page(request, error):
                return page
            raise
        if _is_done(request, response):
            _release_draft(request, response)
        return response


def in_steps(view: View) -> View:
    """Mark a view that does its work in several transactions, which can only store its key before it starts."""
    view.is_in_steps = True  # type: ignore[attr-defined]
    return view


def _key_of(request: HttpRequest) -> Key | None:
    match = request.resolver_match
    if request.method != "POST" or not match or match.app_name != "admin" or match.view_name in EXEMPT_VIEWS:
        return None
    token = request.POST.get(TOKEN)
    if not token or not admin.site.has_permission(request):
        return None
    body = orjson.dumps({name: values for name, values in request.POST.lists() if name != TOKEN})
    sender = orjson.dumps([request.user.pk, token, request.get_full_path()])
    return Key(digest(sender + body), digest(body))


def _run(request: HttpRequest, act: Callable[[], HttpResponse], key: Key, at: datetime) -> HttpResponse:
    with transaction.atomic():
        first = claim(key, at=at)
        if first:
            return _repeat(request, first)
        response = act()
        if _is_done(request, response):
            keep(key, at=at, **_to_keep(request, response))
        return response


def _run_in_steps(request: HttpRequest, act: Callable[[], HttpResponse], key: Key, at: datetime) -> HttpResponse:
    with transaction.atomic():
        first = claim(key, at=at)
        if first is None:
            keep(key, status=RUNNING, at=at)
    if first:
        return _repeat(request, _finished(first))
    try:
        response = act()
    except BaseException:
        forget(key)
        raise
    with transaction.atomic():
        forget(key)
        if _is_done(request, response):
            keep(key, at=at, **_to_keep(request, response))
    return response


def _finished(first: IdempotencyKey) -> IdempotencyKey:
    """Wait for the end of a first request that runs in steps, as others wait for its lock. Give up after a while."""
    deadline = time.monotonic() + WAIT_SECONDS
    while first.status == RUNNING and time.monotonic() < deadline:
        time.sleep(0.1)
        first = IdempotencyKey.objects.filter(pk=first.pk).first() or first
    return first


def _is_done(request: HttpRequest, response: HttpResponse) -> bool:
    levels = [message.level for message in _queued(request)]
    ends = isinstance(response, HttpResponseRedirect) or _closes_popup(response)
    return ends and min(levels, default=messages.INFO) < messages.WARNING


def _closes_popup(response: HttpResponse) -> bool:
    context = response.context_data if isinstance(response, TemplateResponse) else None
    return "popup_response_data" in (context or {})


def _release_draft(request: HttpRequest, response: HttpResponse) -> None:
    """Tell the browser that it can forget the draft of this form."""
    if draft := DRAFT_AND_STAMP.fullmatch(request.POST.get(DRAFT, "")):
        name, stamp = draft.groups()
        # Read by a script.
        response.set_cookie(
            f"sent.{name}",
            stamp,
            max_age=DRAFT_COOKIE_SECONDS,
            secure=settings.SESSION_COOKIE_SECURE,
            samesite="Lax",
        )


def _to_keep(request: HttpRequest, response: HttpResponse) -> dict[str, Any]:
    if isinstance(response, TemplateResponse):
        return {"status": response.status_code, "body": response.render().content}
    said = [
        [message.level, str(message.message), message.extra_tags or "", isinstance(message.message, SafeData)]
        for message in _queued(request)[:MAX_MESSAGES]
    ]
    return {
        "status": response.status_code,
        "body": orjson.dumps(said),
        "headers": {"Location": response.headers["Location"]},
    }


def _queued(request: HttpRequest) -> list[Any]:
    """Return the messages that this request has added."""
    storage: Any = messages.get_messages(request)
    queued: list[Any] = storage._queued_messages
    return queued


def _repeat(request: HttpRequest, first: IdempotencyKey) -> HttpResponse:
    if first.status == RUNNING:
        return _go_back(request, INTERRUPTED)
    if first.status == HTTPStatus.OK:
        return HttpResponse(first.body)
    for level, text, tags, is_safe in orjson.loads(first.body):
        messages.add_message(request, level, SafeString(text) if is_safe else text, tags)
    return HttpResponseRedirect(first.headers["Location"])


def _go_back(request: HttpRequest, warning: str) -> HttpResponse:
    messages.warning(request, warning)
    return HttpResponseRedirect(request.get_full_path())
