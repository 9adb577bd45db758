"""The table of the admin's lists: what it shows, how large it is, and that it travels compressed."""

import re
from typing import Any

import pytest
from backports import zstd
from django.contrib.admin import site
from django.test import RequestFactory

from accounts.models import User
from accounts.tests.factories import make_user
from kit.tests.browser import Browser
from notifications.tests.factories import make_delivery
from projects.tests.factories import make_project
from ticketing.tests.pages import make_examples
from tickets.models import Status
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

TICKETS = "/admin/tickets/ticket/"
MAX_BYTES = 150_000
# The head, the menu and the filters. What is left of MAX_BYTES is for a hundred rows.
MAX_BYTES_WITHOUT_ROWS = 54_000


def html(user: User, url: str, **headers: Any) -> str:
    return Browser(user).get(url, **headers).content.decode()


def cells(page: str, header: str) -> list[str]:
    """Return the contents of a column, as HTML."""
    return re.findall(rf'<t[dh] data-label="{header}">(.*?)</t[dh]>', page)


class TestTable:
    @pytest.mark.parametrize("model_admin", site._registry.values(), ids=str)
    def test_has_all_that_a_list_asks_for(self, model_admin: Any, superuser: User) -> None:
        request = RequestFactory().get("/")
        request.user = superuser
        methods = [getattr(model_admin, str(name), None) for name in model_admin.get_list_display(request)]

        options = ("list_editable", "list_sections", "ordering_field", "actions_row")
        assert not [option for option in options if getattr(model_admin, option, None)]
        assert not [method for method in methods for kind in ("boolean", "header", "dropdown") if hasattr(method, kind)]

    def test_of_each_model_has_its_rows(self, superuser: User) -> None:
        make_examples()
        for model in site._registry:
            url = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"

            page = Browser(superuser).get(url)

            if page.status_code == 200:
                rows = page.content.decode().count('<tr class="data-row">')
                assert rows == len(page.context["cl"].result_list), url

    def test_shows_values_as_labels_names_and_local_times(self, agent: User, owner: User, assignee: User) -> None:
        ticket = make_ticket(owner, title="Roof", type="bug", project=make_project("Attic"), status=Status.IN_PROGRESS)
        assign(ticket, assignee)

        page = html(agent, TICKETS)

        link = f'<a href="{TICKETS}{ticket.pk}/change/">'
        assert cells(page, "ID") == [str(ticket.pk)]
        assert cells(page, "title") == [f"{link}Roof</a>"]
        assert cells(page, "project") == ["Attic"]
        assert cells(page, "status") == ['<span class="label-warning">In Progress</span>']
        assert cells(page, "assignees") == [assignee.name]
        assert cells(page, "created at") == [ticket.created_at.strftime("%Y-%m-%d %H:%M UTC")]

    def test_escapes_what_users_wrote(self, agent: User, owner: User) -> None:
        make_ticket(owner, title="<b>&</b>", project=make_project("<i>box</i>"))

        page = html(agent, TICKETS)

        assert "&lt;b&gt;&amp;&lt;/b&gt;</a>" in cells(page, "title")[0]
        assert cells(page, "project") == ["&lt;i&gt;box&lt;/i&gt;"]

    def test_shows_icons_for_yes_and_no(self, superuser: User) -> None:
        make_user("Zora Zoo", is_active=False)

        page = html(superuser, "/admin/accounts/user/")

        assert [re.findall('title="(.+?)"', cell) for cell in cells(page, "active")] == [["Yes"], ["No"]]

    def test_shows_a_dash_for_no_value_of_a_field_and_what_a_method_has_instead(self, admin: User) -> None:
        make_delivery(admin)

        page = html(admin, "/admin/notifications/delivery/")

        assert cells(page, "last error") == ["-"]
        assert cells(page, "booking") == [""]

    def test_links_lead_back_to_the_filters(self, agent: User, owner: User) -> None:
        ticket = make_ticket(owner, title="Roof")

        page = html(agent, f"{TICKETS}?status__exact=open&q=roof")

        assert f'{ticket.pk}/change/?_changelist_filters=status__exact%3Dopen%26q%3Droof"' in cells(page, "title")[0]

    def test_of_a_hundred_tickets_is_small(self, agent: User, owner: User, assignee: User) -> None:
        for number in range(100):
            ticket = make_ticket(owner, title=f"The roof leaks above the {number}th attic")
            assign(ticket, assignee)

        page = html(agent, TICKETS)

        table = page[page.index("<tbody>") : page.index("</tbody>")]
        assert len(cells(page, "ID")) == 100
        assert len(page) - len(table) < MAX_BYTES_WITHOUT_ROWS
        assert len(page) < MAX_BYTES

    def test_travels_compressed_with_a_csrf_token_masked_each_time(self, agent: User, owner: User) -> None:
        make_ticket(owner)
        browser = Browser(agent)

        answers = [browser.get(TICKETS, HTTP_ACCEPT_ENCODING="zstd") for _ in range(2)]

        pages = [zstd.decompress(answer.content).decode() for answer in answers]
        first, second = (set(re.findall('name="csrfmiddlewaretoken" value="(.+?)"', page)) for page in pages)
        assert all(len(answer.content) < len(page) / 3 for answer, page in zip(answers, pages, strict=True))
        assert first
        assert not first & second
