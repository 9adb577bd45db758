"""The figures, over HTTP."""

from rest_framework.request import Request
from rest_framework.response import Response

from accounts.permissions import IsAdmin, caller
from analytics import examples, queries
from analytics.serializers import (
    TOO_MANY_DAYS,
    BoxOfficeFilterSerializer,
    BoxOfficeSerializer,
    DashboardSerializer,
    HistoryFilterSerializer,
    HistorySerializer,
    TicketFilterSerializer,
)
from kit.dates import START_AFTER_END
from kit.errors import Forbidden
from kit.openapi.describe import Refusal, describes, invalid
from kit.web import paging
from kit.web.base import APIView
from kit.web.bodies import read_query
from kit.web.fields import MomentField

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


class BoxOfficeView(APIView):
    permission_classes = [IsAdmin]

    @describes(
        "Add up what the box office sold",
        name="getBoxOfficeAnalytics",
        more="For admins. By UTC day, and by event for those with any movement in the span. From the ledger: a refund "
        "or a new price changes no day that is past.",
        parameters=[BoxOfficeFilterSerializer],
        answers={200: (BoxOfficeSerializer, examples.BOX_OFFICE)},
        refusals=[Forbidden, *REFUSALS, invalid(startDate=TOO_MANY_DAYS), paging.BAD_CURSOR],
    )
    def get(self, request: Request) -> Response:
        figures = queries.box_office(**read_query(BoxOfficeFilterSerializer, request))
        return Response(BoxOfficeSerializer(figures).data)
