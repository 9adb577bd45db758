"""The figures, over HTTP."""

from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts.permissions import caller
from analytics import examples, queries
from analytics.serializers import (
    DashboardSerializer,
    HistoryFilterSerializer,
    HistorySerializer,
    TicketFilterSerializer,
)
from ticketing.api import read_query
from ticketing.fields import MomentField
from ticketing.openapi import Refusal, describes, invalid
from ticketing.spans import START_AFTER_END

REFUSALS: list[Refusal] = [
    invalid(startDate=str(MomentField.default_error_messages["invalid"])),
    invalid(start_at=START_AFTER_END),
]


class HistoryView(APIView):
    @describes(
        "Count tickets and list them",
        name="getTicketAnalytics",
        more="Over the tickets that the caller may see. The parameters narrow every figure; `limit` and `cursor` page "
        "the list alone.",
        parameters=[HistoryFilterSerializer],
        answers={200: (HistorySerializer, examples.TICKET_ANALYTICS)},
        refusals=REFUSALS,
    )
    def get(self, request: Request) -> Response:
        query = read_query(HistoryFilterSerializer, request)
        history = queries.history(
            viewer=caller(request), filter=query["filter"], page_size=query["limit"], after=query.get("cursor")
        )
        return Response(HistorySerializer(history).data)


class DashboardView(APIView):
    @describes(
        "Count tickets, and average them over days and customers",
        name="getDashboardAnalytics",
        more="Over the tickets that the caller may see. The parameters narrow every figure.",
        parameters=[TicketFilterSerializer],
        answers={200: (DashboardSerializer, examples.DASHBOARD)},
        refusals=REFUSALS,
    )
    def get(self, request: Request) -> Response:
        query = read_query(TicketFilterSerializer, request)
        dashboard = queries.dashboard(viewer=caller(request), filter=query["filter"])
        return Response(DashboardSerializer(dashboard).data)
