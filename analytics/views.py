"""HTTP endpoints of the analytics."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import IsAdmin, caller
from analytics import docs, queries
from analytics.serializers import (
    BoxOfficeSerializer,
    DashboardSerializer,
    HistorySerializer,
)
from kit.web.base import APIView


class HistoryView(APIView):
    @docs.ticket_analytics
    def get(self, request: Request) -> Response:
        chosen, limit, after = self.query["filter"], self.query["limit"], self.query.get("cursor")
        history = queries.history(viewer=caller(request), filter=chosen, page_size=limit, after=after)
        return Response(HistorySerializer(history).data)


class DashboardView(APIView):
    @docs.dashboard_analytics
    def get(self, request: Request) -> Response:
        dashboard = queries.dashboard(viewer=caller(request), **self.query)
        return Response(DashboardSerializer(dashboard).data)


class BoxOfficeView(APIView):
    permission_classes = [IsAdmin]

    @docs.box_office_analytics
    def get(self, request: Request) -> Response:
        figures = queries.box_office(**self.query)
        return Response(BoxOfficeSerializer(figures).data)
