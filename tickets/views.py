"""Tickets, their assignees and their comments over HTTP."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.http import StreamingHttpResponse
from django.utils import timezone
from rest_framework import status
from rest_framework.request import Request

from accounts.permissions import caller
from kit.activity import lists
from kit.idempotency.views import idempotent, repeatable
from kit.replicas.reading import from_replica
from kit.web import csv_export, paging
from kit.web.base import ViewSet
from kit.web.bodies import read
from kit.web.etags import ExpectedVersionSerializer, expected, read_change, versioned
from kit.web.responses import Response
from tickets import batches, docs, exports, queries, selection, services, shapes
from tickets.serializers import (
    NAME_OF_ORDERING,
    AssignSerializer,
    HoldSerializer,
    MergeSerializer,
    NewCommentSerializer,
    NewTicketSerializer,
    NewTrackerTicketSerializer,
    ReplacedTicketSerializer,
    TicketPatchSerializer,
)


class TicketViewSet(ViewSet):
    @docs.list_tickets
    def list(self, request: Request) -> Response:
        return self._list_changed(request) if "updatedSince" in self.query else self._list(request)

    @from_replica
    def _list(self, request: Request) -> Response:
        limit, chosen = self.query.pop("limit"), self.query.pop("chosen")
        found = queries.tickets(viewer=caller(request), **self.query, limit=limit + 1, at=timezone.now())
        included = selection.included(found[:limit], chosen, caller(request))
        name = NAME_OF_ORDERING[self.query["ordering"]]
        page = paging.page(
            found,
            limit=limit,
            key=lambda row: (name, row["place"], row["id"]),
            texts=lambda row: selection.texts(row, included[row["id"]]),
        )
        return _page(page, chosen, included)

    def _list_changed(self, request: Request) -> Response:
        included: dict[int, queries.Row] = {}
        page = lists.page(
            "ticket",
            self.query,
            lambda ids: queries.seen_by_id(viewer=caller(request), ids=ids),
            prepare=lambda rows: included.update(selection.included(rows, self.query, caller(request))),
            texts=lambda row: selection.texts(row, included[row["id"]]),
        )
        return _page(page, self.query, included)

    @docs.export_tickets
    def export(self, request: Request) -> StreamingHttpResponse:
        content = exports.tickets(viewer=caller(request), **self.query, at=timezone.now())
        return csv_export.answer("tickets", content, user_id=caller(request).pk)

    @docs.create_ticket
    @idempotent
    @versioned
    def create(self, request: Request) -> Response:
        return _create(request, NewTicketSerializer)

    @docs.create_project_ticket
    @idempotent
    @versioned
    def create_in_project(self, request: Request) -> Response:
        return _create(request, NewTrackerTicketSerializer)

    @docs.batch_tickets
    @repeatable
    def batch(self, request: Request) -> Response:
        items = list(batches.items_of(request))
        self.count_more(request, batches.work(items) - 1)
        return Response({"items": batches.results(items, by=caller(request))})

    @docs.get_ticket
    @versioned
    def retrieve(self, request: Request, ticket_id: int) -> Response:
        response = _detail(request, ticket_id, must_be_visible=True)
        if not self.query:
            return response
        included = selection.included([response.data], self.query, caller(request))
        chosen = selection.choose(response.data, self.query, included[response.data["id"]])
        return Response(chosen)

    @docs.replace_ticket
    @versioned
    def update(self, request: Request, ticket_id: int) -> Response:
        return _update(request, ticket_id, ReplacedTicketSerializer)

    @docs.change_ticket
    @versioned
    def partial_update(self, request: Request, ticket_id: int) -> Response:
        return _update(request, ticket_id, TicketPatchSerializer)

    @docs.hold_ticket
    @idempotent
    @versioned
    def hold(self, request: Request, ticket_id: int) -> Response:
        change = read_change(HoldSerializer, request)
        services.hold(ticket_id=ticket_id, **change, by=caller(request), at=timezone.now())
        return _detail(request, ticket_id)

    @docs.resume_ticket
    @idempotent
    @versioned
    def resume(self, request: Request, ticket_id: int) -> Response:
        change = read_change(ExpectedVersionSerializer, request)
        services.resume(ticket_id=ticket_id, **change, by=caller(request), at=timezone.now())
        return _detail(request, ticket_id)

    @docs.merge_ticket
    @idempotent
    @versioned
    def merge(self, request: Request, ticket_id: int) -> Response:
        change = read_change(MergeSerializer, request)
        target = services.merge(ticket_id=ticket_id, **change, by=caller(request), at=timezone.now())
        return _detail(request, target.pk)

    @docs.assign_user
    @idempotent
    def assign(self, request: Request, ticket_id: int) -> Response:
        services.assign(ticket_id=ticket_id, **read_change(AssignSerializer, request), by=caller(request))
        return Response({"message": "User assigned successfully"})

    @docs.unassign_user
    @idempotent
    def unassign(self, request: Request, ticket_id: int, user_id: int) -> Response:
        services.unassign(ticket_id=ticket_id, user_id=user_id, by=caller(request), expected=expected(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.watch_ticket
    def watch(self, request: Request, ticket_id: int) -> Response:
        services.watch(ticket_id=ticket_id, by=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.unwatch_ticket
    @idempotent
    def unwatch(self, request: Request, ticket_id: int) -> Response:
        services.unwatch(ticket_id=ticket_id, by=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)

    @docs.get_history
    def history(self, request: Request, ticket_id: int) -> Response:
        if not queries.is_visible(ticket_id=ticket_id, viewer=caller(request)):
            raise services.TicketNotFound
        limit, (before_id,) = self.query["limit"], self.query.get("cursor", [None])
        found = queries.history(ticket_id=ticket_id, before_id=before_id, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda item: (item.id,), texts=queries.Item.texts)
        return Response({"items": [shapes.history_item(item) for item in page.items], "nextCursor": page.nextCursor})


class LabelViewSet(ViewSet):
    @docs.list_labels
    @from_replica
    def list(self, request: Request) -> Response:
        limit, (after,) = self.query["limit"], self.query.get("cursor", [""])
        found = queries.labels(viewer=caller(request), after=after, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda label: (label["name"],), texts=lambda label: [label["name"]])
        return Response({"items": page.items, "nextCursor": page.nextCursor})


class CommentViewSet(ViewSet):
    @docs.list_comments
    def list(self, request: Request, ticket_id: int) -> Response:
        limit, (after_id,) = self.query["limit"], self.query.get("cursor", [0])
        found = queries.comments(ticket_id=ticket_id, viewer=caller(request), after_id=after_id, limit=limit + 1)
        if found is None:
            raise services.TicketNotFound
        page = paging.page(
            found,
            limit=limit,
            key=lambda comment: (comment["id"],),
            texts=lambda comment: [comment["message"]],
        )
        return Response({"items": page.items, "nextCursor": page.nextCursor})

    @docs.add_comment
    @idempotent
    def create(self, request: Request, ticket_id: int) -> Response:
        fields = read(NewCommentSerializer, request)
        comment = services.comment(ticket_id=ticket_id, by=caller(request), at=timezone.now(), **fields)
        return Response(shapes.comment(comment), status=status.HTTP_201_CREATED)

    def retrieve(self, request: Request, comment_id: int) -> Response:
        """Read a new comment again for a retry. It has no address of its own."""
        comment = queries.comment(comment_id=comment_id, viewer=caller(request))
        if comment is None:
            raise services.TicketNotFound
        return Response(comment)


def _create(request: Request, shape: Any) -> Response:
    now: dict[str, Any] = {"by": caller(request), "at": timezone.now()}
    created = services.create(**read(shape, request, faults=partial(services.new_faults, **now)), **now)
    (row,) = queries.tickets_by_id([created.pk])
    return Response(shapes.ticket(row), status=status.HTTP_201_CREATED)


def _update(request: Request, ticket_id: int, shape: Any) -> Response:
    change: dict[str, Any] = {"ticket_id": ticket_id, "by": caller(request), "at": timezone.now()}
    services.update(**change, **read_change(shape, request, faults=partial(services.change_faults, **change)))
    return _detail(request, ticket_id)


def _page(page: paging.Page[Any], chosen: Mapping[str, Any], included: Mapping[int, queries.Row]) -> Response:
    items = [selection.choose(shapes.ticket(row), chosen, included[row["id"]]) for row in page.items]
    return Response({"items": items, "nextCursor": page.nextCursor})


def _detail(request: Request, ticket_id: int, *, must_be_visible: bool = False) -> Response:
    """Answer with a ticket. Callers who have just changed it may see it in any case."""
    row = queries.ticket(
        ticket_id=ticket_id, viewer=caller(request), at=timezone.now(), must_be_visible=must_be_visible
    )
    if row is None:
        raise services.TicketNotFound
    return Response(shapes.detail(row))
