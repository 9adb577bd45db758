import pytest
from django.core.management import CommandError, call_command

from accounts.models import User
from events.tests.books import falsify
from events.tests.factories import book, make_event

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


class TestCheckBookings:
    def test_says_that_all_is_right_and_how_far_it_is(self, admin: User, capsys: pytest.CaptureFixture[str]) -> None:
        for _ in range(3):
            book(make_event(admin))

        call_command("check_bookings", span=2)

        said = capsys.readouterr()
        assert said.out == "3 bookings of 3 events checked. No faults.\n"
        assert said.err == "3 bookings so far …\n"

    def test_says_what_is_off_and_fails(self, admin: User, capsys: pytest.CaptureFixture[str]) -> None:
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

    def test_needs_something_to_look_at(self) -> None:
        with pytest.raises(CommandError, match="--span"):
            call_command("check_bookings", span=0)
