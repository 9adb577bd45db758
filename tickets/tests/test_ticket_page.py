"""A ticket's page in the admin: properties that save by themselves, the list it was opened from, and who else looks."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.http import urlencode
from pytest_django import DjangoAssertNumQueries

from accounts.models import User
from accounts.tests.factories import make_user
from kit.admin import neighbours
from kit.tests.browser import Browser, fields
from notifications.models import Delivery
from tickets import queries, services
from tickets.admin.neighbours import NO_MORE
from tickets.models import MAX_ASSIGNEES, MAX_LABELS, PRESENT_FOR, Comment, Presence, Status, Ticket
from tickets.tests.factories import assign, make_comment, make_ticket

pytestmark = pytest.mark.django_db

TICKETS = "/admin/tickets/ticket/"


def page_of(ticket: Ticket, page: str = "change") -> str:
    return f"{TICKETS}{ticket.pk}/{page}/"


def save(browser: Browser, ticket: Ticket, shown: dict[str, str], **changes: Any) -> Any:
    """Send what the page's script sends: the whole form, and which part of it to save."""
    return browser.post(page_of(ticket, "save"), {**shown, **changes})


class TestSave:
    def test_saves_one_property_and_returns_what_shows_it(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks", description="First\nSecond")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))

        answer = save(browser, ticket, shown, field="status", status="in-progress", title="Not yet", price="nonsense")

        ticket.refresh_from_db()
        assert (ticket.status, ticket.title, ticket.version) == ("in-progress", "The roof leaks", 2)
        found = answer.json()
        assert (answer.status_code, found["version"], found["message"]) == (200, 2, "Saved.")
        assert "In Progress" in found["parts"]["ticket-head"]
        assert "Status:" in found["parts"]["ticket-entries"]

    @pytest.mark.parametrize(
        ("field", "values", "column", "value"),
        [
            ("priority", {"priority": "high"}, "priority", "high"),
            ("price", {"price": ""}, "price", None),
            ("venue", {"venue": " Attic "}, "venue", "Attic"),
            ("description", {"description": "First\r\nSecond"}, "description", "First\nSecond"),
            ("due_at", {"due_at_0": "", "due_at_1": ""}, "due_at", None),
        ],
    )
    def test_saves_any_property(
        self, agent: User, owner: User, field: str, values: dict[str, str], column: str, value: Any
    ) -> None:
        ticket = make_ticket(owner, price="12.50", due_at=timezone.now() + timedelta(days=1))
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))

        answer = save(browser, ticket, shown, field=field, **values)

        ticket.refresh_from_db()
        assert (answer.status_code, getattr(ticket, column), ticket.version) == (200, value, 2)

    @pytest.mark.parametrize(
        ("field", "values", "sentence"),
        [
            ("title", {"title": " "}, "This field is required."),
            ("price", {"price": "-1"}, "Ensure this value is greater than or equal to 0."),
            ("due_at", {"due_at_0": "2020-01-01", "due_at_1": "12:00:00"}, services.DUE_DATE_PAST),
            ("due_at", {"due_at_0": "2099-01-01", "due_at_1": ""}, "Enter a valid time."),
            ("labels", {"labels": "roof, back\u202ewards"}, "Control characters and line breaks are not allowed."),
            ("project", {"project": "x"}, "Select a valid choice. That choice is not one of the available choices."),
        ],
    )
    def test_refusal_names_its_field(
        self, agent: User, owner: User, field: str, values: dict[str, str], sentence: str
    ) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))

        answer = save(browser, ticket, shown, field=field, **values)

        assert (answer.status_code, answer.json()) == (422, {"errors": {field: [sentence]}})
        assert Ticket.objects.get().version == 1

    def test_conflict_shows_both_versions_and_keeps_the_edit(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner, title="The roof leaks", venue="Attic")
        make_comment(ticket, owner, message="It drips.")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        services.update(ticket_id=ticket.pk, by=admin, at=timezone.now(), title="The roof is gone", venue="Garden")

        answer = save(browser, ticket, shown, field="title", title="The roof is fine")

        ticket.refresh_from_db()
        parts = answer.json()["parts"]
        assert (answer.status_code, ticket.title) == (409, "The roof is gone")
        for text in ("The roof leaks", "The roof is gone", "The roof is fine", "Garden"):
            assert text in parts["ticket-differences"]
        assert 'value="The roof is fine"' in parts["ticket-panel"]
        assert 'data-field="title" data-unsaved' in parts["ticket-panel"]
        assert 'value="Garden"' in parts["ticket-panel"]
        assert "It drips." in parts["ticket-entries"]

    def test_conflict_shows_whether_the_user_watches(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        services.watch(ticket_id=ticket.pk, by=agent)

        answer = save(Browser(agent), ticket, {}, field="title", title="Mine", seen_version=0)

        assert "Stop watching" in answer.json()["parts"]["ticket-panel"]

    def test_can_be_saved_after_a_conflict(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        services.update(ticket_id=ticket.pk, by=admin, at=timezone.now(), venue="Garden")
        version = save(browser, ticket, shown, field="title", title="Mine").json()["version"]

        answer = save(browser, ticket, shown, field="title", title="Mine", seen_version=version)

        ticket.refresh_from_db()
        assert (answer.status_code, ticket.title, ticket.venue) == (200, "Mine", "Garden")

    @pytest.mark.parametrize("sent", [{"seen_version": "x"}, {"seen_version": "9" * 30}])
    def test_malformed_version_is_a_conflict(self, agent: User, owner: User, sent: dict[str, str]) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)

        answer = save(browser, ticket, {}, field="title", title="Mine", **sent)

        assert (answer.status_code, Ticket.objects.get().title) == (409, ticket.title)

    @pytest.mark.parametrize("sent", [{}, {"field": "nonsense"}, {"field": "seen_version"}, {"assign": "", "x": "y"}])
    def test_nothing_to_save_changes_nothing(self, agent: User, owner: User, sent: dict[str, str]) -> None:
        ticket = make_ticket(owner)

        answer = save(Browser(agent), ticket, {}, **sent)

        assert (answer.status_code, answer.json()["version"]) == (200, 1)

    def test_agent_cannot_change_the_creator(self, agent: User, owner: User, outsider: User) -> None:
        ticket = make_ticket(owner)

        save(Browser(agent), ticket, {}, field="created_by", created_by=outsider.pk)

        assert Ticket.objects.get().created_by == owner

    def test_is_for_staff_existing_tickets_and_post(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)

        foreign = Browser(owner).post(page_of(ticket, "save"), {"field": "title", "title": "Mine"})
        missing = Browser(agent).post(f"{TICKETS}{2**62}/save/")
        read = Browser(agent).get(page_of(ticket, "save"))

        assert (foreign.status_code, missing.status_code, read.status_code) == (302, 404, 405)

    def test_keeps_the_filter_of_the_conversation(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        make_comment(ticket, owner, message="It drips.")
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))

        answer = save(browser, ticket, shown, field="venue", venue="Attic", show="changes")

        entries = answer.json()["parts"]["ticket-entries"]
        assert "Attic" in entries
        assert "It drips." not in entries
        assert 'data-show="changes"' in entries

    def test_conflict_keeps_the_filter_of_the_conversation(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        make_comment(ticket, owner, message="It drips.")

        answer = save(Browser(agent), ticket, {}, field="title", title="Mine", seen_version=0, show="changes")

        assert answer.status_code == 409
        assert "It drips." not in answer.json()["parts"]["ticket-entries"]

    def test_returns_the_mail_that_it_causes(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)
        Delivery.objects.all().delete()
        browser = Browser(agent)
        page = browser.get(page_of(ticket))
        assert assignee.email not in page.content.decode()

        answer = save(browser, ticket, fields(page), field="venue", venue="Attic")

        assert assignee.email in answer.json()["parts"]["ticket-mail"]

    def test_returns_the_new_name_of_the_page(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)

        answer = save(browser, ticket, fields(browser.get(page_of(ticket))), field="title", title="The roof leaks")

        assert answer.json()["title"] == f"#{ticket.pk} The roof leaks"

    @pytest.mark.parametrize(
        ("field", "typed", "stored"),
        [("labels", "Roof, attic, roof", "attic, roof"), ("venue", " Attic ", "Attic"), ("price", "12.5", "12.50")],
    )
    def test_returns_what_was_stored(self, agent: User, owner: User, field: str, typed: str, stored: str) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)

        answer = save(browser, ticket, fields(browser.get(page_of(ticket))), **{"field": field, field: typed})

        assert answer.json()["values"] == {field: stored}

    def test_runs_30_statements(
        self, agent: User, owner: User, assignee: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ticket = make_ticket(owner)
        assign(ticket, assignee)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))

        with django_assert_num_queries(30):
            save(browser, ticket, shown, field="status", status="in-progress")


class TestAssign:
    def test_assigns_the_user_themselves(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)

        answer = save(browser, ticket, fields(browser.get(page_of(ticket))), assign="me")

        found = answer.json()
        assert (found["message"], found["undo"]) == ("Assigned to Agnes Agent. ", {"unassign": agent.pk})
        assert found["version"] == 2
        assert list(ticket.assignees.all()) == [agent]
        assert "Agnes Agent" in answer.json()["parts"]["ticket-assignees"]
        assert "Assign to me" not in answer.json()["parts"]["ticket-assignees"]

    def test_assigns_and_unassigns_others(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))

        first = save(browser, ticket, shown, assign=assignee.pk)
        shown = fields(browser.get(page_of(ticket)))
        second = save(browser, ticket, shown, unassign=assignee.pk)

        assert (first.status_code, second.status_code) == (200, 200)
        assert not ticket.assignees.exists()

    @pytest.mark.parametrize("user_id", ["0", "x", "9" * 19, "9" * 30])
    def test_unknown_user_is_refused(self, agent: User, owner: User, user_id: str) -> None:
        ticket = make_ticket(owner)

        answer = save(Browser(agent), ticket, {}, assign=user_id)

        assert (answer.status_code, answer.json()) == (422, {"errors": {"__all__": ["User does not exist."]}})

    def test_conflict_is_shown(self, agent: User, admin: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        shown = fields(browser.get(page_of(ticket)))
        services.assign(ticket_id=ticket.pk, user_id=assignee.pk, by=admin)

        answer = save(browser, ticket, shown, assign="me")

        assert answer.status_code == 409
        assert "Axel Assignee" in answer.json()["parts"]["ticket-differences"]
        assert "Axel Assignee" in answer.json()["parts"]["ticket-panel"]

    def test_sixth_is_refused(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        people = [make_user(f"Max Mover {number}") for number in range(MAX_ASSIGNEES)]
        assign(ticket, *people)

        answer = save(Browser(agent), ticket, {}, assign="me")

        assert answer.json() == {"errors": {"__all__": ["User assignment limit reached."]}}


class TestReplyAndHold:
    def test_comments_and_holds_in_one_step(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)

        page = Browser(agent).post(
            page_of(ticket, "comment"),
            {"message": "The roofer comes on Monday.", "is_hold": "on", "reason": "Roofer"},
            follow=True,
        )

        ticket.refresh_from_db()
        assert (ticket.held_at is not None, ticket.hold_reason) == (True, "Roofer")
        assert Comment.objects.get().message == "The roofer comes on Monday."
        assert page.redirect_chain == [(f"{page_of(ticket)}#latest", 302)]
        assert "On hold. SLA clock paused." in page.content.decode()

    def test_refusal_keeps_the_text_beside_the_conversation(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, held_at=timezone.now())
        make_comment(ticket, owner, message="It drips.")

        page = Browser(agent).post(page_of(ticket, "comment"), {"message": "Monday.", "is_hold": "on"})

        assert services.AlreadyOnHold.message in page.content.decode()
        assert "It drips." in page.content.decode()
        assert fields(page)["message"] == "Monday."
        assert Comment.objects.count() == 1

    def test_failed_edit_shows_the_conversation(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        make_comment(ticket, owner, message="It drips.")

        page = Browser(agent).submit(page_of(ticket), title="")

        assert page.status_code == 200
        assert "It drips." in page.content.decode()


class TestHead:
    def test_names_state_deadline_and_people_before_labels(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner, labels=[f"label {number:02}" for number in range(MAX_LABELS)])
        assign(ticket, assignee)

        page = Browser(agent).get(page_of(ticket)).content.decode()

        head = page[page.index('id="ticket-head"') : page.index('id="ticket-messages"')]
        places = [head.index(text) for text in ("Open", "Due in", owner.name, assignee.name, "label 00", "label 19")]
        assert places == sorted(places)


class TestDescription:
    def test_long_one_is_folded_but_complete(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, description=f"Dear desk,{' bla' * 4_000} Yours, Olga")

        page = Browser(agent).get(page_of(ticket)).content.decode()

        entries = page[page.index('id="ticket-entries"') : page.index('class="ticket-filter')]
        assert "Yours, Olga" in entries
        assert "Show all" in entries

    @pytest.mark.parametrize(("lines", "is_folded"), [(20, False), (21, True)])
    def test_many_lines_are_folded(self, agent: User, owner: User, lines: int, is_folded: bool) -> None:
        ticket = make_ticket(owner, description="\n".join("line" for _ in range(lines)))

        page = Browser(agent).get(page_of(ticket)).content.decode()

        assert ("Show all" in page) == is_folded


class TestConversationFilter:
    @pytest.mark.parametrize(("show", "count"), [("all", 3), ("comments", 1), ("changes", 2), ("nonsense", 3)])
    def test_limits_what_is_shown(self, agent: User, owner: User, show: str, count: int) -> None:
        ticket = make_ticket(owner)
        make_comment(ticket, owner, message="It drips.")
        services.update(ticket_id=ticket.pk, by=agent, at=timezone.now(), status=Status.IN_PROGRESS)

        page = Browser(agent).get(page_of(ticket), {"show": show})

        assert len(page.context["entries"]) == count


class TestNeighbours:
    @staticmethod
    def step(browser: Browser, page: Any, which: str) -> Any:
        """Follow the link of the page."""
        (link,) = re.findall(rf'id="ticket-{which}"[^>]*href="([^"]+)"', page.content.decode())
        return browser.get(unescape(link))

    def make_tickets(self, owner: User, count: int = 3) -> list[Ticket]:
        """Create tickets, most urgent first."""
        now = timezone.now()
        return [make_ticket(owner, created_at=now - timedelta(hours=hours)) for hours in reversed(range(count))]

    def test_walk_the_default_list(self, agent: User, owner: User) -> None:
        first, second, third = self.make_tickets(owner)
        browser = Browser(agent)
        page = browser.get(page_of(second))

        assert self.step(browser, page, "next")["Location"] == page_of(third)
        assert self.step(browser, page, "previous")["Location"] == page_of(first)

    def test_keep_the_filters_of_the_list(self, agent: User, owner: User) -> None:
        first, closed, third = self.make_tickets(owner)
        services.update(ticket_id=closed.pk, by=agent, at=timezone.now(), status=Status.CLOSED)
        filters = urlencode({"_changelist_filters": "status__exact=open"})
        browser = Browser(agent)

        answer = self.step(browser, browser.get(f"{page_of(first)}?{filters}"), "next")

        assert answer["Location"] == f"{page_of(third)}?{filters}"

    def test_go_on_after_the_ticket_has_left_the_list(self, agent: User, owner: User) -> None:
        first, second, third = self.make_tickets(owner)
        filters = urlencode({"_changelist_filters": "queue=unassigned&o=3"})
        browser = Browser(agent)
        page = browser.get(f"{page_of(second)}?{filters}")
        # Due later than all others.
        services.update(ticket_id=second.pk, by=agent, at=timezone.now(), priority="low")
        assign(second, agent)

        assert self.step(browser, page, "next")["Location"] == f"{page_of(third)}?{filters}"
        assert self.step(browser, page, "previous")["Location"] == f"{page_of(first)}?{filters}"

    @pytest.mark.parametrize("order", ["", "o=1", "o=-1", "o=2", "o=-2", "o=9", "o=-10", "o=2.-9"])
    def test_follow_any_order(self, agent: User, owner: User, order: str) -> None:
        for title in ("b", "a", "B", "ä", "c"):
            make_ticket(owner, title=title)
        browser = Browser(agent)
        listed = [ticket.pk for ticket in browser.get(f"{TICKETS}?{order}").context["cl"].result_list]
        filters = urlencode({"_changelist_filters": order})

        walked, page = [listed[0]], browser.get(f"{TICKETS}{listed[0]}/change/?{filters}")
        while (answer := self.step(browser, page, "next"))["Location"].startswith(f"{TICKETS}") and len(walked) < 9:
            if "/change/" not in answer["Location"]:
                break
            walked.append(int(answer["Location"].split("/")[4]))
            page = browser.get(answer["Location"])

        assert walked == listed

    @pytest.mark.parametrize(
        "order",
        [
            [F("due_at").asc(nulls_last=True), "-pk"],
            [F("due_at").asc(nulls_first=True), "pk"],
            [F("due_at").desc(nulls_last=True), "pk"],
            ["-due_at", "venue", "-pk"],
            ["due_at", "-pk"],
            [Coalesce("due_at", "created_at").desc(), "pk"],
        ],
    )
    def test_find_missing_dates_and_ties(self, owner: User, order: list[Any]) -> None:
        day = timezone.now() + timedelta(days=1)
        for due_at in (None, day, day, None, day + timedelta(days=1)):
            make_ticket(owner, due_at=due_at)
        rows = Ticket.objects.order_by(*order)
        listed = [ticket.pk for ticket in rows]

        places = [neighbours.position(rows, ticket) for ticket in rows]
        after = [neighbours.neighbour(rows, place, is_forward=True) for place in places]
        before = [neighbours.neighbour(rows, place, is_forward=False) for place in places]

        assert (after, before) == ([*listed[1:], None], [None, *listed[:-1]])

    def test_lead_back_to_the_list_at_its_end(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)
        browser = Browser(agent)
        page = browser.get(f"{page_of(ticket)}?{urlencode({'_changelist_filters': 'q=database'})}")

        for which, sentence in NO_MORE.items():
            answer = self.step(browser, page, which)
            assert answer["Location"] == f"{TICKETS}?q=database"
            assert sentence in browser.get(answer["Location"]).content.decode()

    @pytest.mark.parametrize(
        "query",
        [
            {"at": "nonsense"},
            {"at": "WyJ4IiwgMV0"},
            {"at": "W1tdLCB7fV0"},
            {"at": "WyJ4IiwgIngiXQ"},
            {"_changelist_filters": "id__range=1"},
            {"_changelist_filters": "created_at__year=99999999999"},
            {"_changelist_filters": "e=1&p=x"},
            {"_changelist_filters": "status__exact=%00"},
        ],
    )
    @pytest.mark.parametrize("page", ["change", "next", "previous"])
    def test_tolerate_made_up_query_strings(self, agent: User, owner: User, query: dict[str, str], page: str) -> None:
        make_ticket(owner)

        answer = Browser(agent).get(page_of(make_ticket(owner), page), query)

        assert answer.status_code in (200, 302)

    def test_are_for_staff_and_existing_tickets(self, agent: User, owner: User) -> None:
        foreign = Browser(owner).get(page_of(make_ticket(owner), "next"))
        missing = Browser(agent).get(f"{TICKETS}{2**62}/next/")

        assert (foreign.status_code, missing.status_code) == (302, 404)


class TestLooking:
    def test_names_the_others(
        self, agent: User, admin: User, owner: User, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        ticket = make_ticket(owner)
        alone = Browser(agent).post(page_of(ticket, "looking"))
        browser = Browser(admin)

        # Session, user, permissions (two) and ticket; then one statement for both.
        with django_assert_num_queries(6):
            together = browser.post(page_of(ticket, "looking"))

        assert "looking at this ticket" not in alone.content.decode()
        assert "Agnes Agent is looking at this ticket too." in together.content.decode()

    def test_ignores_those_who_have_left(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)
        services.look(ticket_id=ticket.pk, by=agent, at=timezone.now() - PRESENT_FOR - timedelta(seconds=1))

        assert services.look(ticket_id=ticket.pk, by=admin, at=timezone.now()) == []

    def test_renews_one_row(self, agent: User, admin: User, owner: User) -> None:
        ticket = make_ticket(owner)
        for minutes in (2, 1, 0):
            services.look(ticket_id=ticket.pk, by=agent, at=timezone.now() - timedelta(minutes=minutes))

        assert Presence.objects.count() == 1
        assert services.look(ticket_id=ticket.pk, by=admin, at=timezone.now()) == ["Agnes Agent"]

    def test_changes_neither_version_nor_history(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner)

        Browser(agent).post(page_of(ticket, "looking"))

        assert Ticket.objects.get().version == 1
        assert len(queries.history(ticket_id=ticket.pk, limit=9)) == 1

    def test_those_who_have_left_are_forgotten(self, agent: User, admin: User, owner: User) -> None:
        ticket, now = make_ticket(owner), timezone.now()
        services.look(ticket_id=ticket.pk, by=agent, at=now - PRESENT_FOR - timedelta(seconds=1))
        services.look(ticket_id=ticket.pk, by=admin, at=now)

        services.forget_absent(at=now)

        assert Presence.objects.get().user == admin

    def test_is_for_staff_and_existing_tickets(self, agent: User, owner: User) -> None:
        foreign = Browser(owner).post(page_of(make_ticket(owner), "looking"))
        missing = Browser(agent).post(f"{TICKETS}{2**62}/looking/")

        assert (foreign.status_code, missing.status_code) == (302, 404)


class TestDrafts:
    DRAFT = "7.admin.tickets.ticket.1.comment.~abc123"

    def test_accepted_form_releases_its_draft(self, agent: User, owner: User) -> None:
        browser = Browser(agent)
        ticket = make_ticket(owner)
        sent = {"message": "On our way.", "_draft": self.DRAFT, "csrfmiddlewaretoken": "x" * 64}

        first = browser.post(page_of(ticket, "comment"), sent)
        again = browser.post(page_of(ticket, "comment"), sent)

        assert Comment.objects.count() == 1
        stamps = [answer.cookies["sent.7.admin.tickets.ticket.1.comment."].value for answer in (first, again)]
        assert stamps == ["abc123"] * 2

    @pytest.mark.parametrize("message", ["", " "])
    def test_refused_form_keeps_its_draft(self, agent: User, owner: User, message: str) -> None:
        sent = {"message": message, "_draft": self.DRAFT, "csrfmiddlewaretoken": "x" * 64}

        answer = Browser(agent).post(page_of(make_ticket(owner), "comment"), sent)

        assert not [name for name in answer.cookies if name.startswith("sent.")]

    @pytest.mark.parametrize("draft", ["", "x", "a;b~c", "a=b~c", "é~c", f"{'x' * 101}~c", "a~b~c", "a\r\nb~c"])
    def test_malformed_name_sets_no_cookie(self, agent: User, owner: User, draft: str) -> None:
        sent = {"message": "On our way.", "_draft": draft, "csrfmiddlewaretoken": "x" * 64}

        answer = Browser(agent).post(page_of(make_ticket(owner), "comment"), sent)

        assert answer.status_code == 302
        assert not [name for name in answer.cookies if name.startswith("sent.")]
