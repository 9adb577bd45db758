"""Folding and rebuilding the daily counts."""

from decimal import Decimal

import pytest
from django.db import transaction

from accounts.models import User
from analytics import queries, services
from analytics.models import DailyCount
from analytics.services import Folded
from analytics.tests.threads import start_thread
from tickets.models import Ticket
from tickets.tests.factories import make_ticket


@pytest.mark.django_db
class TestFoldDailyCounts:
    def test_leaves_one_row_per_cell(self, owner: User) -> None:
        for price in (1, 2, 3):
            make_ticket(owner, price=Decimal(price))

        folded = services.fold_daily_counts()

        assert folded == Folded(removed=3, written=1)
        assert list(DailyCount.objects.values_list("tickets", "spent")) == [(3, 6)]

    def test_removes_cells_whose_sum_is_zero(self, owner: User) -> None:
        ticket = make_ticket(owner, type="bug", price=Decimal(1))
        Ticket.objects.filter(pk=ticket.pk).update(type="task")

        services.fold_daily_counts()

        assert list(DailyCount.objects.values_list("type", "tickets", "spent")) == [("task", 1, 1)]

    def test_does_nothing_the_second_time(self, owner: User) -> None:
        make_ticket(owner)
        make_ticket(owner)
        services.fold_daily_counts()

        assert services.fold_daily_counts() == Folded(removed=0, written=0)


@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestConcurrentFolds:
    def test_second_does_nothing_while_the_first_runs(self, owner: User) -> None:
        make_ticket(owner)
        make_ticket(owner)
        second: list[Folded] = []

        with transaction.atomic():
            first = services.fold_daily_counts()
            start_thread(lambda: second.append(services.fold_daily_counts())).join()

        assert (first.removed, second) == (2, [Folded(removed=0, written=0)])


@pytest.mark.django_db
class TestRebuildDailyCounts:
    def test_counts_the_tickets_again(self, owner: User) -> None:
        make_ticket(owner, price=Decimal(5))
        make_ticket(owner)
        DailyCount.objects.update(tickets=7, type="elsewhere")

        services.rebuild_daily_counts()

        assert queries.daily_count_faults() == []
        assert list(DailyCount.objects.values_list("tickets", "spent")) == [(2, 5)]
