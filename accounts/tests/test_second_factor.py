"""The second factor: when the admin asks for it, and how it is set up, entered and reset."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.utils import timezone
from django_otp.oath import TOTP
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts import second_factor, services
from accounts.admin.second_factor_page import KEY_IN_SESSION
from accounts.models import AuthenticatorApp, User, UserType
from accounts.tests.factories import PASSWORD, make_user
from kit import encryption
from kit.errors import Busy, Forbidden
from kit.tests.browser import Browser
from kit.tests.races import during
from ticketing.tests.pages import everything, make_examples

PAGE = "/admin/second-factor/"


@pytest.fixture
def required(settings: Any) -> None:
    settings.ADMIN_SECOND_FACTOR = True


def code_of(key: str, *, steps: int = 0) -> str:
    """Return the code that an app with this encrypted key shows `steps` half minutes from now."""
    app = TOTP(bytes.fromhex(encryption.decrypt(key)), drift=steps)
    return f"{app.token():06}"


def set_up(user: User) -> tuple[AuthenticatorApp, list[str]]:
    """Set up a second factor whose current code is still unused. Return the app and the recovery codes."""
    key = second_factor.new_key()
    _, codes = second_factor.set_up(user=user, key=key, code=code_of(key))
    TOTPDevice.objects.filter(user=user).update(last_t=-1)
    return AuthenticatorApp.objects.get(user=user), codes


def wrong_code(key: str) -> str:
    """Return a code that is wrong now and in the half minutes before and after."""
    right = {code_of(key, steps=steps) for steps in (-1, 0, 1)}
    return next(code for code in ("000000", "111111", "222222", "333333") if code not in right)


def end_wait(user: User) -> None:
    """Pretend that the wait after a wrong code is over."""
    TOTPDevice.objects.filter(user=user).update(throttling_failure_timestamp=timezone.now() - timedelta(hours=1))


class TestMiddleware:
    EXEMPT = {"login", "logout", "second_factor"}

    def test_lets_staff_in_unless_the_setting_is_on(self, agent: User) -> None:
        set_up(agent)

        assert Browser(agent).get("/admin/").status_code == 200
        assert Browser(agent).get(PAGE)["Location"] == "/admin/"

    @pytest.mark.parametrize("is_set_up", [True, False])
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_redirects_every_page_until_the_second_factor_is_entered(
        self, required: None, superuser: User, method: str, is_set_up: bool
    ) -> None:
        if is_set_up:
            set_up(superuser)
        closed = {page.url for page in everything(make_examples()) if page.key not in self.EXEMPT}
        browser = Browser(superuser)

        answers = {url: getattr(browser, method)(url) for url in [*closed, "/admin/nothing/here/"]}

        assert {url: answer.status_code for url, answer in answers.items()} == dict.fromkeys(answers, 302)
        assert all(answer["Location"] == f"{PAGE}?next={url}" for url, answer in answers.items())

    def test_acts_after_the_password(self, required: None, agent: User) -> None:
        answer = Client().post("/admin/login/", {"username": agent.email, "password": PASSWORD}, follow=True)

        assert answer.redirect_chain == [("/admin/", 302), (f"{PAGE}?next=/admin/", 302)]
        assert answer.status_code == 200

    @pytest.mark.parametrize("is_customer", [True, False])
    def test_sends_non_staff_to_the_sign_in_page(self, required: None, owner: User, is_customer: bool) -> None:
        browser = Browser(owner) if is_customer else Client()

        for page in ("/admin/", PAGE):
            assert browser.get(page)["Location"].startswith("/admin/login/")

    def test_allows_signing_out(self, required: None, agent: User) -> None:
        browser = Browser(agent)

        browser.post("/admin/logout/")

        assert "_auth_user_id" not in browser.session

    def test_does_not_affect_the_api(self, required: None, agent: User) -> None:
        api = Client()
        answer = api.post(
            "/auth/login", {"email": agent.email, "password": PASSWORD}, content_type="application/json"
        ).json()

        tickets = api.get("/tickets", headers={"Authorization": f"Bearer {answer['token']}"})

        assert tickets.status_code == 200

    def test_lets_the_rest_of_the_session_in(self, required: None, agent: User) -> None:
        app, _ = set_up(agent)
        browser = Browser(agent)
        browser.post(PAGE, {"code": code_of(app.key)})

        assert browser.get("/admin/tickets/ticket/").status_code == 200
        assert browser.get(PAGE)["Location"] == "/admin/"
        assert Browser(agent).get("/admin/").status_code == 302


class TestSetUp:
    @pytest.fixture
    def browser(self, required: None, agent: User) -> Browser:
        return Browser(agent)

    @staticmethod
    def key_shown_to(browser: Browser) -> str:
        browser.get(PAGE)
        return str(browser.session[KEY_IN_SESSION])

    def test_shows_the_secret_as_qr_code_link_and_text(self, browser: Browser, agent: User) -> None:
        page = browser.get(PAGE)

        secret = page.context["secret"]
        text = page.content.decode()
        assert len(secret.replace(" ", "")) == 32
        assert secret in text
        assert f"secret={secret.replace(' ', '')}" in text
        assert "otpauth://totp/Ticketing%3A" in text
        assert "<svg" in text
        assert 'src="http' not in text
        assert "no-store" in page["Cache-Control"]

    def test_shows_recovery_codes_once(self, browser: Browser, agent: User) -> None:
        code = code_of(self.key_shown_to(browser))

        answer = browser.post(f"{PAGE}?next=/admin/tickets/ticket/", {"code": code})

        codes = [encryption.decrypt(stored) for stored in StaticToken.objects.values_list("token", flat=True)]
        assert answer.context["codes"] == codes
        assert len(set(codes)) == second_factor.RECOVERY_CODES
        assert all(code in answer.content.decode() for code in codes)
        assert 'href="/admin/tickets/ticket/"' in answer.content.decode()
        assert browser.get("/admin/").status_code == 200
        again = browser.post(f"{PAGE}?next=/admin/tickets/ticket/", {"code": code})
        assert again["Location"] == "/admin/tickets/ticket/"

    def test_leaves_no_secret_in_the_session(self, browser: Browser) -> None:
        browser.post(PAGE, {"code": code_of(self.key_shown_to(browser))})

        assert KEY_IN_SESSION not in browser.session

    @pytest.mark.parametrize("code", ["", "12", "no code", "9" * 51, "１２３４５６"])
    def test_requires_a_code_of_the_app(self, browser: Browser, agent: User, code: str) -> None:
        key = self.key_shown_to(browser)

        answer = browser.post(PAGE, {"code": code})

        assert answer.status_code == 200
        assert answer.context["form"].errors["code"]
        assert not TOTPDevice.objects.exists()
        assert self.key_shown_to(browser) == key

    def test_is_refused_if_no_secret_was_shown(self, browser: Browser) -> None:
        answer = browser.post(PAGE, {"code": code_of(encryption.encrypt(""))})

        assert answer.status_code == 200
        assert not TOTPDevice.objects.exists()

    def test_uses_a_different_secret_in_each_session(self, browser: Browser, agent: User) -> None:
        assert self.key_shown_to(browser) != self.key_shown_to(Browser(agent))

    def test_is_refused_a_second_time(self, browser: Browser, agent: User) -> None:
        key = self.key_shown_to(browser)
        set_up(agent)

        with pytest.raises(second_factor.AlreadySetUp):
            second_factor.set_up(user=agent, key=key, code=code_of(key))

        assert TOTPDevice.objects.count() == 1

    def test_uses_its_code_up(self, browser: Browser, agent: User) -> None:
        code = code_of(self.key_shown_to(browser))
        browser.post(PAGE, {"code": code})

        with pytest.raises(second_factor.WrongCode):
            second_factor.verify(user=agent, code=code)


class TestCode:
    @pytest.mark.parametrize(
        ("destination", "redirected_to"),
        [
            ("/admin/projects/project/?q=web", "/admin/projects/project/?q=web"),
            ("https://elsewhere.example.com/", "/admin/"),
            ("//elsewhere.example.com/", "/admin/"),
            ("", "/admin/"),
        ],
    )
    def test_redirects_to_the_requested_page_of_this_site(
        self, required: None, agent: User, destination: str, redirected_to: str
    ) -> None:
        app, _ = set_up(agent)

        answer = Browser(agent).post(
            f"{PAGE}?{'next=' + destination if destination else ''}", {"code": code_of(app.key)}
        )

        assert answer["Location"] == redirected_to

    def test_changes_the_session_key(self, required: None, agent: User) -> None:
        app, _ = set_up(agent)
        browser = Browser(agent)
        before = browser.session.session_key

        browser.post(PAGE, {"code": code_of(app.key)})

        assert browser.session.session_key != before

    def test_may_contain_spaces_and_hyphens(self, agent: User) -> None:
        app, codes = set_up(agent)
        code = code_of(app.key)

        assert second_factor.verify(user=agent, code=f" {code[:3]} {code[3:]} ") == app
        assert second_factor.verify(user=agent, code=f"{codes[0][:4]}-{codes[0][4:]}".upper())

    def test_works_once(self, agent: User) -> None:
        app, codes = set_up(agent)
        for code in (code_of(app.key), codes[0]):
            second_factor.verify(user=agent, code=code)

            with pytest.raises(second_factor.WrongCode):
                second_factor.verify(user=agent, code=code)

        assert second_factor.recovery_codes_left(agent) == second_factor.RECOVERY_CODES - 1

    def test_of_another_user_is_refused(self, agent: User, admin: User) -> None:
        set_up(agent)
        app, codes = set_up(admin)

        for code in (code_of(app.key), codes[0]):
            with pytest.raises(second_factor.WrongCode):
                second_factor.verify(user=agent, code=code)

    def test_must_wait_after_a_wrong_one_even_if_correct(self, required: None, agent: User) -> None:
        app, _ = set_up(agent)
        browser = Browser(agent)

        wrong = browser.post(PAGE, {"code": wrong_code(app.key)})
        right = browser.post(PAGE, {"code": code_of(app.key)})

        assert (wrong.status_code, right.status_code) == (200, 429)
        assert wrong.context["form"].errors == {"code": ["Invalid or expired code."]}
        assert right["Retry-After"] == "1"
        assert "Too many wrong codes. Try again in 1 second." in right.content.decode()
        end_wait(agent)
        assert browser.post(PAGE, {"code": code_of(app.key)}).status_code == 302

    def test_must_wait_twice_as_long_after_each_wrong_one(self, agent: User) -> None:
        app, _ = set_up(agent)
        waits = []
        for _ in range(4):
            end_wait(agent)
            with pytest.raises(second_factor.WrongCode):
                second_factor.verify(user=agent, code=wrong_code(app.key))
            with pytest.raises(second_factor.TooManyWrongCodes) as refusal:
                second_factor.verify(user=agent, code=code_of(app.key))
            waits.append(refusal.value.retry_after)

        assert waits == [1, 2, 4, 8]

    @pytest.mark.parametrize("is_recovery_code", [True, False])
    def test_allows_setting_up_another_app(self, required: None, agent: User, is_recovery_code: bool) -> None:
        app, codes = set_up(agent)
        browser, page = Browser(agent), f"{PAGE}?next=/admin/tickets/ticket/"

        code = codes[0] if is_recovery_code else code_of(app.key)
        answer = browser.post(page, {"code": code, "set_up_again": "on"})

        assert answer["Location"] == page
        assert "secret" in browser.get(page).context
        assert browser.get("/admin/").status_code == 302
        assert second_factor.recovery_codes_left(agent) == 0

    def test_that_is_wrong_does_not_allow_setting_up_another_app(self, required: None, agent: User) -> None:
        app, _ = set_up(agent)

        Browser(agent).post(PAGE, {"code": wrong_code(app.key), "set_up_again": "on"})

        assert second_factor.is_set_up(agent)

    def test_gives_up_when_a_row_stays_locked(self, required: None, transactional_db: None) -> None:
        agent = make_user("Agnes Agent", type=UserType.AGENT)
        app, _ = set_up(agent)
        browser = Browser(agent)
        holder = connection.copy()
        try:
            with holder.cursor() as cursor, connection.cursor() as ours:
                cursor.execute("BEGIN; SELECT FROM otp_totp_totpdevice FOR UPDATE")
                ours.execute("SET lock_timeout = '100ms'")
                answer = browser.post(PAGE, {"code": code_of(app.key)})
        finally:
            holder.close()
            connection.close()

        assert answer.context["form"].errors == {"code": [f"{Busy.message}."]}


@pytest.mark.slow
@pytest.mark.django_db(transaction=True, serialized_rollback=True)
class TestRaces:
    @pytest.fixture
    def agent(self) -> User:
        return make_user("Agnes Agent", type=UserType.AGENT)

    def test_set_up_one_of_two_apps(self, agent: User) -> None:
        def enter() -> Any:
            key = second_factor.new_key()
            return second_factor.set_up(user=agent, key=key, code=code_of(key))

        outcome = during(enter, enter)

        assert outcome == [second_factor.AlreadySetUp]
        assert TOTPDevice.objects.count() == 1

    @pytest.mark.parametrize("is_recovery_code", [True, False])
    def test_accept_a_code_once(self, agent: User, is_recovery_code: bool) -> None:
        app, codes = set_up(agent)
        code = codes[0] if is_recovery_code else code_of(app.key)

        def enter() -> Any:
            return second_factor.verify(user=agent, code=code)

        outcome = during(enter, enter)

        assert outcome == [second_factor.WrongCode]


class TestReset:
    @staticmethod
    def page_of(user: User) -> str:
        return f"/admin/accounts/user/{user.pk}/second-factor/"

    def test_makes_the_user_set_up_another(self, required: None, admin: User, agent: User) -> None:
        app, _ = set_up(agent)
        agents_browser = Browser(agent)
        agents_browser.post(PAGE, {"code": code_of(app.key)})
        admin_app, _ = set_up(admin)
        browser = Browser(admin)
        browser.post(PAGE, {"code": code_of(admin_app.key)})

        confirmation = browser.get(self.page_of(agent))
        browser.post(self.page_of(agent))

        assert "10 recovery codes" in confirmation.content.decode()
        assert not second_factor.is_set_up(agent)
        assert second_factor.recovery_codes_left(agent) == 0
        assert agents_browser.get("/admin/")["Location"] == f"{PAGE}?next=/admin/"
        assert "secret" in agents_browser.get(PAGE).context

    def test_is_recorded_in_the_history_of_the_user(self, admin: User, agent: User) -> None:
        set_up(agent)

        Browser(admin).post(self.page_of(agent))

        entry = LogEntry.objects.get()
        assert (entry.user, entry.object_id, entry.get_change_message()) == (
            admin,
            str(agent.pk),
            "Second factor reset.",
        )
        history = Browser(admin).get(f"/admin/accounts/user/{agent.pk}/history/").content.decode()
        assert "Second factor reset." in history

    def test_is_offered_if_there_is_a_second_factor(self, admin: User, agent: User) -> None:
        pages = [Browser(admin).get(f"/admin/accounts/user/{agent.pk}/change/").content.decode()]
        set_up(agent)
        pages.append(Browser(admin).get(f"/admin/accounts/user/{agent.pk}/change/").content.decode())

        assert [self.page_of(agent) in page for page in pages] == [False, True]

    @pytest.mark.parametrize(
        ("by", "whose", "refusal"),
        [
            ("admin", "admin", services.OwnAccount),
            ("admin", "superuser", services.SuperusersOnly),
            ("agent", "admin", Forbidden),
            ("agent", "agent", Forbidden),
            ("owner", "agent", Forbidden),
        ],
    )
    @pytest.mark.parametrize("method", ["get", "post"])
    def test_is_refused(
        self,
        request: pytest.FixtureRequest,
        superuser: User,
        by: str,
        whose: str,
        refusal: type[Exception],
        method: str,
    ) -> None:
        actor, user = request.getfixturevalue(by), request.getfixturevalue(whose)
        set_up(user)

        answer = getattr(Browser(actor), method)(self.page_of(user))

        assert answer.status_code == (403 if actor.is_staff else 302)
        assert second_factor.is_set_up(user)
        with pytest.raises(refusal):
            services.reset_second_factor(user_id=user.pk, by=actor)

    def test_of_a_superuser_is_allowed_to_another_superuser(self, superuser: User) -> None:
        other = make_user("Sven Super", type=UserType.ADMIN, is_superuser=True)
        set_up(other)

        Browser(superuser).post(self.page_of(other))

        assert not second_factor.is_set_up(other)

    def test_is_refused_without_a_second_factor(self, admin: User, agent: User) -> None:
        with pytest.raises(services.NoSecondFactor):
            services.reset_second_factor(user_id=agent.pk, by=admin)

    @pytest.mark.parametrize(
        "page", ["/admin/accounts/user/999999/second-factor/", "/admin/accounts/user/x/second-factor/"]
    )
    def test_of_an_unknown_user_is_not_found(self, admin: User, page: str) -> None:
        assert Browser(admin).get(page).status_code == 404


class TestCommand:
    def test_resets_by_address(self, superuser: User, capsys: pytest.CaptureFixture[str]) -> None:
        set_up(superuser)

        call_command("reset_second_factor", superuser.email.upper())

        assert not second_factor.is_set_up(superuser)
        assert "Removed the second factor" in capsys.readouterr().out

    def test_fails_if_there_is_nothing_to_do(self, agent: User) -> None:
        for email, sentence in ((agent.email, "has no second factor"), ("nobody@example.com", "No user has")):
            with pytest.raises(CommandError, match=sentence):
                call_command("reset_second_factor", email)
