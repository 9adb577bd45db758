"""Policies and calendars, and what the database refuses about them."""

from datetime import UTC, date, datetime, time, timedelta

import psycopg
import pytest
from psycopg.errors import CheckViolation, RaiseException

from projects.tests.psql import psql
from sla.business_hours import ROUND_THE_CLOCK
from sla.models import Calendar, Priority, SlaPolicy
from sla.tests.factories import make_office_calendar

pytestmark = pytest.mark.django_db

NINE_TO_FIVE = [(time(9), time(17))]


@pytest.fixture
def office(db: None) -> Calendar:
    return make_office_calendar()


class TestBusinessHours:
    def test_come_from_openings_and_holidays(self, office: Calendar) -> None:
        office.holidays.create(day=date(2026, 4, 6), name="Easter Monday")
        office.openings.create(weekday=0, opens_at=time(18), closes_at=time(0))

        hours = office.business_hours()

        assert hours.time_zone == "Europe/Berlin"
        assert hours.openings == {
            **dict.fromkeys(range(5), NINE_TO_FIVE),
            0: [*NINE_TO_FIVE, (time(18), time(0))],
        }
        assert hours.holidays == {date(2026, 4, 6)}


@pytest.mark.database
class TestCalendar:
    @pytest.mark.parametrize("zone", ["Berlin", "europe/berlin", "+02:00", ""])
    def test_refuses_an_unknown_time_zone(self, office: Calendar, zone: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql("UPDATE sla_calendar SET time_zone = %(zone)s", zone=zone)

        assert refusal.value.diag.constraint_name == "calendar_time_zone"

    @pytest.mark.parametrize(
        ("changes", "constraint"),
        [
            ("closes_at = '08:00'", "opening_before_closing"),
            ("weekday = 7", "opening_weekday"),
            ("weekday = 1", "opening_once"),
        ],
    )
    def test_refuses_impossible_openings(self, office: Calendar, changes: str, constraint: str) -> None:
        with pytest.raises(psycopg.errors.IntegrityError) as refusal:
            psql(f"UPDATE sla_opening SET {changes}")

        assert refusal.value.diag.constraint_name == constraint


class TestSlaPolicy:
    def test_has_the_hours_of_the_document(self) -> None:
        assert dict(SlaPolicy.objects.values_list("priority", "hours")) == {"high": 4, "medium": 24, "low": 48}

    def test_warns_after_four_fifths_of_the_time(self) -> None:
        assert set(SlaPolicy.objects.values_list("at_risk_share", flat=True)) == {0.8}

    def test_counts_from_the_creation(self) -> None:
        noon = datetime(2030, 5, 17, 12, tzinfo=UTC)

        assert SlaPolicy(priority=Priority.HIGH, hours=4).due(noon) == noon + timedelta(hours=4)

    def test_offers_its_terms(self, office: Calendar) -> None:
        SlaPolicy.objects.filter(pk="high").update(calendar=office)
        high, low = (SlaPolicy.objects.get(pk=priority).terms for priority in ("high", "low"))

        assert (high.hours, high.calendar, high.business_hours) == (4, "Office hours", office.business_hours())
        assert (low.hours, low.calendar, low.business_hours) == (48, "", ROUND_THE_CLOCK)

    @pytest.mark.database
    def test_cannot_be_deleted(self) -> None:
        with pytest.raises(RaiseException, match="Cannot delete rows"):
            psql("DELETE FROM sla_slapolicy WHERE priority = 'high'")

    @pytest.mark.database
    @pytest.mark.parametrize(
        ("statement", "constraint"),
        [
            ("UPDATE sla_slapolicy SET hours = 0", "sla_policy_hours"),
            ("INSERT INTO sla_slapolicy (priority, hours) VALUES ('urgent', 1)", "sla_policy_priority"),
            ("UPDATE sla_slapolicy SET at_risk_share = 0", "sla_policy_at_risk_share"),
            ("UPDATE sla_slapolicy SET at_risk_share = 1", "sla_policy_at_risk_share"),
        ],
    )
    def test_refuses_impossible_terms(self, statement: str, constraint: str) -> None:
        with pytest.raises(CheckViolation) as refusal:
            psql(statement)

        assert refusal.value.diag.constraint_name == constraint
