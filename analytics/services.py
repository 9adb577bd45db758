"""Maintenance of what is derived from the tickets: fold or rebuild it. Triggers keep it correct (sql/triggers).

And the weekly report: who wants it, and sending it.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import User, UserType
from analytics import reports
from analytics.models import ReportSubscription
from kit.db import sql
from kit.errors import Forbidden
from notifications.models import Kind
from notifications.services import notify


@dataclass(frozen=True)
class Folded:
    """The number of daily counts removed and the number written in their place."""

    removed: int
    written: int


def fold_daily_counts() -> Folded:
    """Add new daily counts to their months, and keep one row per cell and creator.

    Does not change any sum in any snapshot and does not block readers or writers. Does nothing while another
    transaction folds or rebuilds.
    """
    sql.row("analytics/fold_last_days")
    return Folded(**sql.row("analytics/fold_daily_counts"))


@transaction.atomic
def rebuild_daily_counts() -> Folded:
    """Count all tickets again, and find the last days of their creators. Waits for a running fold or rebuild.

    Does not block readers, nor writers except those that move tickets to other projects, for the second part. Reads
    every ticket twice. Only needed after the triggers were disabled, for example to restore the tickets table alone.
    """
    sql.rows("analytics/lock_daily_counts")
    rebuilt = Folded(**sql.row("analytics/rebuild_daily_counts"))
    sql.rows("analytics/lock_last_days")
    sql.row("analytics/rebuild_last_days")
    return rebuilt


def subscribe(*, by: User, at: datetime) -> None:
    """Send `by` the weekly report from the next Monday on.

    :raises Forbidden: `by` is not an admin.
    """
    if not by.is_admin:
        raise Forbidden
    monday = reports.monday_of_report(at)
    ReportSubscription.objects.get_or_create(user=by, defaults={"reported_on": monday})


def unsubscribe(*, by: User) -> None:
    """Send `by` no more weekly reports."""
    ReportSubscription.objects.filter(user=by).delete()


@transaction.atomic
def send_weekly_report(*, at: datetime) -> int:
    """Mail the report of last week to the subscribers who have not got it. Return their number.

    Workers running at the same time send it to each of them once.
    """
    monday = reports.monday_of_report(at)
    due = ReportSubscription.objects.filter(reported_on__lt=monday, user__type=UserType.ADMIN, user__is_active=True)
    # Locked without the users, whom signing in changes.
    found = list(due.select_related("user").select_for_update(skip_locked=True, of=("self",)))
    people = [subscription.user for subscription in found]
    if people:
        payload = reports.weekly(monday=monday, at=at)
        notify(kind=Kind.WEEKLY_REPORT, about=f"weekly-report/{monday}", users=people, payload=payload)
        ReportSubscription.objects.filter(user__in=people).update(reported_on=monday)
    return len(people)


def send_report_now(*, to: User, at: datetime) -> None:
    """Mail an admin the report of last week, besides the one on Monday.

    :raises Forbidden: `to` is not an active admin.
    """
    if not (to.is_admin and to.is_active):
        raise Forbidden
    payload = reports.weekly(monday=reports.monday_of_report(at), at=at)
    notify(kind=Kind.WEEKLY_REPORT, about=f"weekly-report/now/{at.isoformat()}", users=[to], payload=payload)
