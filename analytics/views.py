"""HTTP endpoints of the analytics."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import IsAdmin, caller
from analytics import docs, queries
from analytics.serializers import (
    BoxOfficeFilterSerializer,
    BoxOfficeSerializer,
    DashboardSerializer,
    HistoryFilterSerializer,
    HistorySerializer,
    TicketFilterSerializer,
)
from kit.web.base import APIView
from kit.web.bodies import read_query


class HistoryView(APIView):
    @docs.ticket_analytics
    def get(self, request: Request) -> Response:
        query = read_query(HistoryFilterSerializer, request)
        history = queries.history(
            viewer=caller(request), filter=query["filter"], page_size=query["limit"], after=query.get("cursor")
        )
        return Response(HistorySerializer(history).data)


class DashboardView(APIView):
    @docs.dashboard_analytics
    def get(self, request: Request) -> Response:
        query = read_query(TicketFilterSerializer, request)
        dashboard = queries.dashboard(viewer=caller(request), filter=query["filter"])
        return Response(DashboardSerializer(dashboard).data)


class BoxOfficeView(APIView):
    permission_classes = [IsAdmin]

    @docs.box_office_analytics
    def get(self, request: Request) -> Response:
        figures = queries.box_office(**read_query(BoxOfficeFilterSerializer, request))
        return Response(BoxOfficeSerializer(figures).data)
