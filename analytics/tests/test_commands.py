import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from analytics import queries
from analytics.models import DailyCount
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db


class TestFoldDailyCounts:
    def test_folds(self, owner: User, capsys: pytest.CaptureFixture[str]) -> None:
        make_ticket(owner)
        make_ticket(owner)

        call_command("fold_daily_counts")

        assert capsys.readouterr().out == "2 rows became 1.\n"

    def test_says_that_every_count_is_right(self, owner: User, capsys: pytest.CaptureFixture[str]) -> None:
        make_ticket(owner)

        call_command("fold_daily_counts", check=True)

        assert capsys.readouterr().out == "Every count is right.\n"

    def test_says_which_count_is_off(self, owner: User, capsys: pytest.CaptureFixture[str]) -> None:
        make_ticket(owner)
        DailyCount.objects.update(tickets=2)

        with pytest.raises(CommandError, match="1 counts are off"):
            call_command("fold_daily_counts", check=True)

        assert "2 counted, 1 there" in capsys.readouterr().out

    def test_counts_anew(self, owner: User) -> None:
        make_ticket(owner)
        DailyCount.objects.update(tickets=2)

        call_command("fold_daily_counts", rebuild=True)

        assert queries.daily_count_faults() == []
