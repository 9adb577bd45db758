"""Saved filters over HTTP."""

from rest_framework import status
from rest_framework.request import Request

from accounts.permissions import caller
from kit.idempotency.views import idempotent
from kit.web import paging
from kit.web.base import ViewSet
from kit.web.bodies import read
from kit.web.responses import Response
from tickets.models import SavedFilter
from tickets.saved_filters import docs, queries, services
from tickets.saved_filters.serializers import NewFilterSerializer, ReplacedFilterSerializer


class FilterViewSet(ViewSet):
    @docs.list_filters
    def list(self, request: Request) -> Response:
        limit, after = self.query["limit"], self.query.get("cursor", ("", 0))
        found = queries.saved_filters(viewer=caller(request), after=after, limit=limit + 1)
        page = paging.page(found, limit=limit, key=lambda row: (row["name"], row["id"]))
        items = [{key: row[key] for key in ("id", "name", "query", "shared")} for row in page.items]
        return Response({"items": items, "nextCursor": page.nextCursor})

    @docs.save_filter
    @idempotent
    def create(self, request: Request) -> Response:
        saved = services.create(**read(NewFilterSerializer, request), by=caller(request))
        return Response(_body(saved), status=status.HTTP_201_CREATED)

    @docs.replace_filter
    def update(self, request: Request, filter_id: int) -> Response:
        saved = services.update(filter_id=filter_id, **read(ReplacedFilterSerializer, request), by=caller(request))
        return Response(_body(saved))

    @docs.delete_filter
    @idempotent
    def destroy(self, request: Request, filter_id: int) -> Response:
        services.delete(filter_id=filter_id, by=caller(request))
        return Response(status=status.HTTP_204_NO_CONTENT)


def _body(saved: SavedFilter) -> dict[str, object]:
    return {"id": saved.pk, "name": saved.name, "query": saved.query, "shared": saved.is_shared}
