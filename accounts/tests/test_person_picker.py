"""The field in which staff choose assignees, and what it offers."""

from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from accounts import queries
from accounts.models import User, UserType
from accounts.tests.factories import make_user
from kit.tests.browser import Browser

pytestmark = pytest.mark.django_db

CHOICES = "/admin/accounts/user/choices/"


def offered(browser: Browser, term: str = "", **query: Any) -> list[str]:
    results = browser.get(CHOICES, {"term": term, **query}).json()["results"]
    return [choice["text"].split(" <")[0] for choice in results]


class TestChoices:
    @pytest.mark.parametrize("term", ["om", "OM", "oma", "sharif", "sha om", "desk@", "Ómar"])
    def test_have_names_or_addresses_that_begin_so(self, agent: User, term: str) -> None:
        make_user("Omar Sharif", email="desk@example.com", type=UserType.AGENT)
        make_user("Tom Comber", email="tom@domain.com", type=UserType.AGENT)

        assert offered(Browser(agent), term) == ["Omar Sharif"]

    @pytest.mark.parametrize("term", ["com", "example", "@", "\x00com", "%", "mar"])
    def test_are_not_found_by_other_parts(self, agent: User, term: str) -> None:
        make_user("Omar Sharif", email="desk@example.com", type=UserType.AGENT)

        assert offered(Browser(agent), term) == []

    def test_are_agents_first_and_customers_only_if_asked_for(self, agent: User, admin: User) -> None:
        make_user("Alma Customer", email="alma@example.com")
        make_user("Alan Agent", type=UserType.AGENT)
        make_user("Albert Away", type=UserType.AGENT, is_active=False)

        assert offered(Browser(agent), "al") == ["Alan Agent"]
        assert offered(Browser(agent), "al", field_name="everyone") == ["Alan Agent", "Alma Customer"]
        assert offered(Browser(agent)) == ["Agnes Agent", "Alan Agent"]

    def test_leave_out_whom_the_field_names(self, agent: User) -> None:
        alan, alma = make_user("Alan Agent", type=UserType.AGENT), make_user("Alma Customer")

        assert offered(Browser(agent), field_name=f"agents-{alan.pk}") == ["Agnes Agent"]
        everyone = f"everyone-{agent.pk}-{alma.pk}-x-{'9' * 30}"
        assert offered(Browser(agent), "al", field_name=everyone) == ["Alan Agent"]
        assert offered(Browser(agent), "", field_name=everyone) == ["Alan Agent"]

    def test_are_customers_and_oneself_if_asked_for(self, agent: User, admin: User) -> None:
        make_user("Alan Agent", type=UserType.AGENT)
        make_user("Albert Away", is_active=False)
        make_user("Alma Customer")

        assert offered(Browser(agent), field_name="customers") == ["Agnes Agent", "Alma Customer"]
        assert offered(Browser(agent), "al", field_name="customers") == ["Alma Customer"]

    def test_say_who_is_a_customer(self, agent: User) -> None:
        make_user("Alma Customer", email="alma@example.com")

        (choice,) = Browser(agent).get(CHOICES, {"term": "alma", "field_name": "everyone"}).json()["results"]

        assert choice["text"] == "Alma Customer <alma@example.com> (customer)"

    def test_are_paged(self, agent: User, django_assert_num_queries: DjangoAssertNumQueries) -> None:
        for number in range(24):
            make_user(f"Zoe Number {number:02}", type=UserType.AGENT)
        browser = Browser(agent)
        offered(browser)

        # The session, the user, two for permissions, and the page.
        with django_assert_num_queries(5):
            first = browser.get(CHOICES, {"term": "zoe"}).json()
        second = browser.get(CHOICES, {"term": "zoe", "page": "2"}).json()

        assert (len(first["results"]), first["pagination"]) == (20, {"more": True})
        assert [choice["text"][:13] for choice in second["results"]] == [f"Zoe Number {n}" for n in range(20, 24)]
        assert second["pagination"] == {"more": False}

    @pytest.mark.parametrize("page", ["0", "-1", "x", "", "9" * 30, "²"])
    def test_with_a_malformed_page_are_the_first_or_none(self, agent: User, page: str) -> None:
        assert Browser(agent).get(CHOICES, {"page": page}).status_code == 200

    def test_are_hidden_from_customers(self, owner: User) -> None:
        assert Browser(owner).get(CHOICES)["Location"].startswith("/admin/login/")


class TestPeople:
    @pytest.mark.parametrize("text", ["olga", "olg own", "olga.o@", "0170 123-4567", "+49 170 1234567", "1234567"])
    def test_are_found_by_name_address_and_number(self, owner: User, outsider: User, text: str) -> None:
        User.objects.filter(pk=owner.pk).update(phone="+491701234567", email="olga.o@example.com")

        assert [row["id"] for row in queries.people(text=text, limit=5)] == [owner.pk]

    def test_with_this_very_name_come_first(self, db: None) -> None:
        longer, exact = make_user("Ann Abbott"), make_user("Ann")

        assert [row["id"] for row in queries.people(text="ann", limit=5)] == [exact.pk, longer.pk]
