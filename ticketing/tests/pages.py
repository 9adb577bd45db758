"""Every page and action of the admin, found by walking it, for the tests that try them all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import URLPattern, URLResolver, reverse
from django_otp.plugins.otp_totp.models import TOTPDevice

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from events.models import Booking, Event
from events.tests.factories import book, make_event
from notifications.models import Delivery
from notifications.tests.factories import make_delivery
from projects.models import Project
from projects.tests.factories import make_project
from sla.models import Calendar, Priority, SlaPolicy
from ticketing import urls
from tickets.models import Ticket
from tickets.tests.factories import make_ticket

# Pages that show something, whatever is sent to them.
SHOWING = ("_changelist", "_history", "app_list", "autocomplete")
SHOWING_ALL = {"index", "search", "jsi18n", "view_on_site", "password_change_done"}
# An old address of a page, and any address without one; they are Django's.
LEADING_ELSEWHERE = {"<path:object_id>/", "(?P<url>.*)$"}

Examples = dict[type[Model], Model]


@dataclass(frozen=True)
class Try:
    """A page, or an action on the rows of a list. The key is its row in docs/roles.md."""

    key: str
    url: str
    query: dict[str, str] = field(default_factory=dict)
    action: dict[str, Any] = field(default_factory=dict)

    @property
    def only_shows(self) -> bool:
        return self.key in SHOWING_ALL or any(kind in self.key for kind in SHOWING)


ARGUMENTS = {"tickets_ticket_many": "status"}
# Pages that are about another row than those of their own admin.
ABOUT = {"notifications_delivery_resend": Ticket}


def make_examples() -> Examples:
    """One of each thing that the admin shows: whatever can be done to such a thing can be done to it."""
    user, creator = make_user("Una User"), make_user("Carl Creator", type=UserType.ADMIN)
    TOTPDevice.objects.create(user=user, name="Authenticator app")
    return {
        User: user,
        Project: make_project("Website"),
        Ticket: make_ticket(creator),
        SlaPolicy: SlaPolicy.objects.get(priority=Priority.HIGH),
        Calendar: Calendar.objects.create(name="Office hours"),
        Delivery: make_delivery(creator),
        Event: make_event(creator),
        Booking: book(make_event(creator)),
        AccessAttempt: AccessAttempt.objects.create(
            username="SOMEBODY@EXAMPLE.COM", ip_address="192.0.2.1", failures_since_start=5
        ),
    }


def patterns(entries: list[Any]) -> Iterator[URLPattern]:
    for entry in entries:
        if isinstance(entry, URLResolver):
            yield from patterns(entry.url_patterns)
        else:
            yield entry


def everything(examples: Examples) -> list[Try]:
    """All pages and actions that there are."""
    pages = [page for page in urls.urlpatterns if isinstance(page, URLPattern)]
    tries = [Try(str(page.name), reverse(page.name)) for page in pages if str(page.pattern).startswith("admin/")]
    of_the_site = {name for name, _ in named(page for page in admin.site.get_urls() if isinstance(page, URLPattern))}
    tries += [
        Try(name, reverse(f"admin:{name}")) for name in of_the_site - {"app_list", "autocomplete", "view_on_site"}
    ]
    ticket = examples[Ticket]
    shortcut = [ContentType.objects.get_for_model(ticket).pk, ticket.pk]
    tries.append(Try("view_on_site", reverse("admin:view_on_site", args=shortcut)))
    labels = {model._meta.app_label for model in admin.site._registry}
    tries += [Try(f"app_list {label}", reverse("admin:app_list", args=[label])) for label in labels]
    for model in admin.site._registry:
        assert model in examples, f"{model.__name__} is in the admin and has no example"
        tries += [*pages_of(examples[model], examples), *actions_of(examples[model]), *offers_of(model)]
    return tries


def named(pages: Iterable[URLPattern]) -> Iterator[tuple[str, URLPattern]]:
    for page in pages:
        if page.name:
            yield page.name, page
        else:
            assert str(page.pattern) in LEADING_ELSEWHERE, f"{page.pattern} has no name to find it by"


def pages_of(example: Model, examples: Examples) -> Iterator[Try]:
    for name, page in named(patterns(admin.site.get_model_admin(type(example)).urls)):
        # Of a page that is named rather than numbered, one that there is.
        row = examples[ABOUT[name]] if name in ABOUT else example
        place = [ARGUMENTS.get(name, row.pk)] if page.pattern.converters else []
        yield Try(name, reverse(f"admin:{name}", args=place))


def actions_of(example: Model) -> Iterator[Try]:
    model_admin = admin.site.get_model_admin(type(example))
    if model_admin.actions is None:
        return
    name = f"{example._meta.app_label}_{example._meta.model_name}_changelist"
    for _, action, _ in model_admin._get_base_actions():  # type: ignore[attr-defined]
        yield Try(
            f"{name} {action}",
            reverse(f"admin:{name}"),
            action={"action": action, "_selected_action": [example.pk]},
        )


def offers_of(model: type[Model]) -> Iterator[Try]:
    """What is offered while somebody types into a field that refers to such a thing, whichever field."""
    if not admin.site.get_model_admin(model).search_fields:
        return
    for relation in model._meta.related_objects:
        source = {"app_label": relation.related_model._meta.app_label}
        source |= {"model_name": str(relation.related_model._meta.model_name), "field_name": relation.field.name}
        yield Try(f"autocomplete {model._meta.label_lower}", reverse("admin:autocomplete"), query=source)
        return
