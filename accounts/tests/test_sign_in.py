"""The /auth endpoints: signing in and out, lockout, tokens, changing the password (document 000, section 2)."""

from collections.abc import Callable
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.db import connection
from django.test import Client
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import UntypedToken

from accounts import tokens
from accounts.models import User
from accounts.tests.api import SignedIn, login, wrong_fields
from accounts.tests.factories import PASSWORD, make_user

pytestmark = pytest.mark.django_db

ELSEWHERE = "203.0.113.7"


class TestSignIn:
    def test_returns_tokens(self, owner: User, anonymous: APIClient) -> None:
        answer = login(owner.email)

        assert answer.status_code == 200
        assert set(answer.json()) == {"token", "refresh", "expiresIn"}
        me = anonymous.get("/auth/me", HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
        assert me.json()["id"] == owner.pk

    def test_returns_an_access_token_for_an_hour(self, owner: User) -> None:
        answer = login(owner.email).json()

        access = UntypedToken(answer["token"])
        assert access["exp"] - access["iat"] == answer["expiresIn"] == 60 * 60

    def test_ignores_the_case_of_the_address(self, owner: User) -> None:
        assert login(f" {owner.email.upper()} ").status_code == 200

    def test_gives_the_same_answer_for_every_failure(self, owner: User) -> None:
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
    def test_refuses_incomplete_credentials(self, anonymous: APIClient, body: dict[str, Any]) -> None:
        assert anonymous.post("/auth/login", body).status_code == 400

    def test_ignores_a_token(self, owner: User) -> None:
        assert login(owner.email, HTTP_AUTHORIZATION="Bearer nonsense").status_code == 200

    def test_runs_eleven_queries(self, owner: User, django_assert_num_queries: Any) -> None:
        with django_assert_num_queries(11):
            login(owner.email)


class TestLockout:
    """After five failures for one account from one network address."""

    def test_starts_with_the_fifth_failure(self, owner: User) -> None:
        statuses = [login(owner.email, "wrong").status_code for _ in range(6)]

        assert statuses == [401, 401, 401, 401, 429, 429]

    def test_refuses_the_correct_password_too(self, locked_out: User) -> None:
        answer = login(locked_out.email)

        assert answer.status_code == 429
        assert answer.json()["code"] == "locked_out"
        assert answer["Retry-After"] == "900"

    @pytest.mark.parametrize("spelling", [str.upper, str.title, " {} ".format, lambda email: email.replace("s", "ſ")])
    def test_applies_to_every_spelling_of_the_address(self, spelling: Callable[[str], str]) -> None:
        sisi = make_user("Sisi Sissi", email="sisi@example.com")
        for _ in range(5):
            login(sisi.email, "wrong")

        assert login(spelling(sisi.email)).status_code == 429

    @pytest.mark.parametrize("spelling", ["x@STRAßE.example", "X@xn--strae-oqa.example", "x@ｓtraße。example"])
    def test_applies_to_every_spelling_of_the_domain(self, spelling: str) -> None:
        make_user(email="x@xn--strae-oqa.example")
        for _ in range(5):
            login("x@straße.example", "wrong")

        assert login(spelling).status_code == 429

    def test_applies_to_unknown_addresses_too(self) -> None:
        statuses = [login("nobody@example.com", "wrong").status_code for _ in range(6)]

        assert statuses == [401, 401, 401, 401, 429, 429]

    def test_does_not_affect_other_accounts(self, locked_out: User, outsider: User) -> None:
        assert login(outsider.email).status_code == 200

    def test_does_not_affect_other_network_addresses(self, locked_out: User) -> None:
        assert login(locked_out.email, REMOTE_ADDR=ELSEWHERE).status_code == 200

    def test_is_not_lifted_by_a_sign_in_from_elsewhere(self, locked_out: User) -> None:
        login(locked_out.email, REMOTE_ADDR=ELSEWHERE)

        assert login(locked_out.email).status_code == 429

    def test_ignores_the_forwarded_header_of_a_client(self, locked_out: User) -> None:
        assert login(locked_out.email, HTTP_X_FORWARDED_FOR=ELSEWHERE).status_code == 429

    def test_uses_the_forwarded_header_of_our_proxy(self, owner: User, settings: Any) -> None:
        settings.PROXY_COUNT = 1
        for attempt in range(5):
            login(owner.email, "wrong", HTTP_X_FORWARDED_FOR=f"198.51.100.{attempt}, {ELSEWHERE}")

        statuses = [
            login(owner.email, HTTP_X_FORWARDED_FOR=forwarded).status_code
            for forwarded in (f"192.0.2.1, {ELSEWHERE}", ELSEWHERE, "192.0.2.1")
        ]

        assert statuses == [429, 429, 200]

    def test_ignores_the_port_that_our_proxy_forwards(self, owner: User, settings: Any) -> None:
        settings.PROXY_COUNT = 1
        for port in range(50000, 50005):
            login(owner.email, "wrong", HTTP_X_FORWARDED_FOR=f"{ELSEWHERE}:{port}")

        statuses = [
            login(owner.email, HTTP_X_FORWARDED_FOR=forwarded).status_code
            for forwarded in (f"{ELSEWHERE}:50009", "192.0.2.1:50009", "[2001:db8::1]:443")
        ]

        assert statuses == [429, 200, 200]

    def test_counts_an_ipv6_network_as_one_address(self, owner: User) -> None:
        for attempt in range(5):
            login(owner.email, "wrong", REMOTE_ADDR=f"2001:db8:1:2::{attempt}")

        statuses = [login(owner.email, REMOTE_ADDR=f"2001:db8:1:{network}::9").status_code for network in (2, 3)]

        assert statuses == [429, 200]

    def test_starts_counting_again_after_a_success(self, owner: User) -> None:
        statuses = [login(owner.email, password).status_code for password in ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4]

        assert statuses == [401] * 4 + [200] + [401] * 4

    def test_ends_after_the_cool_off_time(self, locked_out: User, settings: Any) -> None:
        AccessAttempt.objects.update(attempt_time=AccessAttempt.objects.get().attempt_time - settings.AXES_COOLOFF_TIME)

        assert login(locked_out.email).status_code == 200

    def test_counts_overlong_addresses_without_failing(self) -> None:
        assert login("ß" * 254, "wrong").status_code == 401

    def test_applies_to_changing_the_password(self, owner: User, signed_in: SignedIn) -> None:
        change = {"currentPassword": "wrong", "password": "another, please"}

        statuses = [signed_in(owner).post("/auth/password", change).status_code for _ in range(5)]

        assert statuses == [401, 401, 401, 401, 429]
        assert login(owner.email).status_code == 429

    def test_stores_no_password(self, locked_out: User) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT to_jsonb(attempt)::text FROM axes_accessattempt AS attempt")
            (row,) = cursor.fetchone()

        assert locked_out.email.upper() in row
        assert "wrong" not in row


class TestAdminLockout:
    @staticmethod
    def sign_in(user: User, password: str = PASSWORD) -> Any:
        return Client().post("/admin/login/?next=/admin/", {"username": user.email, "password": password})

    def test_shows_a_page(self, admin: User) -> None:
        statuses = [self.sign_in(admin, "wrong").status_code for _ in range(5)]

        page = self.sign_in(admin)

        assert statuses == [200, 200, 200, 200, 429]
        assert (page.status_code, page["Retry-After"]) == (429, "900")
        assert page["Content-Type"].startswith("text/html")
        assert "for 15 minutes" in page.content.decode()

    def test_counts_failures_in_the_api_too(self, admin: User) -> None:
        for _ in range(3):
            self.sign_in(admin, "wrong")
        for _ in range(2):
            login(admin.email, "wrong")

        assert self.sign_in(admin).status_code == 429
        assert login(admin.email).status_code == 429

    def test_starts_counting_again_after_a_success(self, admin: User) -> None:
        passwords = ["wrong"] * 4 + [PASSWORD] + ["wrong"] * 4

        statuses = [self.sign_in(admin, password).status_code for password in passwords]

        assert statuses == [200] * 4 + [302] + [200] * 4


class TestRenewTokens:
    def test_returns_new_tokens(self, owner: User, anonymous: APIClient) -> None:
        old = login(owner.email).json()

        answer = anonymous.post("/auth/refresh", {"refresh": old["refresh"]})

        assert answer.status_code == 200
        assert set(answer.json()) == {"token", "refresh", "expiresIn"}
        assert answer.json()["expiresIn"] == 60 * 60
        me = anonymous.get("/auth/me", HTTP_AUTHORIZATION=f"Bearer {answer.json()['token']}")
        assert me.status_code == 200

    def test_gives_each_of_two_tabs_a_pair(self, owner: User, anonymous: APIClient) -> None:
        old = login(owner.email).json()["refresh"]

        pairs = [anonymous.post("/auth/refresh", {"refresh": old}).json() for _ in range(2)]

        renewed = [anonymous.post("/auth/refresh", {"refresh": pair["refresh"]}).status_code for pair in pairs]
        assert renewed == [200, 200]

    def test_refuses_a_used_token_and_then_its_successor(
        self, owner: User, anonymous: APIClient, settings: Any
    ) -> None:
        settings.REFRESH_GRACE_SECONDS = 0
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
    def test_refuses_invalid_tokens(self, anonymous: APIClient, body: dict[str, Any], status: int) -> None:
        assert anonymous.post("/auth/refresh", body).status_code == status

    def test_runs_nine_queries(self, owner: User, anonymous: APIClient, django_assert_num_queries: Any) -> None:
        refresh = tokens.issue(owner).refresh

        with django_assert_num_queries(9):
            anonymous.post("/auth/refresh", {"refresh": refresh})


class TestSignOut:
    def test_revokes_the_token(self, owner: User, anonymous: APIClient) -> None:
        refresh = tokens.issue(owner).refresh

        answer = anonymous.post("/auth/logout", {"refresh": refresh})

        assert (answer.status_code, answer.content) == (204, b"")
        assert anonymous.post("/auth/refresh", {"refresh": refresh}).status_code == 401

    def test_refuses_a_second_time(self, owner: User, anonymous: APIClient) -> None:
        refresh = tokens.issue(owner).refresh

        statuses = [anonymous.post("/auth/logout", {"refresh": refresh}).status_code for _ in range(2)]

        assert statuses == [204, 401]

    def test_runs_eleven_queries(self, owner: User, anonymous: APIClient, django_assert_num_queries: Any) -> None:
        refresh = tokens.issue(owner).refresh

        with django_assert_num_queries(11):
            anonymous.post("/auth/logout", {"refresh": refresh})


class TestMe:
    def test_returns_the_signed_in_user(self, owner: User, signed_in: SignedIn) -> None:
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
            "version": 1,
        }

    def test_requires_a_token(self, anonymous: APIClient) -> None:
        answer = anonymous.get("/auth/me")

        assert answer.status_code == 401
        assert answer["WWW-Authenticate"].startswith("Bearer")
        assert answer.json()["code"] == "unauthenticated"

    def test_does_not_accept_an_admin_session(self, admin: User, client: Client) -> None:
        client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})

        assert client.get("/auth/me").status_code == 401

    @pytest.mark.parametrize(
        "header", ["Bearer", "Bearer x", "Bearer a.b.c", "Bearer \xff", "Bearer a b", "bearer x y z"]
    )
    def test_refuses_an_invalid_token(self, anonymous: APIClient, header: str) -> None:
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

    def test_refuses_a_deleted_user(self, owner: User, signed_in: SignedIn) -> None:
        api = signed_in(owner)
        owner.delete()

        assert api.get("/auth/me").status_code == 401

    def test_runs_one_query(self, owner: User, signed_in: SignedIn, django_assert_num_queries: Any) -> None:
        api = signed_in(owner)

        with django_assert_num_queries(1):
            api.get("/auth/me")


class TestChangePassword:
    CHANGE = {"currentPassword": PASSWORD, "password": " another, please "}

    def test_does_not_trim_the_password(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).post("/auth/password", self.CHANGE)

        assert (answer.status_code, answer.content) == (204, b"")
        statuses = [login(owner.email, password).status_code for password in (" another, please ", PASSWORD)]
        assert statuses == [200, 401]

    def test_revokes_all_earlier_tokens(self, owner: User, signed_in: SignedIn, anonymous: APIClient) -> None:
        here, there = signed_in(owner), signed_in(owner)
        refresh = tokens.issue(owner).refresh

        here.post("/auth/password", self.CHANGE)

        assert [api.get("/auth/me").status_code for api in (here, there)] == [401, 401]
        assert anonymous.post("/auth/refresh", {"refresh": refresh}).status_code == 401

    def test_does_not_revoke_tokens_of_other_users(self, owner: User, outsider: User, signed_in: SignedIn) -> None:
        api = signed_in(outsider)

        signed_in(owner).post("/auth/password", self.CHANGE)

        assert api.get("/auth/me").status_code == 200

    def test_ends_the_admin_session(self, admin: User, signed_in: SignedIn, client: Client) -> None:
        client.post("/admin/login/", {"username": admin.email, "password": PASSWORD})
        before = client.get("/admin/").status_code

        signed_in(admin).post("/auth/password", self.CHANGE)

        assert (before, client.get("/admin/").status_code) == (200, 302)

    def test_requires_the_current_one(self, owner: User, signed_in: SignedIn) -> None:
        answer = signed_in(owner).post("/auth/password", self.CHANGE | {"currentPassword": "wrong"})

        assert answer.status_code == 401
        assert login(owner.email).status_code == 200

    @pytest.mark.parametrize("password", ["password123", "sh*rt"])
    def test_refuses_a_weak_one(self, owner: User, signed_in: SignedIn, password: str) -> None:
        answer = signed_in(owner).post("/auth/password", self.CHANGE | {"password": password})

        assert answer.status_code == 400
        assert wrong_fields(answer) == ["password"]

    def test_requires_a_token(self, anonymous: APIClient) -> None:
        assert anonymous.post("/auth/password", self.CHANGE).status_code == 401

    def test_runs_eight_queries(self, owner: User, signed_in: SignedIn, django_assert_num_queries: Any) -> None:
        api = signed_in(owner)

        with django_assert_num_queries(8):
            api.post("/auth/password", self.CHANGE)
