"""E-mail addresses of users: one account for each, found by every spelling, on every path."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from rest_framework.test import APIClient

from accounts import services
from accounts.models import User
from accounts.tests.api import SignedIn, login, wrong_fields
from accounts.tests.factories import PASSWORD, make_user
from events.models import Booking
from events.tests.factories import make_event
from kit.tests.browser import Browser, errors
from notifications.services import mail_reset_code

pytestmark = pytest.mark.django_db

STORED = "Zoe@xn--strae-oqa.example"
SPELLINGS = ["zoe@straße.example", "ZOE@STRAßE.EXAMPLE", "zoe@xn--strae-oqa.example", " zoe@ｓtraße。example "]
REFUSED = ['"a\x0cb"@x.de', "ſ@x.de", "İ@x.de", "x@" + "ü" * 60 + ".example", "x@localhost", "x@[127.0.0.1]"]
EVERYONE = {"name": "Zoe Z", "type": "customer", "password": PASSWORD}
REGISTER = {
    "/users": EVERYONE,
    "/api/v1/auth/register": {"username": "Zoe Z", "password": PASSWORD},
    "/api/auth/register": {"name": "Zoe Z", "password": PASSWORD},
}


class TestSigningUp:
    @pytest.mark.parametrize("path", REGISTER)
    def test_stores_the_encoded_domain(self, anonymous: APIClient, path: str) -> None:
        answer = anonymous.post(path, REGISTER[path] | {"email": "Zoe@Straße.example"})

        assert (answer.status_code, User.objects.get().email) == (201, STORED)

    @pytest.mark.parametrize("path", REGISTER)
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_refuses_an_address_that_is_taken_in_any_spelling(
        self, anonymous: APIClient, path: str, spelling: str
    ) -> None:
        make_user(email=STORED)

        assert anonymous.post(path, REGISTER[path] | {"email": spelling}).status_code == 409

    @pytest.mark.parametrize("path", REGISTER)
    @pytest.mark.parametrize("address", REFUSED)
    def test_refuses_what_cannot_be_mailed(self, anonymous: APIClient, path: str, address: str) -> None:
        assert anonymous.post(path, REGISTER[path] | {"email": address}).status_code == 400
        assert not User.objects.exists()

    def test_takes_another_domain_for_another_address(self, anonymous: APIClient) -> None:
        make_user(email=STORED)

        assert anonymous.post("/users", EVERYONE | {"email": "zoe@strasse.example"}).status_code == 201


class TestSigningIn:
    @pytest.mark.parametrize("path", ["/auth/login", "/login", "/api/v1/auth/login", "/api/auth/login"])
    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_works_with_every_spelling(self, anonymous: APIClient, path: str, spelling: str) -> None:
        make_user(email=STORED)

        assert anonymous.post(path, {"email": spelling, "password": PASSWORD}).status_code == 200

    @pytest.mark.parametrize("spelling", SPELLINGS)
    def test_works_in_the_admin(self, spelling: str) -> None:
        make_user(email=STORED, type="admin")

        page = Client().post("/admin/login/?next=/admin/", {"username": spelling, "password": PASSWORD})

        assert page.status_code == 302

    @pytest.mark.parametrize("address", [*REFUSED, "", "x" * 254])
    def test_fails_with_what_is_no_address(self, address: str) -> None:
        assert login(address).status_code == (401 if address else 400)

    def test_quotes_an_unknown_address_as_it_was_sent(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/login", {"email": "Zoe@Straße.example", "password": PASSWORD})

        assert answer.json() == {"error": "User with email Zoe@Straße.example not found"}

    @pytest.mark.parametrize("address", REFUSED)
    def test_is_refused_by_document_002(self, anonymous: APIClient, address: str) -> None:
        answer = anonymous.post("/login", {"email": address, "password": PASSWORD})

        assert answer.status_code == 400
        assert answer.json()["error"].startswith('"email" must ')


class TestOtherPaths:
    def test_change_to_the_encoded_domain(self, admin: User, owner: User, signed_in: SignedIn) -> None:
        api, path = signed_in(admin), f"/users/{owner.pk}"

        assert api.patch(path, {"email": "Zoe@Straße.example"}).json()["email"] == STORED
        assert wrong_fields(api.patch(path, {"email": REFUSED[0]})) == ["email"]

    def test_reset_passwords_by_any_spelling(self, anonymous: APIClient) -> None:
        user = make_user(email=STORED)

        assert anonymous.post("/auth/password/reset", {"email": SPELLINGS[0]}).status_code == 202
        mail_reset_code(email=SPELLINGS[0], at=user.created_at)

        assert user.deliveries.count() == 1
        assert anonymous.post("/auth/password/reset", {"email": REFUSED[0]}).status_code == 400

    def test_find_accounts_by_any_spelling(self) -> None:
        make_user(email=STORED)

        assert all(services.has_account(email=spelling.strip()) for spelling in SPELLINGS)

    def test_find_users_of_commands_by_any_spelling(self) -> None:
        make_user(email=STORED)

        with pytest.raises(CommandError, match="has no second factor"):
            call_command("reset_second_factor", SPELLINGS[0])
        call_command("export_tickets", f"--as={SPELLINGS[0]}")
        with pytest.raises(CommandError, match="No user has the address"):
            call_command("export_tickets", f"--as={REFUSED[0]}")

    @pytest.mark.parametrize("address", REFUSED)
    def test_refuse_it_for_a_superuser(self, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)

        with pytest.raises(CommandError, match="valid email"):
            call_command("createsuperuser", interactive=False, email=address, name="Root", verbosity=0)

    @pytest.mark.parametrize("address", REFUSED)
    def test_refuse_it_in_the_admin(self, admin: User, owner: User, address: str) -> None:
        page = Browser(admin).submit(f"/admin/accounts/user/{owner.pk}/change/", email=address)

        assert errors(page) == {"email": ["Enter a valid email address."]}

    def test_encode_it_in_the_admin(self, admin: User, owner: User) -> None:
        Browser(admin).submit(f"/admin/accounts/user/{owner.pk}/change/", email="Zoe@Straße.example")

        assert User.objects.get(pk=owner.pk).email == STORED


class TestGuests:
    GUEST = {"firstName": "Zoe", "lastName": "Z"}

    def book(self, api: APIClient, event_id: int, email: str) -> list[int]:
        """Book as a guest in both ways, and return the statuses."""
        guest = self.GUEST | {"email": email}
        ticks = guest | {"eventId": event_id, "ticketsReserved": 1}
        paths: dict[str, dict[str, Any]] = {f"/events/{event_id}/bookings": {"guest": guest}, "/api/v1/booking": ticks}
        return [api.post(path, body).status_code for path, body in paths.items()]

    def test_store_the_encoded_domain(self, anonymous: APIClient, admin: User) -> None:
        assert self.book(anonymous, make_event(admin).pk, "Zoe@Straße.example") == [201, 201]
        assert set(Booking.objects.values_list("guest_email", flat=True)) == {STORED}

    @pytest.mark.parametrize("address", REFUSED)
    def test_are_refused_if_they_cannot_be_mailed(self, anonymous: APIClient, admin: User, address: str) -> None:
        assert self.book(anonymous, make_event(admin).pk, address) == [400, 400]

    def test_are_booked_in_the_admin_by_the_same_rule(self, admin: User) -> None:
        page = f"/admin/events/event/{make_event(admin).pk}/book/"
        guest = {"first_name": "Zoe", "last_name": "Z", "quantity": "1", "may_wait": "on"}

        refused = Browser(admin).post(page, guest | {"email": REFUSED[0]})
        booked = Browser(admin).post(page, guest | {"email": "Zoe@Straße.example"})

        assert (refused.status_code, booked.status_code) == (200, 302)
        assert Booking.objects.get().guest_email == STORED
