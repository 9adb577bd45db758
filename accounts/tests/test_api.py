"""Users and sign-in over HTTP (CONTRACTS: users and sign-in; document 000, sections 1 and 2)."""

from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import UntypedToken

from accounts import tokens
from accounts.models import User, UserType
from accounts.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]

NEWCOMER = {"name": "Nora New", "email": "nora@example.com", "type": "customer", "password": "open, sesame"}
ELSEWHERE = "203.0.113.7"


def login(email: str, password: str = PASSWORD, **extra: Any) -> Any:
    return APIClient().post("/auth/login", {"email": email, "password": password}, **extra)


def wrong_fields(answer: Any) -> list[str]:
    return list(dict.fromkeys(fault["field"] for fault in answer.json()["errors"]))


class TestSignUp:
    def test_answers_with_three_keys(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", NEWCOMER)

        assert answer.status_code == 201
        assert answer.json() == {"id": User.objects.get().pk, "name": "Nora New", "email": "nora@example.com"}

    def test_lets_one_sign_in(self, anonymous: APIClient) -> None:
        anonymous.post("/users", NEWCOMER)

        assert login("nora@example.com", "open, sesame").status_code == 200

    @pytest.mark.parametrize("field", ["name", "email", "type", "password"])
    @pytest.mark.parametrize("value", ["", None, True, 7, [], {}, "a\u0000b", "   "])
    def test_refuses_what_is_no_value(self, anonymous: APIClient, field: str, value: Any) -> None:
        answer = anonymous.post("/users", NEWCOMER | {field: value})

        assert answer.status_code == 400
        assert wrong_fields(answer) == [field]

    @pytest.mark.parametrize("field", ["name", "email", "type", "password"])
    def test_refuses_what_is_missing(self, anonymous: APIClient, field: str) -> None:
        answer = anonymous.post("/users", {name: value for name, value in NEWCOMER.items() if name != field})

        assert answer.status_code == 400
        assert wrong_fields(answer) == [field]

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", "Al"),
            ("name", " Al "),
            ("name", "A" * 151),
            ("name", "Nora\r\nNew"),
            ("name", "Nora\x1bNew"),
            ("name", "Nora\u2028New"),
            ("email", "nora"),
            ("email", "nora@"),
            ("email", "nora@example.com, olga@example.com"),
            ("email", "no ra@example.com"),
            ("email", "nora\r\n@example.com"),
            ("email", "n" * 255 + "@example.com"),
            ("type", "agent"),
            ("type", "customers"),
            ("type", "Customer"),
            ("type", "customer "),
            ("password", "password123"),
            ("password", "p@ss"),
            ("password", "p@" + "s" * 999),
        ],
    )
    def test_refuses(self, anonymous: APIClient, field: str, value: str) -> None:
        answer = anonymous.post("/users", NEWCOMER | {field: value})

        assert answer.status_code == 400
        assert wrong_fields(answer) == [field]
        assert not User.objects.exists()

    def test_names_every_fault_at_once(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", {"name": "Al", "email": "nora", "type": "boss"})

        assert wrong_fields(answer) == ["name", "email", "type", "password"]

    def test_trims_names_and_not_passwords(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", NEWCOMER | {"name": "  Nora New ", "password": "  sesame "})

        assert answer.json()["name"] == "Nora New"
        assert login("nora@example.com", "  sesame ").status_code == 200
        assert login("nora@example.com", "sesame").status_code == 401

    def test_ignores_unknown_keys(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", NEWCOMER | {"is_superuser": True, "id": 7, "isActive": False})

        assert answer.status_code == 201
        assert User.objects.filter(is_superuser=False, is_active=True).exists()

    @pytest.mark.parametrize("type", ["customer", "admin"])
    def test_refuses_a_taken_address_in_any_case_and_type(self, admin: User, signed_in: SignedIn, type: str) -> None:  # noqa: A002
        make_user(email="Nora@Example.com", type=UserType.AGENT)

        answer = signed_in(admin).post("/users", NEWCOMER | {"type": type, "email": "NORA@example.com"})

        assert answer.status_code == 409
        assert (answer.json()["code"], answer.json()["message"]) == ("email_taken", "Email already in use")
        assert wrong_fields(answer) == ["email"]

    def test_takes_only_admins_word_for_staff(
        self, owner: User, agent: User, admin: User, signed_in: SignedIn, anonymous: APIClient
    ) -> None:
        callers = [anonymous, signed_in(owner), signed_in(agent), signed_in(admin)]

        answers = [caller.post("/users", NEWCOMER | {"type": "admin"}) for caller in callers]

        assert [answer.status_code for answer in answers] == [403, 403, 403, 201]
        assert answers[0].json()["code"] == "staff_signup_closed"

    def test_lets_anybody_be_an_admin_while_that_is_open(self, anonymous: APIClient, settings: Any) -> None:
        settings.STAFF_SIGNUP = True

        answer = anonymous.post("/users", NEWCOMER | {"type": "admin"})

        assert answer.status_code == 201
        assert User.objects.get().is_admin

    def test_lets_admins_alone_name_agents(self, owner: User, admin: User, signed_in: SignedIn, settings: Any) -> None:
        settings.STAFF_SIGNUP = True

        answers = [signed_in(user).post("/users", NEWCOMER | {"type": "agent"}) for user in (owner, admin)]

        assert [answer.status_code for answer in answers] == [400, 201]

    def test_lets_admins_alone_leave_the_type_out(self, owner: User, admin: User, signed_in: SignedIn) -> None:
        typeless = {name: value for name, value in NEWCOMER.items() if name != "type"}

        answers = [signed_in(user).post("/users", typeless) for user in (owner, admin)]

        assert [answer.status_code for answer in answers] == [400, 201]
        assert User.objects.get(email="nora@example.com").type == UserType.CUSTOMER

    def test_refuses_a_bad_token_rather_than_forgetting_it(self, anonymous: APIClient) -> None:
        answer = anonymous.post("/users", NEWCOMER, HTTP_AUTHORIZATION="Bearer nonsense")

        assert answer.status_code == 401

    def test_costs_a_fixed_number_of_queries(self, anonymous: APIClient, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(3):
            anonymous.post("/users", NEWCOMER)


class TestLogin:
    def test_answers_with_tokens(self, owner: User, anonymous: APIClient) -> None:
        answer = login(owner.email)

        assert answer.status_code == 200
        assert set(answer.json()) == {"token", "refresh"}
        me = anonymous.get("/auth/me", HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
        assert me.json()["id"] == owner.pk

    def test_gives_an_access_token_of_an_hour(self, owner: User) -> None:
        access = UntypedToken(login(owner.email).json()["token"])

        assert access["exp"] - access["iat"] == 60 * 60

    def test_reads_an_address_in_any_case(self, owner: User) -> None:
        assert login(f" {owner.email.upper()} ").status_code == 200

    def test_refuses_all_alike(self, owner: User) -> None:
        deactivated = make_user(is_active=False)

        refusals = [
            login(owner.email, "wrong"),
            login(owner.email, PASSWORD + " "),
            login(deactivated.email),
            login("nobody@example.com"),
        ]

        assert {answer.status_code for answer in refusals} == {401}
        assert {answer.json()["message"] for answer in refusals} == {"Invalid email or password"}
        assert (
            len(
                {
                    tuple(sorted(set(answer.json().items()) - {("requestId", answer["X-Request-ID"])}))
                    for answer in refusals
                }
            )
            == 1
        )

    @pytest.mark.parametrize("body", [{}, {"email": "a@example.com"}, {"password": "x"}, {"email": [], "password": {}}])
    def test_refuses_half_a_request(self, anonymous: APIClient, body: dict[str, Any]) -> None:
        assert anonymous.post("/auth/login", body).status_code == 400

    def test_does_not_look_at_a_token(self, owner: User) -> None:
        assert login(owner.email, HTTP_AUTHORIZATION="Bearer nonsense").status_code == 200

    def test_costs_a_fixed_number_of_queries(self, owner: User, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(6):
            login(owner.email)


class TestLockout:
    """Five failures for one account from one address close that door."""

    @pytest.fixture
    def locked_out(self, owner: User) -> User:
        for _ in range(5):
            login(owner.email, "wrong")
        return owner

    def test_begins_with_the_fifth_failure(self, owner: User) -> None:
        statuses = [login(owner.email, "wrong").status_code for _ in range(6)]

        assert statuses == [401, 401, 401, 401, 429, 429]

    def test_refuses_the_right_password_too(self, locked_out: User) -> None:
        answer = login(locked_out.email)

        assert answer.status_code == 429
        assert answer.json()["code"] == "locked_out"
        assert answer["Retry-After"] == "900"

    @pytest.mark.parametrize("spelling", [str.upper, str.title, " {} ".format, lambda email: email.replace("s", "ſ")])
    def test_knows_the_account_in_other_spellings(self, spelling: Callable[[str], str]) -> None:
        sisi = make_user("Sisi Sissi", email="sisi@example.com")
        for _ in range(5):
            login(sisi.email, "wrong")

        assert login(spelling(sisi.email)).status_code == 429

    def test_holds_for_unknown_addresses_alike(self) -> None:
        statuses = [login("nobody@example.com", "wrong").status_code for _ in range(6)]

        assert statuses == [401, 401, 401, 401, 429, 429]

    def test_leaves_another_account_alone(self, locked_out: User, outsider: User) -> None:
        assert login(outsider.email).status_code == 200

    def test_leaves_another_address_alone(self, locked_out: User) -> None:
        assert login(locked_out.email, REMOTE_ADDR=ELSEWHERE).status_code == 200

    def test_stays_when_somebody_signs_in_elsewhere(self, locked_out: User) -> None:
        login(locked_out.email, REMOTE_ADDR=ELSEWHERE)

        assert login(locked_out.email).status_code == 429

    def test_does_not_believe_the_caller_about_the_address(self, locked_out: User) -> None:
        assert login(locked_out.email, HTTP_X_FORWARDED_FOR=ELSEWHERE).status_code == 429

    def test_believes_a_proxy_of_ours_about_the_address(self, owner: User, settings: Any) -> None:
        settings.PROXY_COUNT = 1
        for attempt in range(5):
            login(owner.email, "wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{attempt}, {ELSEWHERE}")

        statuses = [
            login(owner.email, HTTP_X_FORWARDED_FOR=forwarded).status_code
            for forwarded in (f"192.0.2.1, {ELSEWHERE}", ELSEWHERE, "192.0.2.1")
        ]

        assert statuses == [429, 429, 200]

    def test_takes_an_ipv6_network_for_one_caller(self, owner: User) -> None:
        for attempt in range(5):
            login(owner.email, "wrong", REMOTE_ADDR=f"2001:db8:1:2::{attempt}")

        statuses = [login(owner.email, REMOTE_ADDR=f"2001:db8:1:{network}::9").status_code for network in (2, 3)]

        assert statuses == [429, 200]

    def test_starts_from_nothing_after_a_success(self, owner: User) -> None:
        statuses = [login(owner.email, password).status_code for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4]

        assert statuses == [401] * 4 + [200] + [401] * 4

    def test_ends_after_a_while(self, locked_out: User, settings: Any) -> None:
        AccessAttempt.objects.update(attempt_time=AccessAttempt.objects.get().attempt_time - settings.AXES_COOLOFF_TIME)

        assert login(locked_out.email).status_code == 200

    def test_takes_an_address_of_any_length(self) -> None:
        assert login("ß" * 254, "wrong").status_code == 401

    def test_holds_for_changing_the_password(self, owner: User, signed_in: SignedIn) -> None:
        change = {"currentPassword": "wrong", "password": "another, please"}

        statuses = [signed_in(owner).post("/auth/password", change).status_code for _ in range(5)]

        assert statuses == [401, 401, 401, 401, 429]
        assert login(owner.email).status_code == 429

    def test_keeps_no_password(self, locked_out: User) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_jsonb(attempt)::text FROM axes_accessattempt AS attempt")
            (row,) = cursor.fetchone()

        assert locked_out.email.upper() in row
        assert "wrong" not in row


class TestLockoutAtTheAdmin:
    @staticmethod
    def sign_in(user: User, password: str = PASSWORD) -> Any:
        return Client().post("/admin/login/?next=/admin/", {"username": user.email, "password": password})

    def test_is_a_page(self, admin: User) -> None:
        statuses = [self.sign_in(admin, "wrong").status_code for _ in range(5)]

        page = self.sign_in(admin)

        assert statuses == [200, 200, 200, 200, 429]
        assert (page.status_code, page["Retry-After"]) == (429, "900")
        assert page["Content-Type"].startswith("text/html")
        assert "for 15 minutes" in page.content.decode()

    def test_is_the_same_as_at_the_api(self, admin: User) -> None:
        for _ in range(3):
            self.sign_in(admin, "wrong")
        for _ in range(2):
            login(admin.email, "wrong")

        assert self.sign_in(admin).status_code == 429
        assert login(admin.email).status_code == 429

    def test_is_forgotten_after_a_success(self, admin: User) -> None:
        passwords = ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4

        statuses = [self.sign_in(admin, password).status_code for password in passwords]

        assert statuses == [200] * 4 + [302] + [200] * 4


class TestRefresh:
    def test_answers_with_new_tokens(self, owner: User, anonymous: APIClient) -> None:
        old = login(owner.email).json()

        answer = anonymous.post("/auth/refresh", {"refresh": old["refresh"]})

        assert answer.status_code == 200
        assert set(answer.json()) == {"token", "refresh"}
        me = anonymous.get("/auth/me", HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
        assert me.status_code == 200

    def test_refuses_the_old_one_and_then_the_new_one(self, owner: User, anonymous: APIClient) -> None:
        old = login(owner.email).json()["refresh"]
        new = anonymous.post("/auth/refresh", {"refresh": old}).json()["refresh"]

        refusals = [anonymous.post("/auth/refresh", {"refresh": refresh}) for refresh in (old, new)]

        assert [answer.status_code for answer in refusals] == [401, 401]
        assert {answer.json()["code"] for answer in refusals} == {"invalid_token"}

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({}, 400),
            ({"refresh": 7}, 400),
            ({"refresh": ""}, 400),
            ({"refresh": "a\u0000b"}, 400),
            ({"refresh": "x"}, 401),
        ],
    )
    def test_refuses(self, anonymous: APIClient, body: dict[str, Any], status: int) -> None:
        assert anonymous.post("/auth/refresh", body).status_code == status

    def test_costs_a_fixed_number_of_queries(
        self, owner: User, anonymous: APIClient, django_assert_num_queries: Any
    ) -> None:
        refresh = tokens.issue(owner).refresh

        with django_assert_num_queries(9):
            anonymous.post("/auth/refresh", {"refresh": refresh})


class TestLogout:
    def test_ends_the_session(self, owner: User, anonymous: APIClient) -> None:
        refresh = tokens.issue(owner).refresh

        answer = anonymous.post("/auth/logout", {"refresh": refresh})

        assert (answer.status_code, answer.content) == (204, b"")
        assert anonymous.post("/auth/refresh", {"refresh": refresh}).status_code == 401

    def test_refuses_a_second_time(self, owner: User, anonymous: APIClient) -> None:
        refresh = tokens.issue(owner).refresh

        statuses = [anonymous.post("/auth/logout", {"refresh": refresh}).status_code for _ in range(2)]

        assert statuses == [204, 401]

    def test_costs_a_fixed_number_of_queries(
        self, owner: User, anonymous: APIClient, django_assert_num_queries: Any
    ) -> None:
        refresh = tokens.issue(owner).refresh

        with django_assert_num_queries(8):
            anonymous.post("/auth/logout", {"refresh": refresh})


class TestMe:
    def test_shows_oneself(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).get("/auth/me")

        assert answer.status_code == 200
        created_at = answer.json().pop("createdAt")
        assert created_at.endswith("Z")
        assert answer.json() | {"createdAt": created_at} == {
            "id": owner.pk,
            "name": owner.name,
            "email": owner.email,
            "type": "customer",
            "isActive": True,
            "createdAt": created_at,
        }

    def test_needs_a_token(self, anonymous: APIClient) -> None:
        answer = anonymous.get("/auth/me")

        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["code"] == "unauthenticated"

    def test_does_not_take_a_session_of_the_admin_for_one(self, admin: User, client: Client) -> None:
        client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})

        assert client.get("/auth/me").status_code == 401

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer x", "Bearer a.b.c", "Bearer \xff", "Bearer a b", "bearer x y z"]
    )
    def test_refuses_a_bad_token(self, anonymous: APIClient, header: str) -> None:
        assert anonymous.get("/auth/me", HTTP_AUTHORIZATION=header).status_code == 401

    def test_refuses_a_refresh_token(self, owner: User, anonymous: APIClient) -> None:
        refresh = tokens.issue(owner).refresh

        assert anonymous.get("/auth/me", HTTP_AUTHORIZATION=f"Bearer {refresh}").status_code == 401

    def test_refuses_a_deactivated_user(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        User.objects.filter(pk=owner.pk).update(is_active=False)

        answer = api.get("/auth/me")

        assert answer.status_code == 401
        assert answer.json()["code"] == "invalid_token"

    def test_refuses_a_user_who_is_gone(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        owner.delete()

        assert api.get("/auth/me").status_code == 401

    def test_costs_one_query(self, owner: User, signed_in: SignedIn, django_assert_num_queries: Any) -> None:
        api = signed_in(owner)

        with django_assert_num_queries(1):
            api.get("/auth/me")


class TestChangePassword:
    CHANGE = {"currentPassword": PASSWORD, "password": " another, please "}

    def test_sets_it_as_it_was_sent(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).post("/auth/password", self.CHANGE)

        assert (answer.status_code, answer.content) == (204, b"")
        statuses = [login(owner.email, password).status_code for password in (" another, please ", PASSWORD)]
        assert statuses == [200, 401]

    def test_kills_every_earlier_token(self, owner: User, signed_in: SignedIn, anonymous: APIClient) -> None:
        here, there = signed_in(owner), signed_in(owner)
        refresh = tokens.issue(owner).refresh

        here.post("/auth/password", self.CHANGE)

        assert [api.get("/auth/me").status_code for api in (here, there)] == [401, 401]
        assert anonymous.post("/auth/refresh", {"refresh": refresh}).status_code == 401

    def test_leaves_other_peoples_tokens_alone(self, owner: User, outsider: User, signed_in: SignedIn) -> None:
        api = signed_in(outsider)

        signed_in(owner).post("/auth/password", self.CHANGE)

        assert api.get("/auth/me").status_code == 200

    def test_ends_the_session_of_the_admin(self, admin: User, signed_in: SignedIn, client: Client) -> None:
        client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})
        before = client.get("/admin/").status_code

        signed_in(admin).post("/auth/password", self.CHANGE)

        assert (before, client.get("/admin/").status_code) == (200, 302)

    def test_needs_the_current_one(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).post("/auth/password", self.CHANGE | {"currentPassword": "wrong"})

        assert answer.status_code == 401
        assert login(owner.email).status_code == 200

    @pytest.mark.parametrize("password", ["password123", "sh*rt"])
    def test_refuses_a_weak_one(self, owner: User, signed_in: SignedIn, password: str) -> None:
        answer = signed_in(owner).post("/auth/password", self.CHANGE | {"password": password})

        assert answer.status_code == 400
        assert wrong_fields(answer) == ["password"]

    def test_needs_a_token(self, anonymous: APIClient) -> None:
        assert anonymous.post("/auth/password", self.CHANGE).status_code == 401

    def test_costs_a_fixed_number_of_queries(
        self, owner: User, signed_in: SignedIn, django_assert_num_queries: Any
    ) -> None:
        api = signed_in(owner)

        with django_assert_num_queries(4):
            api.post("/auth/password", self.CHANGE)
