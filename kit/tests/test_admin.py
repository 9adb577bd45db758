"""What the admin pages of all rooms share: autocomplete and query strings."""

import re
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection, transaction
from django.forms import Form
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import make_user
from kit.admin.refusals import refusals_as_form_errors
from kit.tests.browser import Browser
from ticketing.tests.pages import autocomplete_of, make_examples


class TestAutocomplete:
    @staticmethod
    def results(user: User, model: Any, **query: Any) -> Any:
        (page,) = autocomplete_of(model)
        return Browser(user).get(page.url, page.query | query).json()

    @pytest.mark.parametrize(
        ("name", "term"),
        [("accounts.User", "ex"), ("projects.Project", "g"), ("tickets.Ticket", "fix"), ("events.Event", "ja")],
    )
    def test_does_not_count_matches(self, admin: User, name: str, term: str) -> None:
        make_examples()
        with CaptureQueriesContext(connection) as captured:
            answer = self.results(admin, model_of(name), term=term)

        assert answer["results"]
        assert not [query["sql"] for query in captured if re.search(r"\bCOUNT\(", query["sql"])]

    def test_pages_through_all_matches(self, admin: User) -> None:
        expected = {str(make_user(f"Una User {number}").pk) for number in range(25)}

        pages = [self.results(admin, User, term="una", page=number) for number in (1, 2, 3)]

        assert [len(page["results"]) for page in pages] == [20, 5, 0]
        assert {found["id"] for page in pages for found in page["results"]} == expected
        assert [page["pagination"]["more"] for page in pages][::2] == [True, False]


def model_of(name: str) -> Any:
    return next(model for model in admin.site._registry if model._meta.label == name)


class TestQueryStrings:
    @pytest.mark.parametrize(
        "address",
        [
            "events/event/?status__exact=%00",
            "events/event/?starts_at__year=99999999999",
            "tickets/ticket/?type__exact=%00",
            "autocomplete/?app_label=tickets&model_name=ticket&field_name=project&term=%00",
        ],
    )
    def test_with_out_of_range_values_are_400(self, admin: User, address: str) -> None:
        assert Browser(admin).get(f"/admin/{address}").status_code == 400


@pytest.mark.django_db
class TestRefusals:
    def test_by_the_database_leave_the_transaction_usable(self) -> None:
        """The page that shows the refusal runs in the same transaction (kit/admin/once.py)."""
        form = Form(data={})

        with transaction.atomic(), refusals_as_form_errors(form), connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE SQLSTATE '55P03'; END $$")

        assert form.non_field_errors() == ["The server is busy, please try again"]
        assert not User.objects.exists()
