"""The admin of SLA policies and calendars."""

from datetime import date, time
from typing import Any

import pytest

from accounts.models import User
from kit.tests.browser import Browser, errors
from sla.business_hours import BusinessHours
from sla.models import Calendar, SlaPolicy


class TestSlaPolicy:
    def test_admin_can_change_the_hours(self, admin: User) -> None:
        Browser(admin).submit("/admin/sla/slapolicy/high/change/", hours=2)

        assert SlaPolicy.objects.get(pk="high").hours == 2

    def test_refuses_zero_hours(self, admin: User) -> None:
        response = Browser(admin).submit("/admin/sla/slapolicy/high/change/", hours=0)

        assert list(errors(response)) == ["hours"]
        assert SlaPolicy.objects.get(pk="high").hours == 4

    def test_can_use_a_calendar(self, admin: User) -> None:
        calendar = Calendar.objects.create(name="Office hours")

        Browser(admin).submit("/admin/sla/slapolicy/high/change/", calendar=calendar.pk)

        assert SlaPolicy.objects.get(pk="high").calendar == calendar


class TestCalendar:
    ADD = "/admin/sla/calendar/add/"

    def form_with_opening(self, **changes: Any) -> dict[str, Any]:
        """Return the form values of a calendar with one row of opening hours."""
        row = {"weekday": 0, "opens_at": "09:00", "closes_at": "17:00", **changes}
        rows = {f"openings-0-{name}": value for name, value in row.items()}
        return {"name": "Office hours", "time_zone": "Europe/Berlin", "openings-TOTAL_FORMS": 1, **rows}

    def test_is_created_with_hours_and_holidays(self, admin: User) -> None:
        holiday = {"holidays-TOTAL_FORMS": 1, "holidays-0-day": "2026-04-06", "holidays-0-name": "Easter Monday"}

        Browser(admin).submit(self.ADD, **self.form_with_opening(), **holiday)

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
    def test_refuses_invalid_hours(self, admin: User, changes: dict[str, Any], field: str | None) -> None:
        response = Browser(admin).submit(self.ADD, **self.form_with_opening(**changes))

        assert list(errors(response)) == [field or "openings-0-__all__"]
        assert not Calendar.objects.exists()

    def test_refuses_an_unknown_time_zone(self, admin: User) -> None:
        response = Browser(admin).submit(self.ADD, **self.form_with_opening() | {"time_zone": "Berlin"})

        assert list(errors(response)) == ["time_zone"]

    def test_name_is_unique(self, admin: User) -> None:
        Calendar.objects.create(name="OFFICE HOURS")

        response = Browser(admin).submit(self.ADD, **self.form_with_opening())

        assert errors(response) == {"__all__": ["A calendar with this name already exists."]}

    def test_cannot_be_deleted_while_a_policy_uses_it(self, admin: User) -> None:
        calendar = Calendar.objects.create(name="Office hours")
        SlaPolicy.objects.filter(pk="high").update(calendar=calendar)

        response = Browser(admin).post(f"/admin/sla/calendar/{calendar.pk}/delete/", {"post": "yes"})

        assert response.status_code == 200
        assert Calendar.objects.exists()

    def test_agent_can_view_but_not_add(self, agent: User) -> None:
        calendar = Calendar.objects.create(name="Office hours")
        browser = Browser(agent)

        viewing, adding = (browser.get(path) for path in (f"/admin/sla/calendar/{calendar.pk}/change/", self.ADD))

        assert (viewing.status_code, adding.status_code) == (200, 403)
