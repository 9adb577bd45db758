"""Forms that staff send after their session has ended, or after signing in again in another tab, are not lost."""

from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core import signing
from django.test import Client
from django_otp.oath import TOTP

from accounts import second_factor
from accounts.admin.kept_forms import KEPT
from accounts.models import User
from accounts.tests.factories import PASSWORD
from events.models import Event
from events.tests.factories import make_event
from kit import encryption
from kit.tests.browser import fields
from ticketing.tests.pages import everything, make_examples
from tickets.models import Comment, Status, Ticket
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

LOGIN, SEND_AGAIN, SECOND_FACTOR = "/admin/login/", "/admin/send-again/", "/admin/second-factor/"
TYPED = "We are on our way.\r\n\r\n<b>Is somebody in?</b>"
STORED = TYPED.replace("\r\n", "\n")


class Window(Client):
    """A browser window: checks CSRF tokens, and says which origin its pages are from."""

    def __init__(self) -> None:
        super().__init__(enforce_csrf_checks=True, headers={"origin": "http://testserver"})

    def sign_in(self, user: User, page: Any = None, password: str = PASSWORD) -> Any:
        """Send the sign-in form of `page`, by default of a new one in another tab, after signing out."""
        if page is None:
            self.post("/admin/logout/", fields(self.get("/admin/", follow=True)))
        shown = fields(page or self.get(LOGIN)) | {"username": user.email, "password": password}
        return self.post(LOGIN, shown, follow=True)

    def send(self, page: Any) -> Any:
        """Press the button of the page that shows a kept form."""
        return self.post(page.context["kept"].path, fields(page))


def end_sessions() -> None:
    Session.objects.all().delete()


def text(page: Any) -> str:
    return " ".join(page.content.decode().split())


def comments() -> list[tuple[str, User]]:
    return [(comment.message, comment.author) for comment in Comment.objects.all()]


@pytest.fixture
def window(agent: User) -> Window:
    window = Window()
    window.sign_in(agent)
    return window


@pytest.fixture
def ticket(owner: User) -> Ticket:
    return make_ticket(owner)


@pytest.fixture
def comment_url(ticket: Ticket) -> str:
    return f"/admin/tickets/ticket/{ticket.pk}/comment/"


@pytest.fixture
def reply(window: Window, ticket: Ticket) -> dict[str, str]:
    """Return what "Reply and close" sends from a ticket's page that was opened while signed in."""
    page = window.get(f"/admin/tickets/ticket/{ticket.pk}/change/")
    return {"csrfmiddlewaretoken": fields(page)["csrfmiddlewaretoken"], "message": TYPED, "status": "closed"}


class TestEndedSession:
    def test_keeps_the_reply_and_its_action_until_it_is_sent(
        self, window: Window, agent: User, ticket: Ticket, comment_url: str, reply: dict[str, str]
    ) -> None:
        end_sessions()

        sign_in_page = window.post(comment_url, reply)
        send_page = window.sign_in(agent, sign_in_page)

        assert sign_in_page.status_code == 403
        assert "You were signed out before you sent the form, so it was not saved." in text(sign_in_page)
        assert send_page.redirect_chain == [(SEND_AGAIN, 302)]
        assert "&lt;b&gt;Is somebody in?&lt;/b&gt;" in text(send_page)
        assert send_page.context["kept"].filled_in == [("Message", TYPED), ("Status", "closed")]
        assert comments() == []
        window.send(send_page)
        assert comments() == [(STORED, agent)]
        assert Ticket.objects.get(pk=ticket.pk).status == Status.CLOSED

    def test_keeps_it_through_a_wrong_password(
        self, window: Window, agent: User, comment_url: str, reply: dict[str, str]
    ) -> None:
        end_sessions()

        again = window.sign_in(agent, window.post(comment_url, reply), password="wrong")
        send_page = window.sign_in(agent, again)

        assert "You were signed out" in text(again)
        assert send_page.context["kept"].filled_in[0] == ("Message", TYPED)

    def test_keeps_it_through_a_lockout(
        self, window: Window, agent: User, comment_url: str, reply: dict[str, str], settings: Any
    ) -> None:
        settings.AXES_FAILURE_LIMIT = 1
        end_sessions()

        locked = window.sign_in(agent, window.post(comment_url, reply), password="wrong")
        settings.AXES_FAILURE_LIMIT = 5
        sign_in_page = window.post(LOGIN, fields(locked))
        send_page = window.sign_in(agent, sign_in_page)

        assert locked.status_code == 429
        assert not sign_in_page.context["form"].errors
        assert send_page.context["kept"].filled_in[0] == ("Message", TYPED)

    def test_shows_in_whose_name_it_is_sent(
        self, window: Window, admin: User, comment_url: str, reply: dict[str, str]
    ) -> None:
        end_sessions()

        send_page = window.sign_in(admin, window.post(comment_url, reply))

        assert f'You are signed in as <strong class="font-semibold text-important">{admin.name}</strong>' in text(
            send_page
        )
        assert comments() == []

    def test_keeps_the_query_and_repeated_fields(self, window: Window, agent: User) -> None:
        token = fields(window.get("/admin/"))["csrfmiddlewaretoken"]
        end_sessions()
        sent = {"csrfmiddlewaretoken": token, "action": "set_status", "_selected_action": ["1", "2"]}

        send_page = window.sign_in(agent, window.post("/admin/tickets/ticket/?q=door", sent))

        kept = send_page.context["kept"]
        assert kept.path == "/admin/tickets/ticket/?q=door"
        assert kept.fields == [["action", "set_status"], ["_selected_action", "1"], ["_selected_action", "2"]]

    def test_sends_hidden_fields_without_showing_them(self, window: Window, agent: User, ticket: Ticket) -> None:
        page = f"/admin/tickets/ticket/{ticket.pk}/change/"
        shown = fields(window.get(page)) | {"title": "Fix the roof", "_continue": "1", "form_key": "8e03978e"}
        end_sessions()

        kept = window.sign_in(agent, window.post(page, shown)).context["kept"]

        del shown["csrfmiddlewaretoken"]
        assert dict(kept.fields) == shown
        assert {"seen_version", "assignments-TOTAL_FORMS", "form_key", "_continue"} <= dict(kept.fields).keys()
        labels = [label for label, _ in kept.filled_in]
        assert "Title" in labels
        assert not {"Seen version", "Assignments TOTAL FORMS", "Form key", "Continue"} & set(labels)

    def test_never_keeps_passwords(self, window: Window, admin: User) -> None:
        window.sign_in(admin)
        shown = fields(window.get("/admin/accounts/user/add/"))
        end_sessions()
        typed = {"name": "Nora New", "email": "nora@example.com", "password1": "zyx-12345", "password2": "zyx-12345"}

        sign_in_page = window.post("/admin/accounts/user/add/", shown | typed)
        send_page = window.sign_in(admin, sign_in_page)

        names = {name for name, _ in signing.loads(fields(sign_in_page)[KEPT], salt=KEPT)["fields"]}
        assert {"name", "email", "type"} <= names
        assert not names & {"password1", "password2", "csrfmiddlewaretoken"}
        assert "zyx-12345" not in text(sign_in_page) + text(send_page)
        assert "This field is required." in text(window.send(send_page))

    def test_without_anything_filled_in_is_an_ordinary_sign_in(self, window: Window, ticket: Ticket) -> None:
        token = fields(window.get("/admin/"))["csrfmiddlewaretoken"]
        end_sessions()
        resume = f"/admin/tickets/ticket/{ticket.pk}/resume/"

        answer = window.post(resume, {"csrfmiddlewaretoken": token})

        assert answer["Location"] == f"{LOGIN}?next={resume}"

    @pytest.mark.slow
    def test_is_noticed_on_every_page(self, agent: User) -> None:
        pages = [page for page in everything(make_examples()) if not page.action]

        answers = {page.key: Client().post(page.url, {"note": TYPED}) for page in pages}

        kept = {key for key, answer in answers.items() if answer.status_code == 403 and KEPT in fields(answer)}
        assert answers.keys() - kept == {"login", "logout", "second_factor"}


class TestKeptInSession:
    @pytest.fixture
    def send_page(self, window: Window, agent: User, comment_url: str, reply: dict[str, str]) -> Any:
        end_sessions()
        return window.sign_in(agent, window.post(comment_url, reply))

    def test_survives_a_reload(self, window: Window, send_page: Any) -> None:
        assert window.get(SEND_AGAIN).context["kept"] == send_page.context["kept"]

    def test_ends_when_the_form_is_sent(self, window: Window, send_page: Any) -> None:
        window.send(send_page)

        assert KEPT not in window.session
        assert window.get(SEND_AGAIN)["Location"] == "/admin/"

    def test_acts_once_if_it_is_sent_twice(self, window: Window, agent: User, send_page: Any) -> None:
        answers = [window.send(send_page) for _ in range(2)]

        assert [answer.status_code for answer in answers] == [302, 302]
        assert comments() == [(STORED, agent)]

    def test_does_not_end_if_sending_is_refused(self, window: Window, agent: User, send_page: Any) -> None:
        answer = window.post(send_page.context["kept"].path, {"message": TYPED, "csrfmiddlewaretoken": "x" * 64})

        assert answer.status_code == 403
        assert KEPT in window.session

    def test_can_be_discarded(self, window: Window, send_page: Any, comment_url: str) -> None:
        answer = window.post(SEND_AGAIN, {"csrfmiddlewaretoken": fields(send_page)["csrfmiddlewaretoken"]})

        assert answer["Location"] == comment_url
        assert KEPT not in window.session
        assert comments() == []

    def test_ignores_what_the_site_did_not_sign(self, window: Window, agent: User) -> None:
        forged = signing.dumps({"path": "https://evil.example.com/", "fields": []}, salt="another")
        page = window.get("/admin/")

        answer = window.post(LOGIN, fields(page) | {"username": agent.email, "password": PASSWORD, KEPT: forged})

        assert (answer["Location"], KEPT in window.session) == ("/admin/", False)


class TestSignedInElsewhere:
    """Signing in replaces the CSRF token of the browser, so forms in other tabs have an old one."""

    def test_shows_what_was_filled_in_and_sends_it_once_pressed(
        self, window: Window, agent: User, ticket: Ticket, comment_url: str, reply: dict[str, str]
    ) -> None:
        window.sign_in(agent)

        send_page = window.post(comment_url, reply)

        assert send_page.status_code == 403
        assert send_page.context["kept"].filled_in == [("Message", TYPED), ("Status", "closed")]
        assert comments() == []
        assert window.send(send_page).status_code == 302
        assert comments() == [(STORED, agent)]
        assert Ticket.objects.get(pk=ticket.pk).status == Status.CLOSED

    def test_as_another_user_names_that_user(
        self, window: Window, admin: User, agent: User, comment_url: str, reply: dict[str, str]
    ) -> None:
        window.sign_in(admin)

        send_page = window.post(comment_url, reply)

        assert f"Send as {admin.name}" in text(send_page)
        assert agent.name not in text(send_page)
        assert comments() == []

    def test_and_signed_out_again_asks_to_sign_in(
        self, window: Window, agent: User, comment_url: str, reply: dict[str, str]
    ) -> None:
        window.sign_in(agent)
        end_sessions()

        send_page = window.sign_in(agent, window.post(comment_url, reply))

        assert send_page.context["kept"].filled_in[0] == ("Message", TYPED)

    def test_keeps_the_form_of_a_second_sign_in_page(
        self, window: Window, agent: User, comment_url: str, reply: dict[str, str]
    ) -> None:
        end_sessions()
        sign_in_page = window.post(comment_url, reply)
        window.sign_in(agent)

        send_page = window.sign_in(agent, sign_in_page)

        assert send_page.context["kept"].filled_in[0] == ("Message", TYPED)
        assert send_page.context["kept"].path == comment_url

    def test_keeps_every_field_of_a_long_form(self, window: Window, admin: User) -> None:
        event = make_event(admin, name="Jazz")
        page = f"/admin/events/event/{event.pk}/change/"
        window.sign_in(admin)
        shown = fields(window.get(page)) | {"name": "Jazz at night", "description": TYPED, "_save": "Save"}
        window.sign_in(admin)

        send_page = window.post(page, shown)
        window.send(send_page)

        saved = Event.objects.get(pk=event.pk)
        assert (saved.name, saved.description) == ("Jazz at night", STORED)

    def test_page_may_not_be_framed_or_stored(
        self, window: Window, agent: User, comment_url: str, reply: dict[str, str]
    ) -> None:
        window.sign_in(agent)

        send_page = window.post(comment_url, reply)

        assert send_page["X-Frame-Options"] == "DENY"
        assert "frame-ancestors 'none'" in send_page["Content-Security-Policy"]
        assert send_page["Cache-Control"] == "no-store"


class TestForgedForm:
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example.com"},
            {"origin": "null"},
            {"origin": "http://testserver", "sec-fetch-site": "same-site"},
            {"origin": "http://testserver", "sec-fetch-site": "cross-site"},
        ],
    )
    @pytest.mark.parametrize("is_signed_in", [True, False])
    def test_is_never_shown(
        self, window: Window, comment_url: str, headers: dict[str, str], is_signed_in: bool
    ) -> None:
        if not is_signed_in:
            end_sessions()

        page = window.post(comment_url, {"message": TYPED}, headers=headers)

        assert page.status_code == 403
        assert "Form expired" in text(page)
        assert "Is somebody in?" not in text(page)
        assert KEPT not in text(page)

    def test_is_never_shown_without_an_origin(self, agent: User, comment_url: str) -> None:
        client = Client(enforce_csrf_checks=True)
        client.force_login(agent, backend="accounts.permissions.RoleBackend")

        page = client.post(comment_url, {"message": TYPED})

        assert "Is somebody in?" not in text(page)

    def test_of_the_sign_in_page_is_never_shown(self, window: Window, agent: User) -> None:
        page = window.post(LOGIN, {"username": agent.email, "password": PASSWORD})

        assert page.status_code == 403
        assert "Nothing was saved." in text(page)
        assert PASSWORD not in text(page)


class TestSecondFactor:
    @pytest.fixture
    def code(self, agent: User, settings: Any) -> str:
        """Set up the agent's app and return its current code, still unused."""
        settings.ADMIN_SECOND_FACTOR = True
        key = second_factor.new_key()
        secret = bytes.fromhex(encryption.decrypt(key))
        second_factor.set_up(user=agent, key=key, code=f"{TOTP(secret).token():06}")
        return f"{TOTP(secret, drift=1).token():06}"

    @pytest.fixture
    def sent(self, ticket: Ticket) -> dict[str, str]:
        return {"message": TYPED, "status": "closed"}

    def enter(self, window: Window, page: Any, code: str) -> Any:
        return window.post(
            page.request["PATH_INFO"] + "?" + page.request["QUERY_STRING"], fields(page) | {"code": code}, follow=True
        )

    def test_keeps_the_form_of_an_ended_session(
        self, window: Window, agent: User, comment_url: str, reply: dict[str, str], code: str
    ) -> None:
        end_sessions()

        code_page = window.sign_in(agent, window.post(comment_url, reply))
        send_page = self.enter(window, code_page, code)

        assert code_page.redirect_chain == [(SEND_AGAIN, 302), (f"{SECOND_FACTOR}?next={SEND_AGAIN}", 302)]
        assert TYPED not in text(code_page)
        window.send(send_page)
        assert comments() == [(STORED, agent)]

    @pytest.mark.parametrize("signs_in_again", [True, False])
    def test_keeps_the_form_of_a_session_with_only_the_password(
        self, window: Window, agent: User, comment_url: str, reply: dict[str, str], code: str, signs_in_again: bool
    ) -> None:
        if signs_in_again:
            window.sign_in(agent)

        code_page = window.post(comment_url, reply, follow=True)
        send_page = self.enter(window, code_page, code)

        assert code_page.redirect_chain == [(f"{SECOND_FACTOR}?next={SEND_AGAIN}", 302)]
        window.send(send_page)
        assert comments() == [(STORED, agent)]

    def test_keeps_no_codes(self, window: Window, agent: User, code: str) -> None:
        window.get(SECOND_FACTOR)
        window.cookies["csrftoken"] = "x" * 32

        page = window.post(SECOND_FACTOR, {"code": code, "set_up_again": "on"})

        assert page.status_code == 403
        assert code not in text(page)
        assert KEPT not in text(page)
