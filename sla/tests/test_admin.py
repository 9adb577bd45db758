"""SLA policies and calendars in the admin."""

from datetime import date, time
from typing import Any

import pytest

from accounts.models import User
from kit.tests.browser import Browser, errors
from sla.business_hours import BusinessHours
from sla.models import Calendar, SlaPolicy


class TestSlaPolicy:
    def test_hours_are_an_admins_to_change(self, admin: User) -> None:
        Browser(admin).submit("/admin/sla/slapolicy/high/change/", hours=2)

        assert SlaPolicy.objects.get(pk="high").hours == 2

    def test_refuses_no_time_at_all(self, admin: User) -> None:
        answer = Browser(admin).submit("/admin/sla/slapolicy/high/change/", hours=0)

        assert list(errors(answer)) == ["hours"]
        assert SlaPolicy.objects.get(pk="high").hours == 4

    def test_may_count_by_a_calendar(self, admin: User) -> None:
        calendar = Calendar.objects.create(name="Office hours")

        Browser(admin).submit("/admin/sla/slapolicy/high/change/", calendar=calendar.pk)

        assert SlaPolicy.objects.get(pk="high").calendar == calendar


class TestCalendar:
    ADD = "/admin/sla/calendar/add/"

    def opening(self, **changes: Any) -> dict[str, Any]:
        """A calendar with one row of opening hours, as the form sends it."""
        row = {"weekday": 0, "opens_at": "09:00", "closes_at": "17:00", **changes}
        rows = {f"openings-0-{name}": value for name, value in row.items()}
        return {"name": "Office hours", "time_zone": "Europe/Berlin", "openings-TOTAL_FORMS": 1, **rows}

    def test_is_made_with_its_hours_and_holidays(self, admin: User) -> None:
        holiday = {"holidays-TOTAL_FORMS": 1, "holidays-0-day": "2026-04-06", "holidays-0-name": "Easter Monday"}

        Browser(admin).submit(self.ADD, **self.opening(), **holiday)

        assert Calendar.objects.get().business_hours() == BusinessHours(
            "Europe/Berlin", {0: [(time(9), time(17))]}, frozenset({date(2026, 4, 6)})
        )

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"closes_at": "08:00"}, None),
            ({"weekday": 7}, "openings-0-weekday"),
            ({"opens_at": "late"}, "openings-0-opens_at"),
        ],
    )
    def test_refuses_hours_that_are_none(self, admin: User, changes: dict[str, Any], field: str | None) -> None:
        answer = Browser(admin).submit(self.ADD, **self.opening(**changes))

        said = errors(answer)
        assert list(said) == [field or "openings-0-__all__"]
        assert not Calendar.objects.exists()

    def test_refuses_a_time_zone_that_there_is_not(self, admin: User) -> None:
        answer = Browser(admin).submit(self.ADD, **self.opening() | {"time_zone": "Berlin"})

        assert list(errors(answer)) == ["time_zone"]

    def test_is_named_once(self, admin: User) -> None:
        Calendar.objects.create(name="OFFICE HOURS")

        answer = Browser(admin).submit(self.ADD, **self.opening())

        assert errors(answer) == {"__all__": ["There is a calendar of that name."]}

    def test_stays_while_a_policy_counts_by_it(self, admin: User) -> None:
        calendar = Calendar.objects.create(name="Office hours")
        SlaPolicy.objects.filter(pk="high").update(calendar=calendar)

        answer = Browser(admin).post(f"/admin/sla/calendar/{calendar.pk}/delete/", {"post": "yes"})

        assert answer.status_code == 200
        assert Calendar.objects.exists()

    def test_is_an_agents_to_look_at(self, agent: User) -> None:
        calendar = Calendar.objects.create(name="Office hours")
        browser = Browser(agent)

        looking, adding = (browser.get(path) for path in (f"/admin/sla/calendar/{calendar.pk}/change/", self.ADD))

        assert (looking.status_code, adding.status_code) == (200, 403)
