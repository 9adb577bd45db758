"""Macros: their placeholders, who may write them, and what they do to a ticket."""

from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import make_user
from kit.errors import Forbidden, Invalid
from kit.tests.browser import Browser, errors, fields
from tickets import placeholders, services
from tickets.models import MAX_MESSAGE, Comment, Macro, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

MACROS = "/admin/tickets/macro/"


@pytest.fixture
def thanks(agent: User) -> Macro:
    """A canned reply of the agent's own."""
    return services.create_macro(by=agent, name="Thanks", text="Hello {{ customer.name }}, thank you. {{agent.name}}")


def apply(macro: Macro, ticket: Ticket, by: User, **options: object) -> Ticket:
    return services.apply_macro(ticket_id=ticket.pk, macro_id=macro.pk, by=by, at=timezone.now(), **options)  # type: ignore[arg-type]


class TestPlaceholders:
    def test_are_filled_in(self, ticket: Ticket, agent: User) -> None:
        text = "#{{ticket.id}} {{ ticket.title }} ({{ticket.project}}, {{  ticket.status}}) {{customer.email}} { }"

        filled = placeholders.filled(text, ticket=ticket, agent=agent)

        email = ticket.created_by.email
        assert filled == f"#{ticket.pk} Fix the database (General, Open) {email} {{ }}"

    def test_in_values_are_not_filled_in(self, owner: User, agent: User) -> None:
        ticket = make_ticket(owner, title="{{ agent.name }}")

        assert placeholders.filled("{{ ticket.title }}", ticket=ticket, agent=agent) == "{{ agent.name }}"

    def test_all_have_a_value(self, ticket: Ticket, agent: User) -> None:
        assert placeholders.filled(placeholders.VALID, ticket=ticket, agent=agent).count("{{") == 0

    @pytest.mark.parametrize("text", ["{{ custmer.name }}", "{{}}", "{{ customer }}", "{{ Customer.Name }}"])
    def test_that_do_not_exist_are_refused_with_the_names_of_those_that_do(self, agent: User, text: str) -> None:
        with pytest.raises(Invalid) as refused:
            services.create_macro(by=agent, name="Wrong", text=text)

        (message,) = refused.value.fields["text"]
        assert message.startswith("There is no placeholder {{")
        assert "{{ customer.name }}, {{ customer.email }}" in message

    @pytest.mark.parametrize(
        "text", ["{{ customer.name", "customer.name }}", "{{ {{ customer.name }}", "{{{ agent.name }}}}"]
    )
    def test_that_are_incomplete_are_refused(self, agent: User, text: str) -> None:
        with pytest.raises(Invalid) as refused:
            services.create_macro(by=agent, name="Wrong", text=text)

        assert "incomplete" in refused.value.fields["text"][0]


class TestWriting:
    def test_of_shared_macros_is_for_admins(self, agent: User, admin: User, thanks: Macro) -> None:
        shared = services.create_macro(by=admin, is_shared=True, name="Thanks", text="Thanks")

        for change in (
            lambda: services.create_macro(by=agent, is_shared=True, name="Other", text="Thanks"),
            lambda: services.update_macro(macro_id=shared.pk, by=agent, text="Bye"),
            lambda: services.update_macro(macro_id=thanks.pk, by=agent, is_shared=True),
            lambda: services.delete_macro(macro_id=shared.pk, by=agent),
        ):
            with pytest.raises(Forbidden):
                change()

    def test_of_others_macros_is_a_404_even_for_admins(self, admin: User, thanks: Macro) -> None:
        with pytest.raises(services.MacroNotFound):
            services.update_macro(macro_id=thanks.pk, by=admin, text="Bye")
        with pytest.raises(services.MacroNotFound):
            services.delete_macro(macro_id=thanks.pk, by=admin)

    def test_refuses_a_name_that_is_taken(self, agent: User, admin: User, thanks: Macro) -> None:
        services.create_macro(by=admin, name="Thanks", text="Thanks")
        services.create_macro(by=admin, is_shared=True, name="Thanks", text="Thanks")

        for by, is_shared in ((agent, False), (admin, False), (admin, True)):
            with pytest.raises(services.MacroNameTaken):
                services.create_macro(by=by, is_shared=is_shared, name="THANKS", text="Thanks")

    def test_refuses_a_macro_that_does_nothing_or_too_much(self, agent: User) -> None:
        cases: list[tuple[dict[str, Any], str]] = [
            ({}, "text"),
            ({"puts_on_hold": True, "status": "closed"}, "status"),
        ]
        for values, field in cases:
            with pytest.raises(Invalid) as refused:
                services.create_macro(by=agent, name="Wrong", **values)
            assert list(refused.value.fields) == [field]

    def test_ends_with_the_user(self, thanks: Macro) -> None:
        user = make_user("Anna Agent", type="agent")
        services.create_macro(by=user, name="Bye", text="Bye")

        user.delete()

        assert list(Macro.objects.all()) == [thanks]


class TestApplying:
    def test_replies_with_the_text(self, ticket: Ticket, agent: User, thanks: Macro) -> None:
        apply(thanks, ticket, agent)

        comment = Comment.objects.get()
        assert comment.message == "Hello Olga Owner, thank you. Agnes Agent"
        assert (comment.author, comment.is_internal, comment.ticket) == (agent, False, ticket)

    def test_changes_what_it_says(self, ticket: Ticket, agent: User) -> None:
        services.update(ticket_id=ticket.pk, by=agent, at=timezone.now(), labels=["vip"])
        changes: dict[str, Any] = {
            "status": "in-progress",
            "priority": "high",
            "labels": ["Waiting"],
            "assigns_me": True,
        }
        macro = services.create_macro(
            by=agent, name="Take", text="Mine", is_internal=True, puts_on_hold=True, hold_reason="Parts", **changes
        )

        for _ in range(2):
            apply(macro, ticket, agent)

        ticket.refresh_from_db()
        assert (ticket.status, ticket.priority, ticket.labels) == ("in-progress", "high", ["vip", "waiting"])
        assert (ticket.held_at is not None, ticket.hold_reason) == (True, "Parts")
        assert [assignment.user for assignment in ticket.assignments.all()] == [agent]
        assert [comment.is_internal for comment in Comment.objects.all()] == [True, True]

    def test_assigns_before_closing_and_after_reopening(self, ticket: Ticket, agent: User) -> None:
        close = services.create_macro(by=agent, name="Close", status="closed", assigns_me=True)
        reopen = services.create_macro(by=agent, name="Reopen", status="open", assigns_me=True)

        apply(close, ticket, agent)
        services.unassign(ticket_id=ticket.pk, user_id=agent.pk, by=agent)
        apply(reopen, ticket, agent)

        assert ticket.assignments.count() == 1

    def test_leaves_out_admins(self, ticket: Ticket, admin: User) -> None:
        macro = services.create_macro(by=admin, name="Take", priority="high", assigns_me=True)

        apply(macro, ticket, admin)

        assert not ticket.assignments.exists()

    def test_does_all_or_nothing(self, ticket: Ticket, agent: User) -> None:
        assign(ticket, *(make_user() for _ in range(5)))
        macro = services.create_macro(by=agent, name="Take", text="Mine", priority="high", assigns_me=True)

        with pytest.raises(services.AssignmentLimitReached):
            apply(macro, ticket, agent)

        ticket.refresh_from_db()
        assert (ticket.priority, Comment.objects.count()) == ("medium", 0)

    def test_refuses_too_many_labels(self, ticket: Ticket, agent: User) -> None:
        services.update(ticket_id=ticket.pk, by=agent, at=timezone.now(), labels=[str(each) for each in range(20)])
        macro = services.create_macro(by=agent, name="Label", labels=["vip"])

        with pytest.raises(Invalid) as refused:
            apply(macro, ticket, agent)

        assert refused.value.fields == {"labels": ["A ticket can have at most 20 labels."]}

    def test_refuses_a_text_that_becomes_too_long(self, owner: User, agent: User) -> None:
        macro = services.create_macro(by=agent, name="Long", text="x" * (MAX_MESSAGE - 20) + "{{ ticket.title }}")

        with pytest.raises(services.TextTooLong):
            apply(macro, make_ticket(owner, title="x" * 255), agent)

    def test_refuses_customers_and_others_macros(self, ticket: Ticket, owner: User, admin: User, thanks: Macro) -> None:
        with pytest.raises(services.NotAllowed):
            apply(thanks, ticket, owner)
        with pytest.raises(services.MacroNotFound):
            apply(thanks, ticket, admin)

    def test_of_a_merged_ticket_works_on_the_other(self, ticket: Ticket, owner: User, agent: User) -> None:
        target = make_ticket(owner)
        services.merge(ticket_id=ticket.pk, into_id=target.pk, by=agent, at=timezone.now())
        macro = services.create_macro(by=agent, name="Work", text="Hello", status="in-progress")

        assert apply(macro, ticket, agent) == target
        assert Comment.objects.get().ticket == target


class TestPages:
    def test_add_change_and_delete_ones_own(self, agent: User) -> None:
        browser = Browser(agent)
        page = browser.get(f"{MACROS}add/")

        browser.post(f"{MACROS}add/", fields(page) | {"name": "Thanks", "text": "Thanks", "labels": "VIP, b"})
        macro = Macro.objects.get()
        assert (macro.owner, macro.labels) == (agent, ["b", "vip"])
        url = f"{MACROS}{macro.pk}/"
        browser.post(f"{url}change/", fields(browser.get(f"{url}change/")) | {"status": "closed"})
        macro.refresh_from_db()
        assert (macro.status, macro.owner, macro.labels, macro.text) == ("closed", agent, ["b", "vip"], "Thanks")
        browser.post(f"{url}delete/", {"post": "yes"})
        assert not Macro.objects.exists()

    def test_share_for_admins(self, admin: User, agent: User) -> None:
        browser = Browser(admin)
        page = browser.get(f"{MACROS}add/")
        browser.post(f"{MACROS}add/", fields(page) | {"name": "Thanks", "text": "Thanks", "is_shared": "on"})
        macro = Macro.objects.get()

        assert macro.is_shared
        assert "Thanks" in Browser(agent).get(MACROS).content.decode()
        assert "is_shared" not in Browser(agent).get(f"{MACROS}add/").content.decode()
        assert Browser(agent).post(f"{MACROS}{macro.pk}/change/", {"name": "Bye"}).status_code == 403

    def test_refuse_a_misspelt_placeholder_next_to_the_text(self, agent: User) -> None:
        browser = Browser(agent)
        page = browser.get(f"{MACROS}add/")

        answer = browser.post(f"{MACROS}add/", fields(page) | {"name": "Thanks", "text": "{{ custmer.name }}"})

        assert "There is no placeholder {{ custmer.name }}" in errors(answer)["text"][0]

    def test_hide_others_macros(self, admin: User, thanks: Macro) -> None:
        browser = Browser(admin)

        assert list(browser.get(MACROS).context["cl"].result_list) == []
        assert browser.get(f"{MACROS}{thanks.pk}/change/").status_code == 302

    def test_list_of_any_length_runs_as_many_queries(
        self, agent: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        for number in range(5):
            services.create_macro(by=agent, name=f"Thanks {number}", text="Thanks")
        browser = Browser(agent)

        # Session, user, group and own permissions; then the number of macros, twice, and those of the page.
        with django_assert_num_queries(6):
            browser.get(MACROS)


class TestOnATicket:
    def url(self, ticket: Ticket) -> str:
        return f"/admin/tickets/ticket/{ticket.pk}/macro/"

    def test_are_offered(self, agent: User, ticket: Ticket, thanks: Macro) -> None:
        page = Browser(agent).get(f"/admin/tickets/ticket/{ticket.pk}/change/").content.decode()

        assert f'<option value="{thanks.pk}">Thanks</option>' in page
        assert Browser(agent).get(self.url(ticket)).json() == {"macros": [{"id": thanks.pk, "name": "Thanks"}]}

    def test_are_rendered(self, agent: User, ticket: Ticket) -> None:
        macro = services.create_macro(by=agent, name="Close", text="Bye {{ customer.name }}", status="closed")

        assert Browser(agent).get(self.url(ticket), {"macro": macro.pk}).json() == {
            "id": macro.pk,
            "name": "Close",
            "text": "Bye Olga Owner",
            "internal": False,
            "effects": ["status “Closed”"],
        }

    def test_are_rendered_with_two_queries(
        self, agent: User, ticket: Ticket, thanks: Macro, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        browser = Browser(agent)

        # Session, user, group and own permissions come first.
        with django_assert_num_queries(6):
            browser.get(self.url(ticket), {"macro": thanks.pk})

    def test_are_applied_with_the_edited_text(self, agent: User, ticket: Ticket) -> None:
        macro = services.create_macro(by=agent, name="Close", text="Bye {{ customer.name }}", status="closed")

        answer = Browser(agent).post(self.url(ticket), {"macro": macro.pk, "message": "Bye\r\nOlga"})

        assert answer["Location"] == f"/admin/tickets/ticket/{ticket.pk}/change/"
        ticket.refresh_from_db()
        assert (ticket.status, Comment.objects.get().message) == ("closed", "Bye\nOlga")

    def test_that_are_internal_stay_so_with_an_edited_text(self, agent: User, ticket: Ticket) -> None:
        macro = services.create_macro(by=agent, name="Note", text="Ask the boss", is_internal=True, status="closed")

        Browser(agent).post(self.url(ticket), {"macro": macro.pk, "message": "Ask the boss first"})

        comment = Comment.objects.get()
        assert (comment.message, comment.is_internal) == ("Ask the boss first", True)

    def test_are_applied_with_their_own_text_without_the_field(
        self, agent: User, ticket: Ticket, thanks: Macro
    ) -> None:
        Browser(agent).post(self.url(ticket), {"macro": thanks.pk})

        assert Comment.objects.get().message.startswith("Hello Olga Owner")

    @pytest.mark.parametrize("macro", ["", "x", "0", "-1", "9" * 19, "9" * 40])
    def test_that_do_not_exist_change_nothing(self, agent: User, ticket: Ticket, macro: str) -> None:
        browser = Browser(agent)

        assert browser.get(self.url(ticket), {"macro": macro}).status_code == 404
        assert browser.post(self.url(ticket), {"macro": macro}).status_code == 302
        assert not Comment.objects.exists()
