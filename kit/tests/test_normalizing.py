"""What migrations do to text that was stored before constraints required it to be normalized."""

import pytest

from accounts.models import User
from accounts.tests.factories import make_user
from kit.db import normalizing
from projects.models import Project
from projects.tests.factories import make_project
from projects.tests.psql import psql
from tickets.models import Ticket
from tickets.tests.factories import make_ticket

pytestmark = pytest.mark.django_db

# "ë" as two characters.
DECOMPOSED = "Zoe\u0308"


class TestCompose:
    def test_composes_what_is_not(self, owner: User) -> None:
        ticket = make_ticket(owner)
        psql("SET CONSTRAINTS ALL IMMEDIATE")
        psql("ALTER TABLE tickets_ticket DROP CONSTRAINT ticket_title_composed, DROP CONSTRAINT ticket_venue_composed")
        Ticket.objects.filter(pk=ticket.pk).update(title=DECOMPOSED, venue=f"Café {DECOMPOSED}")

        normalizing.compose(Ticket, "title", "venue")

        ticket.refresh_from_db()
        assert (ticket.title, ticket.venue) == ("Zoë", "Café Zoë")

    def test_keeps_names_unique(self) -> None:
        psql("ALTER TABLE projects_project DROP CONSTRAINT project_name_composed")
        first, second, third = (make_project(name) for name in (DECOMPOSED, "zoë", f"{DECOMPOSED}s"))

        normalizing.compose(Project, "name", shortest=3, is_unique=True)

        names = dict(Project.objects.values_list("pk", "name"))
        assert [names[project.pk] for project in (first, second, third)] == [f"Zoë ({first.pk})", "zoë", "Zoës"]

    def test_keeps_names_long_and_short_enough(self) -> None:
        psql("ALTER TABLE projects_project DROP CONSTRAINT project_name_composed")
        # U+0958 is longer when composed.
        short, long = make_project("oe\u0308"), make_project("\u0958" * 150)

        normalizing.compose(Project, "name", shortest=3, is_unique=True)

        names = dict(Project.objects.values_list("pk", "name"))
        assert (names[short.pk], len(names[long.pk])) == ("oë.", 150)


class TestNormalizeAddresses:
    @pytest.fixture(autouse=True)
    def muted(self) -> None:
        """Send no mail to old addresses: the migrations run before the trigger that does exists."""
        psql("SET LOCAL ticketing.quiet = 'on'")

    def test_encodes_domains(self) -> None:
        psql("ALTER TABLE accounts_user DROP CONSTRAINT user_email")
        user, other = make_user(email="x@straße.example"), make_user(email="X@Example.com")

        normalizing.normalize_addresses(User, "email", is_unique=True)

        emails = dict(User.objects.values_list("pk", "email"))
        assert (emails[user.pk], emails[other.pk]) == ("x@xn--strae-oqa.example", "X@Example.com")

    @pytest.mark.parametrize("address", ['"a\x0cb"@x.de', "ſ@example.com", "x@localhost", "x@" + "ü" * 60 + ".example"])
    def test_replaces_unusable_ones(self, address: str) -> None:
        psql("ALTER TABLE accounts_user DROP CONSTRAINT user_email")
        user = make_user(email=address)

        normalizing.normalize_addresses(User, "email", is_unique=True)

        assert User.objects.get(pk=user.pk).email == f"user-{user.pk}@unusable.invalid"

    def test_replaces_one_of_two_that_become_equal(self) -> None:
        psql("ALTER TABLE accounts_user DROP CONSTRAINT user_email")
        unicode, encoded = make_user(email="x@straße.example"), make_user(email="X@xn--strae-oqa.example")

        normalizing.normalize_addresses(User, "email", is_unique=True)

        emails = dict(User.objects.values_list("pk", "email"))
        assert emails[encoded.pk] == "X@xn--strae-oqa.example"
        assert emails[unicode.pk] == f"user-{unicode.pk}@unusable.invalid"
