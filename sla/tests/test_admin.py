"""The admin of SLA policies and calendars."""

from datetime import date, time
from typing import Any

import pytest

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.admin.stale import STALE, Difference, SeenAdmin
from kit.tests.browser import Browser, errors, fields
from kit.tests.races import during
from sla.business_hours import BusinessHours
from sla.models import Calendar, SlaPolicy
from sla.tests.factories import make_office_calendar


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

    @pytest.mark.parametrize("field", ["name", "holidays-0-name"])
    def test_refuses_control_characters(self, admin: User, field: str) -> None:
        holiday = {"holidays-TOTAL_FORMS": 1, "holidays-0-day": "2026-04-06", "holidays-0-name": "Easter Monday"}
        filled_in = self.form_with_opening() | holiday | {field: "Back\u202ewards"}

        response = Browser(admin).submit(self.ADD, **filled_in)

        assert errors(response) == {field: ["Control characters and line breaks are not allowed."]}

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


class TestStaleCalendar:
    """The rows of opening hours and holidays; the other fields are tried in ticketing/tests/test_stale_forms.py."""

    @pytest.fixture
    def calendar(self, db: None) -> Calendar:
        return make_office_calendar()

    def test_keeps_rows_that_others_changed_added_or_removed(self, admin: User, calendar: Calendar) -> None:
        page, browser = f"/admin/sla/calendar/{calendar.pk}/change/", Browser(admin)
        opened = fields(browser.get(page))
        monday, tuesday = calendar.openings.all()[:2]
        calendar.openings.filter(pk=monday.pk).update(closes_at=time(12))
        tuesday.delete()
        calendar.openings.create(weekday=5, opens_at=time(10), closes_at=time(14))

        refused = browser.post(page, {**opened, "name": "Night shift", "_save": "Save"})

        theirs = [(0, 9, 12), (2, 9, 17), (3, 9, 17), (4, 9, 17), (5, 10, 14)]
        assert errors(refused) == {"__all__": [STALE.format("openings")]}
        assert refused.context["stale"].differences == [
            Difference("Opening", "Monday, 09:00:00, 12:00:00", None),
            Difference("Opening", "", None),
            Difference("Opening", "Saturday, 10:00:00, 14:00:00", None),
        ]
        assert (hours(calendar), calendar_name(calendar)) == (theirs, "Office hours")
        browser.post(page, {**fields(refused), "_save": "Save"})
        assert (hours(calendar), calendar_name(calendar)) == (theirs, "Night shift")

    def test_keeps_the_edits_of_the_user(self, admin: User, calendar: Calendar) -> None:
        page, browser = f"/admin/sla/calendar/{calendar.pk}/change/", Browser(admin)
        opened = fields(browser.get(page))
        calendar.openings.filter(weekday=0).delete()
        calendar.openings.filter(weekday=1).update(closes_at=time(12))
        calendar.holidays.create(day=date(2027, 1, 1), name="New Year")
        mine = {
            "openings-1-opens_at": "08:00:00",
            "openings-2-DELETE": "on",
            "openings-TOTAL_FORMS": "6",
            "openings-5-weekday": "6",
            "openings-5-opens_at": "13:00",
            "openings-5-closes_at": "15:00",
            "holidays-TOTAL_FORMS": "1",
            "holidays-0-day": "2027-05-01",
            "holidays-0-name": "May Day",
        }

        refused = browser.post(page, {**opened, **mine, "_save": "Save"})

        assert errors(refused) == {"__all__": [STALE.format("openings and holidays")]}
        assert refused.context["stale"].differences == [
            Difference("Opening", "", None),
            Difference("Opening", "Tuesday, 09:00:00, 12:00:00", "Tuesday, 08:00:00, 17:00:00"),
            Difference("Holiday", "2027-01-01, New Year", None),
        ]
        browser.post(page, {**fields(refused), "_save": "Save"})
        assert hours(calendar) == [(1, 8, 12), (3, 9, 17), (4, 9, 17), (6, 13, 15)]
        assert [holiday.name for holiday in calendar.holidays.all()] == ["New Year", "May Day"]

    @pytest.mark.parametrize(
        "forged",
        [
            {"openings-TOTAL_FORMS": "999999999", "openings-INITIAL_FORMS": "999999999"},
            {"openings-TOTAL_FORMS": "-1", "openings-INITIAL_FORMS": "many"},
            {"openings-0-id": "99999999999999999999", "openings-1-id": "on"},
        ],
    )
    def test_survives_forged_rows(self, admin: User, calendar: Calendar, forged: dict[str, str]) -> None:
        page, browser = f"/admin/sla/calendar/{calendar.pk}/change/", Browser(admin)
        opened = fields(browser.get(page))
        calendar.openings.filter(weekday=0).update(closes_at=time(12))
        before = hours(calendar)

        refused = browser.post(page, {**opened, **forged, "_save": "Save"})

        assert refused.status_code == 200
        assert hours(calendar) == before


def hours(calendar: Calendar) -> list[tuple[int, int, int]]:
    return [(each.weekday, each.opens_at.hour, each.closes_at.hour) for each in calendar.openings.all()]


def calendar_name(calendar: Calendar) -> str:
    return Calendar.objects.get(pk=calendar.pk).name


@pytest.mark.slow
@pytest.mark.database
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestTwoAdminsAtOnce:
    PAGE = "/admin/sla/slapolicy/high/change/"

    def race(self) -> SlaPolicy:
        """Save two forms that were opened before either was saved: one with new hours, one with a calendar."""
        calendar = make_office_calendar()
        first, second = (Browser(make_user(type=UserType.ADMIN)) for _ in range(2))
        opened = {**fields(second.get(self.PAGE)), "calendar": calendar.pk, "_save": "Save"}
        during(lambda: first.submit(self.PAGE, hours=2), lambda: second.post(self.PAGE, opened))
        return SlaPolicy.objects.get(pk="high")

    def test_do_not_undo_each_others_changes(self) -> None:
        policy = self.race()

        assert (policy.hours, policy.calendar) == (2, None)

    def test_would_without_the_lock(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(SeenAdmin, "lock", lambda *_: None)

        assert self.race().hours == 4
