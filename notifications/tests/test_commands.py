"""`manage.py retry_deliveries` and `purge_deliveries`. The `worker` command is tested in test_faults.py."""

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from accounts.models import User
from notifications.models import Delivery, State
from notifications.tests.factories import make_delivery

pytestmark = pytest.mark.django_db


def run(command: str, *arguments: Any) -> str:
    output = io.StringIO()
    call_command(command, *arguments, stdout=output)
    return output.getvalue()


class TestRetryDeliveries:
    @pytest.fixture
    def given_up(self, team: list[User]) -> list[Delivery]:
        """A delivery rejected yesterday, one given up an hour ago and one given up last week."""
        now = timezone.now()
        return [
            make_delivery(team[0], state=State.FAILED, created_at=now - timedelta(days=1)),
            make_delivery(team[1], state=State.DEAD, created_at=now - timedelta(hours=1)),
            make_delivery(team[2], state=State.DEAD, created_at=now - timedelta(days=7)),
        ]

    def pending(self) -> list[Delivery]:
        return list(Delivery.objects.filter(state=State.PENDING).order_by("pk"))

    def test_resends_everything(self, given_up: list[Delivery]) -> None:
        assert run("retry_deliveries") == "3 messages queued for retry.\n"
        assert self.pending() == given_up

    def test_resends_the_given_ids(self, given_up: list[Delivery]) -> None:
        run("retry_deliveries", given_up[0].pk, given_up[2].pk)

        assert self.pending() == [given_up[0], given_up[2]]

    def test_resends_since_a_time(self, given_up: list[Delivery]) -> None:
        run("retry_deliveries", "--since", (timezone.now() - timedelta(days=2)).isoformat())

        assert self.pending() == given_up[:2]

    def test_resends_one_state(self, given_up: list[Delivery]) -> None:
        run("retry_deliveries", "--state", "dead")

        assert self.pending() == given_up[1:]

    @pytest.mark.parametrize(
        "since", ["yesterday", "2026-08-01T18:00:00", "2026-13-01T00:00:00Z", "２０２６-08-01T18:00Z"]
    )
    def test_refuses_invalid_times_and_times_without_offset(self, since: str) -> None:
        with pytest.raises(CommandError, match="not a time with a UTC offset"):
            run("retry_deliveries", "--since", since)


class TestPurgeDeliveries:
    def test_deletes_old_deliveries(self, owner: User) -> None:
        long_ago = timezone.now() - timedelta(days=40)
        make_delivery(owner, state=State.SENT, sent_at=long_ago, created_at=long_ago)

        assert run("purge_deliveries", "--older-than", 50) == "0 deleted.\n"
        assert run("purge_deliveries", "--older-than", 30) == "1 deleted.\n"

    def test_refuses_a_negative_age(self) -> None:
        with pytest.raises(CommandError, match="negative"):
            run("purge_deliveries", "--older-than", -1)
