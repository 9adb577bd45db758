"""The management commands of events."""

import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from events.tests.books import falsify
from events.tests.factories import book, make_event

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


class TestCheckBookings:
    def test_reports_success_and_progress(self, admin: User, capsys: pytest.CaptureFixture[str]) -> None:
        for _ in range(3):
            book(make_event(admin))

        call_command("check_bookings", span=2)

        output = capsys.readouterr()
        assert output.out == "3 bookings of 3 events checked. No faults.\n"
        assert output.err == "3 bookings so far …\n"

    def test_lists_faults_and_fails(self, admin: User, capsys: pytest.CaptureFixture[str]) -> None:
        event, _ = make_event(admin), book(make_event(admin))
        book(event)
        falsify(f"UPDATE events_inventory SET confirmed = 3 WHERE event_id = {event.pk}")

        with pytest.raises(CommandError, match="2 faults in 2 bookings of 2 events") as failure:
            call_command("check_bookings")

        assert failure.value.returncode == 1
        assert capsys.readouterr().out == (
            f"Event #{event.pk}: 3 seats sold according to the inventory, 1 according to the bookings.\n"
            f"Event #{event.pk}: 3 seats sold according to the inventory, 1 according to the ledger.\n"
        )

    def test_refuses_an_empty_span(self) -> None:
        with pytest.raises(CommandError, match="--span"):
            call_command("check_bookings", span=0)
