"""A form with several mistakes gets them all at once, whichever layer finds them."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import User
from accounts.tests.api import SignedIn, wrong_fields
from events.tests.factories import make_event
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

LONG_AGO = "2001-01-01T00:00:00Z"


def assert_wrong(answer: Any, *fields: str) -> None:
    """Check that a 400 names exactly these fields."""
    assert answer.status_code == 400, answer.content
    assert sorted(wrong_fields(answer)) == sorted(fields)


class TestUsers:
    @pytest.mark.parametrize("password", ["short-1", "password1"])
    def test_report_a_weak_password_with_the_rest(self, anonymous: APIClient, password: str) -> None:
        body = {"name": "A", "email": "nobody", "type": "root", "password": password}

        assert_wrong(anonymous.post("/users", body), "name", "email", "type", "password")

    def test_report_a_weak_password_with_the_rest_of_a_reset(self, anonymous: APIClient) -> None:
        assert_wrong(
            anonymous.post("/auth/password/reset/confirm", {"uid": "", "password": "weak"}), "uid", "code", "password"
        )

    def test_report_a_weak_password_with_the_rest_of_a_change(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).post("/auth/password", {"currentPassword": None, "password": "weak"})

        assert_wrong(answer, "currentPassword", "password")


class TestTickets:
    UNKNOWN = {"project": 10**6, "createdBy": 10**6, "dueDate": LONG_AGO, "assignedUsers": [10**6]}

    @pytest.mark.parametrize("path", ["/ticket", "/tickets"])
    def test_report_everything_unknown_with_the_rest(self, admin: User, signed_in: SignedIn, path: str) -> None:
        answer = signed_in(admin).post(path, self.UNKNOWN | {"title": "", "status": "ajar"})

        assert_wrong(answer, "title", "status", *self.UNKNOWN)

    def test_report_everything_unknown(self, admin: User, signed_in: SignedIn) -> None:
        assert_wrong(signed_in(admin).post("/ticket", self.UNKNOWN | {"title": "A"}), *self.UNKNOWN)

    def test_report_an_unknown_assignee_alone_by_the_rules_of_assignment(
        self, admin: User, signed_in: SignedIn
    ) -> None:
        assert signed_in(admin).post("/ticket", {"title": "A", "assignedUsers": [10**6]}).status_code == 404

    @pytest.mark.parametrize("title", ["", "B"])
    def test_report_everything_unknown_in_a_change(self, admin: User, signed_in: SignedIn, title: str) -> None:
        unknown = {name: value for name, value in self.UNKNOWN.items() if name != "assignedUsers"}

        answer = signed_in(admin).patch(f"/tickets/{make_ticket(admin).pk}", unknown | {"title": title})

        assert_wrong(answer, *unknown, *(["title"] if not title else []))

    def test_ignore_an_old_due_date_that_stays(self, admin: User, signed_in: SignedIn) -> None:
        ticket = make_ticket(admin, due_at=LONG_AGO)

        answer = signed_in(admin).patch(f"/tickets/{ticket.pk}", {"title": "", "dueDate": LONG_AGO})

        assert_wrong(answer, "title")

    def test_reveal_nothing_about_a_ticket_that_is_hidden(self, outsider: User, signed_in: SignedIn) -> None:
        answer = signed_in(outsider).patch("/tickets/999999", {"title": "", "dueDate": LONG_AGO})

        assert_wrong(answer, "title")


class TestEvents:
    @pytest.mark.parametrize("method", ["post", "patch"])
    def test_report_too_much_withheld_with_the_rest(self, admin: User, signed_in: SignedIn, method: str) -> None:
        path = "/events" if method == "post" else f"/events/{make_event(admin).pk}"
        body = {"name": "", "startsAt": "soon", "capacity": 5, "withheld": 6, "price": 1}

        assert_wrong(getattr(signed_in(admin), method)(path, body), "name", "startsAt", "withheld")


class TestBookings:
    def test_report_a_missing_guest_with_the_rest(self, anonymous: APIClient, admin: User) -> None:
        answer = anonymous.post(f"/events/{make_event(admin).pk}/bookings", {"quantity": 0, "joinWaitlist": 1})

        assert_wrong(answer, "quantity", "joinWaitlist", "guest")

    @pytest.mark.parametrize(("limit", "quantity"), [(2, 3), (None, 11)])
    def test_report_too_many_tickets_with_the_rest(
        self, anonymous: APIClient, admin: User, limit: int | None, quantity: int
    ) -> None:
        event = make_event(admin, capacity=10, max_per_booking=limit)
        guest = {"firstName": "", "lastName": "Guest", "email": "nobody"}

        answer = anonymous.post(f"/events/{event.pk}/bookings", {"quantity": quantity, "guest": guest})

        assert_wrong(answer, "quantity", "guest.firstName", "guest.email")

    @pytest.mark.parametrize("event_id", [999_999, 2**63, 10**30])
    def test_report_the_body_for_an_unknown_event(self, anonymous: APIClient, event_id: int) -> None:
        assert_wrong(anonymous.post(f"/events/{event_id}/bookings", {"quantity": 0}), "quantity", "guest")


class TestContracts:
    def test_report_all_fields_of_document_003(self, anonymous: APIClient) -> None:
        body = {"username": "", "email": "nobody", "password": "short"}

        message = anonymous.post("/api/v1/auth/register", body).json()["message"]

        assert all(f"{name}: " in message for name in body)

    def test_report_all_fields_of_an_event_of_document_003(self, admin: User, signed_in: SignedIn) -> None:
        body = {"name": "", "date": "2031-01-01", "totalTickets": 5, "availableTickets": 6}

        message = signed_in(admin).post("/api/v1/event", body).json()["message"]

        assert all(f"{name}: " in message for name in ("name", "availableTickets"))

    def test_report_the_first_field_of_documents_002_and_004(self, admin: User, signed_in: SignedIn) -> None:
        api = signed_in(admin)

        box_office = api.post("/initialize", {"name": 5, "price": 0}).json()
        helpdesk = api.post("/api/auth/register", {"name": "A", "email": "nobody", "password": "short"}).json()

        assert box_office == {"error": '"name" must be a string'}
        assert helpdesk["error"]["field"] == "name"
