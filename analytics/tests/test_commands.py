import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from analytics import queries
from analytics.models import DailyCount
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db


class TestFoldDailyCounts:
    def test_reports_the_rows_replaced(self, owner: User, capsys: pytest.CaptureFixture[str]) -> None:
        make_ticket(owner)
        make_ticket(owner)

        call_command("fold_daily_counts")

        assert capsys.readouterr().out == "Replaced 2 rows with 1.\n"

    def test_check_confirms_correct_counts(self, owner: User, capsys: pytest.CaptureFixture[str]) -> None:
        make_ticket(owner)

        call_command("fold_daily_counts", check=True)

        assert capsys.readouterr().out == "All daily counts are correct.\n"

    def test_check_lists_wrong_counts(self, owner: User, capsys: pytest.CaptureFixture[str]) -> None:
        make_ticket(owner)
        DailyCount.objects.update(tickets=2)

        with pytest.raises(CommandError, match="Wrong daily counts: 1"):
            call_command("fold_daily_counts", check=True)

        assert "counted 2 tickets, actual 1" in capsys.readouterr().out

    def test_rebuild_corrects_the_counts(self, owner: User) -> None:
        make_ticket(owner)
        DailyCount.objects.update(tickets=2)

        call_command("fold_daily_counts", rebuild=True)

        assert queries.daily_count_faults() == []
