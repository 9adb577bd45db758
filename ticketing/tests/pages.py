"""Every page and action of the admin, for tests that try them all."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db.models import Model
from django.urls import URLPattern, URLResolver, reverse

from accounts import second_factor
from accounts.models import ApiKey, AuditEntry, AuthenticatorApp, User, UserType
from accounts.services import create_key
from accounts.tests.factories import make_user
from events.models import Booking, Event
from events.tests.factories import book, make_event
from notifications.models import Delivery
from notifications.tests.factories import make_delivery
from projects.models import Project
from projects.tests.factories import make_project
from sla.models import Calendar, Priority, SlaPolicy
from ticketing import urls
from tickets.models import Macro, Ticket
from tickets.tests.factories import make_ticket
from webhooks.models import Delivery as WebhookDelivery
from webhooks.models import Webhook
from webhooks.tests.factories import make_delivery as make_webhook_delivery
from webhooks.tests.factories import make_webhook

# Pages that only show something, even on POST.
READ_ONLY_KINDS = ("_changelist", "_history", "app_list", "autocomplete")
READ_ONLY_PAGES = {"index", "search", "accounts_user_drafts", "jsi18n", "view_on_site", "password_change_done"}
READ_ONLY_PAGES |= {"tickets_ticket_next", "tickets_ticket_previous", "tickets_ticket_count_views"}
READ_ONLY_PAGES |= {"tickets_ticket_labels"}
READ_ONLY_PAGES |= {"webhooks_webhook_secret"}
# Django's redirect for old URLs, and its catch-all.
REDIRECTS = {"<path:object_id>/", "(?P<url>.*)$"}

Examples = dict[type[Model], Model]


@dataclass(frozen=True)
class Try:
    """A page, or an action on a list. The key identifies its row in docs/roles.md."""

    key: str
    url: str
    query: dict[str, str] = field(default_factory=dict)
    action: dict[str, Any] = field(default_factory=dict)

    @property
    def only_shows(self) -> bool:
        return self.key in READ_ONLY_PAGES or any(kind in self.key for kind in READ_ONLY_KINDS)


# The argument of pages that take something other than an id.
ARGUMENTS = {"tickets_ticket_bulk": "status"}
# Pages in one model's admin that take another model's id.
MODEL_OF_PAGE: dict[str, type[Model]] = {
    "notifications_delivery_resend": Ticket,
    "accounts_user_revoke_key": ApiKey,
    "tickets_ticket_hand_over": User,
    "tickets_ticket_deactivate": User,
}


def make_examples() -> Examples:
    """Create an object of each model in the admin, to which every page and action applies."""
    user, creator = make_user("Una User"), make_user("Carl Creator", type=UserType.ADMIN)
    AuthenticatorApp.objects.create(user=user, name="Authenticator app", key=second_factor.new_key())
    key, _ = create_key(name="Import", scope="read", by=user)
    return {
        User: user,
        ApiKey: key,
        AuditEntry: AuditEntry.objects.order_by("-pk")[0],
        Project: make_project("Website"),
        Ticket: make_ticket(creator),
        Macro: Macro.objects.create(name="Thanks", text="Thank you, {{ customer.name }}!"),
        SlaPolicy: SlaPolicy.objects.get(priority=Priority.HIGH),
        Calendar: Calendar.objects.create(name="Office hours"),
        Delivery: make_delivery(creator),
        Webhook: make_webhook(by=creator),
        WebhookDelivery: make_webhook_delivery(make_webhook(by=creator)),
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
    """Return all pages and actions."""
    pages = [page for page in urls.urlpatterns if isinstance(page, URLPattern)]
    tries = [Try(str(page.name), reverse(page.name)) for page in pages if str(page.pattern).startswith("admin/")]
    site_pages = {name for name, _ in named(page for page in admin.site.get_urls() if isinstance(page, URLPattern))}
    tries += [Try(name, reverse(f"admin:{name}")) for name in site_pages - {"app_list", "autocomplete", "view_on_site"}]
    ticket = examples[Ticket]
    shortcut = [ContentType.objects.get_for_model(ticket).pk, ticket.pk]
    tries.append(Try("view_on_site", reverse("admin:view_on_site", args=shortcut)))
    labels = {model._meta.app_label for model in admin.site._registry}
    tries += [Try(f"app_list {label}", reverse("admin:app_list", args=[label])) for label in labels]
    for model in admin.site._registry:
        assert model in examples, f"{model.__name__} is in the admin and has no example"
        tries += [*pages_of(examples[model], examples), *actions_of(examples[model]), *autocomplete_of(model)]
    return tries


def named(pages: Iterable[URLPattern]) -> Iterator[tuple[str, URLPattern]]:
    for page in pages:
        if page.name:
            yield page.name, page
        else:
            assert str(page.pattern) in REDIRECTS, f"{page.pattern} has no name to find it by"


def pages_of(example: Model, examples: Examples) -> Iterator[Try]:
    for name, page in named(patterns(admin.site.get_model_admin(type(example)).urls)):
        row = examples[MODEL_OF_PAGE[name]] if name in MODEL_OF_PAGE else example
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


def autocomplete_of(model: type[Model]) -> Iterator[Try]:
    """Yield the autocomplete of a field that refers to the model, if there is one."""
    if not admin.site.get_model_admin(model).search_fields:
        return
    for relation in model._meta.related_objects:
        source = {"app_label": relation.related_model._meta.app_label}
        source |= {"model_name": str(relation.related_model._meta.model_name), "field_name": relation.field.name}
        yield Try(f"autocomplete {model._meta.label_lower}", reverse("admin:autocomplete"), query=source)
        return
