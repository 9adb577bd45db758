"""Composed and decomposed forms of the same text are the same, wherever it comes from."""

import pytest
from django.core.management import call_command
from django.test import Client
from psycopg.errors import CheckViolation
from rest_framework.test import APIClient

from accounts import services as accounts
from accounts.models import User
from accounts.tests.api import SignedIn, login
from events.models import Event
from kit.tests.browser import Browser
from projects.models import Project
from projects.tests.psql import psql
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

COMPOSED, DECOMPOSED = "Zoë", "Zoe\u0308"
PASSWORD, DECOMPOSED_PASSWORD = "pässword-1", "pa\u0308ssword-1"


class TestApi:
    def test_takes_both_forms_of_a_unique_name_as_one(self, admin: User, signed_in: SignedIn) -> None:
        api = signed_in(admin)

        statuses = [api.post("/projects", {"name": name}).status_code for name in (DECOMPOSED, COMPOSED, DECOMPOSED)]

        assert statuses == [201, 409, 409]
        assert Project.objects.filter(name=COMPOSED).exists()

    def test_composes_escaped_text_as_well(self, admin: User, signed_in: SignedIn) -> None:
        body = b'{"name": "Zoe\\u0308"}'

        created = signed_in(admin).post("/projects", body, content_type="application/json")

        assert created.json()["name"] == COMPOSED

    @pytest.mark.parametrize("form", [COMPOSED, DECOMPOSED])
    def test_finds_users_by_either_form(self, admin: User, signed_in: SignedIn, form: str) -> None:
        body = {"name": DECOMPOSED, "email": "zoe@example.com", "type": "customer", "password": PASSWORD}
        signed_in(admin).post("/users", body)

        found = signed_in(admin).get("/users", {"search": form}).json()["items"]

        assert [user["name"] for user in found] == [COMPOSED]

    @pytest.mark.parametrize("form", [COMPOSED, DECOMPOSED])
    @pytest.mark.parametrize("name", ["type", "venue"])
    @pytest.mark.parametrize("path", ["/tickets", "/tickets/analytics"])
    def test_filters_by_either_form(self, owner: User, signed_in: SignedIn, path: str, name: str, form: str) -> None:
        api = signed_in(owner)
        api.post("/ticket", {"title": "A", name: DECOMPOSED})

        found = api.get(path, {name: form}).json()

        assert len(found.get("items", found.get("tickets"))) == 1

    def test_measures_the_composed_form(self, owner: User, signed_in: SignedIn) -> None:
        created = signed_in(owner).post("/ticket", {"title": "e\u0308" * 255})

        assert (created.status_code, len(created.json()["title"])) == (201, 255)

    def test_requires_eight_characters_in_the_composed_form(self, anonymous: APIClient) -> None:
        body = {"name": "Zoe", "email": "zoe@example.com", "type": "customer", "password": "a\u0308" * 4 + "-"}

        assert anonymous.post("/users", body).status_code == 400


class TestPasswords:
    @pytest.mark.parametrize("chosen", [PASSWORD, DECOMPOSED_PASSWORD])
    @pytest.mark.parametrize("typed", [PASSWORD, DECOMPOSED_PASSWORD])
    @pytest.mark.parametrize("path", ["/auth/login", "/login", "/api/v1/auth/login", "/api/auth/login"])
    def test_sign_in_in_either_form(self, anonymous: APIClient, path: str, typed: str, chosen: str) -> None:
        body = {"name": "Zoe", "email": "zoe@example.com", "type": "customer", "password": chosen}
        anonymous.post("/users", body)

        assert anonymous.post(path, {"email": "zoe@example.com", "password": typed}).status_code == 200

    @pytest.mark.parametrize("typed", [PASSWORD, DECOMPOSED_PASSWORD])
    def test_sign_in_to_the_admin_in_either_form(self, admin: User, typed: str) -> None:
        accounts.set_password(user=admin, password=DECOMPOSED_PASSWORD)

        page = Client().post("/admin/login/?next=/admin/", {"username": admin.email, "password": typed})

        assert (page.status_code, page["Location"]) == (302, "/admin/")

    def test_are_not_trimmed(self, anonymous: APIClient) -> None:
        body = {"name": "Zoe", "email": "zoe@example.com", "type": "customer", "password": f" {PASSWORD} "}
        anonymous.post("/users", body)

        assert [login(body["email"], typed).status_code for typed in (PASSWORD, f" {PASSWORD} ")] == [401, 200]


class TestContracts:
    def test_compose_names(self, anonymous: APIClient) -> None:
        ticks = {"username": DECOMPOSED, "email": "zoe.3@example.com", "password": "password-1"}
        helpdesk = {"name": DECOMPOSED, "email": "zoe.4@example.com", "password": "password-1"}

        assert anonymous.post("/api/v1/auth/register", ticks).status_code == 201
        assert anonymous.post("/api/auth/register", helpdesk).status_code == 201
        assert list(User.objects.values_list("name", flat=True)) == [COMPOSED, COMPOSED]

    def test_compose_the_text_of_events(self, admin: User, signed_in: SignedIn) -> None:
        box_office = {
            "name": DECOMPOSED,
            "description": DECOMPOSED,
            "date": "2031-01-01",
            "location": DECOMPOSED,
            "ticketLimit": 5,
            "price": 10,
        }
        ticks = {"name": DECOMPOSED, "date": "2031-01-01", "totalTickets": 5}

        assert signed_in(admin).post("/initialize", box_office).status_code == 201
        assert signed_in(admin).post("/api/v1/event", ticks).status_code == 201
        assert list(Event.objects.values_list("name", flat=True)) == [COMPOSED, COMPOSED]


class TestAdmin:
    def test_composes_forms(self, admin: User) -> None:
        browser = Browser(admin)

        browser.submit("/admin/projects/project/add/", name=DECOMPOSED)

        assert Project.objects.filter(name=COMPOSED).exists()

    def test_composes_searches(self, admin: User) -> None:
        Project.objects.create(name=COMPOSED)

        page = Browser(admin).get("/admin/projects/project/", {"q": DECOMPOSED})

        assert COMPOSED in page.content.decode().split("result_list")[-1]


class TestCommands:
    def test_composes_the_name_and_the_password_of_a_superuser(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", DECOMPOSED_PASSWORD)

        call_command("createsuperuser", interactive=False, email="Root@Straße.example", name=DECOMPOSED, verbosity=0)

        user = User.objects.get()
        assert (user.name, user.email) == (COMPOSED, "Root@xn--strae-oqa.example")
        assert login("root@straße.example", PASSWORD).status_code == 200


class TestDatabase:
    @pytest.mark.parametrize(
        ("table", "columns"),
        [
            ("accounts_user", ["name"]),
            ("projects_project", ["name"]),
            ("sla_calendar", ["name"]),
            ("tickets_ticket", ["title", "type", "venue"]),
            ("events_event", ["name", "venue"]),
            ("events_booking", ["guest_first_name", "guest_last_name"]),
        ],
    )
    def test_refuses_decomposed_text(self, table: str, columns: list[str]) -> None:
        for column in columns:
            rules = psql(
                "SELECT pg_get_expr(conbin, conrelid) FROM pg_constraint WHERE conrelid = %(table)s::regclass",
                table=table,
            )
            composed = [rule for (rule,) in rules if rule == f"({column} IS NFC NORMALIZED)"]
            assert len(composed) == 1, (column, rules)

    def test_refuses_it_in_psql(self, owner: User) -> None:
        make_ticket(owner)
        with pytest.raises(CheckViolation, match="ticket_title_composed"):
            psql("UPDATE tickets_ticket SET title = %(title)s", title=DECOMPOSED)
