"""The CSV export of bookings, over HTTP and as a command."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from events.services import Guest
from events.tests.factories import GUEST, book, make_event
from kit.web import csv_export

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]


def exported(api: APIClient, **query: Any) -> list[dict[str, str]]:
    response = api.get("/bookings/export", query)
    assert response.status_code == 200
    return rows(response.getvalue().decode())


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


class TestExport:
    def test_has_the_values_of_the_list(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        event = make_event(admin, capacity=3)
        book(event, owner, quantity=2)
        book(event, guest=Guest("=1+1", "Guest", "greta@example.com"), quantity=2)

        waiting, confirmed = exported(signed_in(admin))

        items = signed_in(admin).get("/bookings").json()["items"]
        assert [row["id"] for row in (waiting, confirmed)] == [str(item["id"]) for item in items]
        assert (confirmed["user"], confirmed["guestEmail"], confirmed["position"]) == (str(owner.pk), "", "")
        assert (waiting["user"], waiting["guestFirstName"], waiting["position"]) == ("", "'=1+1", "1")
        assert (waiting["unitPrice"], waiting["createdAt"]) == ("25", items[0]["createdAt"])

    def test_has_the_filters_of_the_list(self, admin: User, signed_in: SignedIn) -> None:
        event, other = make_event(admin, capacity=1), make_event(admin)
        book(event)
        waiting = book(event)
        book(other)

        found = exported(signed_in(admin), event=event.pk, status="waiting")

        assert [row["id"] for row in found] == [str(waiting.pk)]

    def test_has_the_visibility_of_the_list(
        self, admin: User, owner: User, outsider: User, anonymous: APIClient, signed_in: SignedIn
    ) -> None:
        event = make_event(admin)
        booking = book(event, owner)
        book(event, guest=GUEST)

        assert [row["id"] for row in exported(signed_in(owner))] == [str(booking.pk)]
        assert exported(signed_in(outsider)) == []
        assert anonymous.get("/bookings/export").status_code == 401

    def test_refuses_invalid_filters_before_streaming(self, owner: User, signed_in: SignedIn) -> None:
        response = signed_in(owner).get("/bookings/export", {"status": "soon"})

        assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")

    def test_reads_in_batches(
        self,
        admin: User,
        signed_in: SignedIn,
        monkeypatch: pytest.MonkeyPatch,
        django_assert_num_queries: DjangoAssertNumQueries,
    ) -> None:
        monkeypatch.setattr(csv_export, "BATCH", 2)
        event = make_event(admin)
        for _ in range(5):
            book(event, guest=GUEST)
        api = signed_in(admin)

        # The user, five for the lease, then one query for each of three batches.
        with django_assert_num_queries(9):
            assert len(exported(api)) == 5


class TestCommand:
    def exported(self, *arguments: str) -> list[str]:
        output = io.StringIO(newline="")
        call_command("export_bookings", *arguments, stdout=output)
        return [row["id"] for row in rows(output.getvalue())]

    def test_exports_everything_or_what_a_user_may_see(self, admin: User, owner: User) -> None:
        event = make_event(admin)
        own, guests = book(event, owner), book(event, guest=GUEST)

        assert self.exported() == [str(guests.pk), str(own.pk)]
        assert self.exported("--as", owner.email) == [str(own.pk)]
        assert self.exported("status=waiting") == []

    @pytest.mark.parametrize("arguments", [["--as", "nobody@example.com"], ["colour=red"], ["status=soon"]])
    def test_refuses_unknown_arguments(self, db: None, arguments: list[str]) -> None:
        with pytest.raises(CommandError):
            self.exported(*arguments)
