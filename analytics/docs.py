"""OpenAPI descriptions of the analytics endpoints, as decorators for the views."""

from analytics import examples
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
from kit.web.fields import MomentField

INVALID_DATES: list[Refusal] = [
    invalid(startDate=str(MomentField.default_error_messages["invalid"])),
    invalid(start_at=START_AFTER_END),
]

ticket_analytics = describes(
    "Count and list tickets",
    name="getTicketAnalytics",
    more="Covers the tickets you are allowed to see. The filters apply to all counts and to the list; `limit` and "
    "`cursor` only page the list.",
    query=HistoryFilterSerializer,
    answers={200: (HistorySerializer, examples.TICKET_ANALYTICS)},
    refusals=INVALID_DATES,
)

dashboard_analytics = describes(
    "Count tickets, with averages per day and per customer",
    name="getDashboardAnalytics",
    more="Covers the tickets you are allowed to see. The filters apply to all numbers.",
    query=TicketFilterSerializer,
    answers={200: (DashboardSerializer, examples.DASHBOARD)},
    refusals=INVALID_DATES,
)

box_office_analytics = describes(
    "Get box office sales",
    name="getBoxOfficeAnalytics",
    more="Admins only. Totals for the period, per day, and per event with any sales activity in the period. Days are "
    "counted in the offset of `startDate`, or else of `endDate`, or else in UTC. The numbers come from the ledger, so "
    "refunds and price changes never alter past days. Money is given per currency.",
    query=BoxOfficeFilterSerializer,
    answers={200: (BoxOfficeSerializer, examples.BOX_OFFICE)},
    refusals=[Forbidden, *INVALID_DATES, invalid(startDate=TOO_MANY_DAYS), paging.BAD_CURSOR],
)
