"""Tickets in the admin: saved through the services, never deleted. Each module here is one page or part of a page."""

from django.contrib import admin

from tickets.admin.bulk_actions import BulkActions
from tickets.admin.change_page import ChangePage
from tickets.admin.conversation import ConversationPages
from tickets.admin.handing_over import HandOverPages
from tickets.admin.history_page import HistoryPage
from tickets.admin.label_pages import LabelPages
from tickets.admin.list_page import ListPage
from tickets.admin.macros import MacroAdmin, MacroPage
from tickets.admin.merging import MergePage
from tickets.admin.neighbours import NeighbourPages
from tickets.admin.side_panel import SidePanel
from tickets.admin.watching import WatchPages
from tickets.models import Ticket

__all__ = ["MacroAdmin", "TicketAdmin"]


@admin.register(Ticket)
class TicketAdmin(
    NeighbourPages,
    ListPage,
    BulkActions,
    HandOverPages,
    ChangePage,
    SidePanel,
    ConversationPages,
    HistoryPage,
    WatchPages,
    MergePage,
    MacroPage,
    LabelPages,
):
    """All pages of tickets."""
