"""Analytics in raw SQL: one statement per answer, so all of its numbers come from the same snapshot.

The files in sql/ define what is counted; the serializers define names and rounding.
"""

from analytics.queries.box_office import (
    BoxOffice,
    Money,
    SeatCounts,
    SoldDay,
    SoldEvent,
    UpcomingEvent,
    box_office,
    upcoming_events,
)
from analytics.queries.faults import Fault, LastDayFault, daily_count_faults, last_day_faults
from analytics.queries.overview import COUNT_LIMIT, AllTimes, Desk, Times, desk, times
from analytics.queries.tickets import (
    Dashboard,
    Figures,
    History,
    ListedTicket,
    Position,
    TicketFilter,
    dashboard,
    history,
)

__all__ = [
    "COUNT_LIMIT",
    "AllTimes",
    "BoxOffice",
    "Dashboard",
    "Desk",
    "Fault",
    "Figures",
    "History",
    "LastDayFault",
    "ListedTicket",
    "Money",
    "Position",
    "SeatCounts",
    "SoldDay",
    "SoldEvent",
    "TicketFilter",
    "Times",
    "UpcomingEvent",
    "box_office",
    "daily_count_faults",
    "dashboard",
    "desk",
    "history",
    "last_day_faults",
    "times",
    "upcoming_events",
]
