"""Watching tickets."""

from collections.abc import Callable

import pytest
from pytest_django import DjangoAssertNumQueries
from rest_framework.test import APIClient

from accounts.models import User
from kit.tests.browser import Browser
from tickets import queries, services
from tickets.models import Ticket, Watch
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

SignedIn = Callable[[User], APIClient]


class TestWatch:
    def test_begins_and_ends(self, outsider: User, ticket: Ticket, signed_in: SignedIn) -> None:
        api, url = signed_in(outsider), f"/tickets/{ticket.pk}/watch"

        def watching() -> bool:
            return bool(api.get(f"/tickets/{ticket.pk}").json()["watching"])

        assert not watching()
        for _ in range(2):
            assert api.put(url).status_code == 204
            assert watching()
        for _ in range(2):
            assert api.delete(url).status_code == 204
            assert not watching()

    def test_is_per_user_even_for_staff(self, agent: User, admin: User, ticket: Ticket, signed_in: SignedIn) -> None:
        services.watch(ticket_id=ticket.pk, by=agent)

        seen = [signed_in(user).get(f"/tickets/{ticket.pk}").json()["watching"] for user in (agent, admin)]

        assert seen == [True, False]

    def test_changes_the_tag_but_not_the_version(self, api: APIClient, ticket: Ticket) -> None:
        before = api.get(f"/tickets/{ticket.pk}")
        api.put(f"/tickets/{ticket.pk}/watch")
        after = api.get(f"/tickets/{ticket.pk}")

        assert before.json()["version"] == after.json()["version"]
        assert before["ETag"] != after["ETag"]

    @pytest.mark.parametrize("method", ["put", "delete"])
    def test_of_a_ticket_one_cannot_see_is_a_404(
        self, method: str, outsider: User, hidden_ticket: Ticket, signed_in: SignedIn
    ) -> None:
        for number in (hidden_ticket.pk, 2**62, 2**80):
            assert getattr(signed_in(outsider), method)(f"/tickets/{number}/watch").status_code == 404
        assert not Watch.objects.exists()

    def test_runs_two_statements(
        self, api: APIClient, ticket: Ticket, django_assert_num_queries: DjangoAssertNumQueries
    ) -> None:
        api.get(f"/tickets/{ticket.pk}")

        # And one for the caller, and the begin and end of the transaction.
        with django_assert_num_queries(5):
            api.put(f"/tickets/{ticket.pk}/watch")


class TestWatchers:
    def test_are_those_who_may_see_the_ticket(
        self, hidden_ticket: Ticket, owner: User, assignee: User, outsider: User, agent: User
    ) -> None:
        everyone = [owner, assignee, outsider, agent]
        open_ticket = make_ticket(owner)
        assign(hidden_ticket, assignee)
        Watch.objects.bulk_create(
            Watch(ticket=ticket, user=user) for ticket in (open_ticket, hidden_ticket) for user in everyone
        )

        found = queries.watchers([open_ticket.pk, hidden_ticket.pk])

        assert found[open_ticket.pk] == sorted(user.pk for user in everyone)
        assert found[hidden_ticket.pk] == sorted(user.pk for user in (owner, assignee, agent))
        for ticket in (open_ticket, hidden_ticket):
            visible = [user.pk for user in everyone if queries.is_visible(ticket_id=ticket.pk, viewer=user)]
            assert sorted(visible) == found[ticket.pk]


class TestInTheAdmin:
    def test_begins_and_ends_with_a_button(self, agent: User, ticket: Ticket) -> None:
        browser, url = Browser(agent), f"/admin/tickets/ticket/{ticket.pk}"

        assert f'action="{url}/watch/"' in browser.get(f"{url}/change/").content.decode()
        assert browser.post(f"{url}/watch/")["Location"] == f"{url}/change/"
        assert f'action="{url}/unwatch/"' in browser.get(f"{url}/change/").content.decode()
        browser.post(f"{url}/unwatch/")
        assert not Watch.objects.exists()

    def test_of_no_ticket_is_a_404(self, agent: User) -> None:
        assert Browser(agent).post(f"/admin/tickets/ticket/{2**62}/watch/").status_code == 404
