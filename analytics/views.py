"""HTTP endpoints of the analytics."""

from rest_framework.request import Request

from accounts.permissions import IsAdmin, caller
from analytics import docs, queries, shapes
from kit.replicas.reading import from_replica
from kit.web.base import APIView
from kit.web.responses import Response


class HistoryView(APIView):
    @docs.ticket_analytics
    @from_replica
    def get(self, request: Request) -> Response:
        chosen, limit, after = self.query["filter"], self.query["limit"], self.query.get("cursor")
        history = queries.history(viewer=caller(request), filter=chosen, page_size=limit, after=after)
        return Response(shapes.history(history))


class DashboardView(APIView):
    @docs.dashboard_analytics
    @from_replica
    def get(self, request: Request) -> Response:
        dashboard = queries.dashboard(viewer=caller(request), **self.query)
        return Response(shapes.dashboard(dashboard))


class BoxOfficeView(APIView):
    permission_classes = [IsAdmin]

    @docs.box_office_analytics
    @from_replica
    def get(self, request: Request) -> Response:
        figures = queries.box_office(**self.query)
        return Response(shapes.box_office(figures))
