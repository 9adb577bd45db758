"""The HTTP endpoint of the log."""

from typing import Any

from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request

from accounts.permissions import caller
from changes import docs, queries, shapes
from changes.models import ChangeType
from kit.web import paging
from kit.web.base import APIView
from kit.web.responses import Response
from kit.web.waiting import Wait


class Changes(APIView):
    permission_classes = [IsAuthenticated]

    @docs.list_changes
    def get(self, request: Request) -> Response:
        after, types = self.query.get("after"), self.query["types"] or ChangeType.values
        (position,) = after or (queries.end(),)
        items: list[Any] = []
        if after:
            page = queries.page(viewer=caller(request), after=position, types=types, limit=self.query["limit"])
            items, position = [shapes.item(item) for item in page.items], page.position
        response = Response({"items": items, "nextCursor": paging.encode(position)})
        if after and not items and page.is_last:
            response.wait = Wait(f"user {caller(request).pk}", self.query["wait"], types, position)
        return response
