"""Every changing call of the API and the contracts, with a request that succeeds, for tests that try them all."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.utils import timezone

from accounts.models import User, UserType
from accounts.tests.factories import make_user
from events import services as event_services
from events.models import Event, Origin
from events.services import Guest
from events.tests.factories import GUEST, book, make_event
from events.ticket_codes import Ticket as ETicket
from events.tokens import manage_token
from projects.models import Project
from projects.tests.factories import make_project
from ticketing import urls
from ticketing.tests.pages import patterns
from tickets import services
from tickets.models import Comment, Ticket
from tickets.saved_filters import services as saved_filters
from tickets.tests.factories import assign, make_ticket
from webhooks.models import Webhook
from webhooks.tests.factories import make_delivery as make_webhook_delivery
from webhooks.tests.factories import make_webhook

# Signing in and the rest of /auth issue and revoke tokens, which are never stored.
WITHOUT_KEYS = {"login", "api/auth/login", "api/v1/auth/login"}
# The longest text that is accepted everywhere, which takes 120 kB in JSON.
LONG_TEXT = "x" + "\x01" * 19_998 + "x"
GUEST_BODY = {"firstName": "Greta", "lastName": "Guest", "email": "greta@example.com"}


@dataclass(frozen=True)
class Call:
    """A request. `by` is None for a caller without a token."""

    url: str
    body: dict[str, Any] | None = None
    by: User | None = None
    headers: dict[str, str] = field(default_factory=dict)


def changing() -> dict[str, Callable[..., Any]]:
    """Return the method of the view behind each `POST` and `DELETE` that changes something, by method and path."""
    found = {}
    for page in patterns(urls.urlpatterns):
        view, path = getattr(page.callback, "cls", None), str(page.pattern)
        # Pages of the admin have no class; see kit/admin/once.py.
        if view is None or path in WITHOUT_KEYS or path.startswith("auth/"):
            continue
        actions = getattr(page.callback, "actions", None) or {name: name for name in view.http_method_names}
        for method in ("post", "delete"):
            if handler := getattr(view, actions.get(method, ""), None):
                found[f"{method.upper()} /{path}"] = handler
    return found


class Examples:
    """A call for each of `changing()`. `text` fills descriptions and messages, and `comments` the ticket."""

    def __init__(self, *, text: str = "Some text", comments: int = 1) -> None:
        self.text, self.comments = text, comments
        self.owner = make_user("Olga Owner")
        self.admin = make_user("Ada Admin", type=UserType.ADMIN)

    def call(self, name: str) -> Call:
        """Create what the call needs, and return it."""
        found: Call = getattr(self, METHODS[name])()
        return found

    def _ticket(self, **fields: Any) -> Ticket:
        ticket = make_ticket(self.owner, description=self.text, project=Project.objects.helpdesk(), **fields)
        Comment.objects.bulk_create(
            Comment(ticket=ticket, author=self.owner, message=self.text, created_at=timezone.now())
            for _ in range(self.comments)
        )
        return ticket

    def _event(self, **fields: Any) -> Event:
        return make_event(self.admin, description=self.text, **fields)

    def sign_up(self) -> Call:
        return Call(
            "/users",
            {"name": "Nora New", "email": "nora@example.com", "type": "customer", "password": "open, sesame"},
        )

    def delete_user(self) -> Call:
        return Call(f"/users/{make_user().pk}", by=self.admin)

    def deactivate_user(self) -> Call:
        return Call(f"/users/{make_user().pk}/deactivate", by=self.admin)

    def create_project(self) -> Call:
        return Call("/projects", {"name": "Website", "description": self.text}, self.admin)

    def delete_project(self) -> Call:
        return Call(f"/projects/{make_project().pk}", by=self.admin)

    def create_ticket(self) -> Call:
        return Call("/ticket", {"title": "Fix it", "description": self.text}, self.owner)

    def create_project_ticket(self) -> Call:
        project = Project.objects.general().pk
        body = {"title": "Fix it", "description": self.text, "project": project, "status": "open"}
        return Call("/tickets", body, self.owner)

    def add_comment(self) -> Call:
        return Call(f"/tickets/{self._ticket().pk}/comments", {"message": self.text}, self.owner)

    def hold(self) -> Call:
        return Call(f"/tickets/{self._ticket().pk}/hold", {"reason": "Waiting for parts"}, self.admin)

    def resume(self) -> Call:
        ticket = self._ticket()
        services.hold(ticket_id=ticket.pk, by=self.admin, at=timezone.now())
        return Call(f"/tickets/{ticket.pk}/resume", by=self.admin)

    def merge(self) -> Call:
        return Call(f"/tickets/{self._ticket().pk}/merge", {"into": self._ticket().pk}, self.admin)

    def unwatch(self) -> Call:
        ticket = self._ticket()
        services.watch(ticket_id=ticket.pk, by=self.owner)
        return Call(f"/tickets/{ticket.pk}/watch", by=self.owner)

    def assign(self) -> Call:
        return Call(f"/tickets/{self._ticket().pk}/assign", {"userId": make_user().pk}, self.owner)

    def unassign(self) -> Call:
        ticket, user = self._ticket(), make_user()
        assign(ticket, user)
        return Call(f"/tickets/{ticket.pk}/assign/{user.pk}", by=self.owner)

    def save_filter(self) -> Call:
        return Call("/filters", {"name": "Urgent", "query": "priority=high"}, self.owner)

    def delete_filter(self) -> Call:
        saved = saved_filters.create(name="Urgent", query="priority=high", by=self.owner)
        return Call(f"/filters/{saved.pk}", by=self.owner)

    def _webhook(self) -> Webhook:
        return make_webhook(by=self.admin)

    def create_webhook(self) -> Call:
        return Call("/webhooks", {"url": "https://example.com/hooks", "events": ["*"]}, self.admin)

    def delete_webhook(self) -> Call:
        return Call(f"/webhooks/{self._webhook().pk}", by=self.admin)

    def rotate_secret(self) -> Call:
        return Call(f"/webhooks/{self._webhook().pk}/secret", by=self.admin)

    def test_webhook(self) -> Call:
        return Call(f"/webhooks/{self._webhook().pk}/test", by=self.admin)

    def retry_delivery(self) -> Call:
        body = orjson.dumps({"type": "ticket.created", "timestamp": "2024-07-01T18:00:00Z", "data": self.text}).decode()
        delivery = make_webhook_delivery(self._webhook(), status="failed", body=body)
        return Call(f"/webhooks/{delivery.webhook_id}/deliveries/{delivery.pk}/retry", by=self.admin)

    def create_event(self) -> Call:
        body = {"name": "Jazz", "description": self.text, "startsAt": "2099-08-01T18:00:00Z", "capacity": 9, "price": 1}
        return Call("/events", body, self.admin)

    def delete_event(self) -> Call:
        return Call(f"/events/{self._event().pk}", by=self.admin)

    def cancel_event(self) -> Call:
        event = self._event()
        book(event)
        return Call(f"/events/{event.pk}/cancel", by=self.admin)

    def book(self) -> Call:
        return Call(f"/events/{self._event().pk}/bookings", {"guest": GUEST_BODY})

    def cancel_booking(self) -> Call:
        booking = book(self._event(), guest=GUEST, quantity=3)
        headers = {"X-Manage-Token": manage_token(booking.pk)}
        return Call(f"/bookings/{booking.pk}/cancel", {"tickets": 1}, headers=headers)

    def reissue_tickets(self) -> Call:
        return Call(f"/bookings/{book(self._event(), self.owner).pk}/tickets/reissue", by=self.owner)

    def check_in(self) -> Call:
        booking = book(self._event(), guest=GUEST)
        return Call(f"/events/{booking.event_id}/check-ins", {"code": ETicket(booking.pk, 1, 1).code()}, self.admin)

    def undo_check_in(self) -> Call:
        booking, at = book(self._event(), guest=GUEST), timezone.now()
        (scan,) = event_services.check_in_seats(
            event_id=booking.event_id, booking_id=booking.pk, seats=1, by=self.admin, at=at
        )
        return Call(f"/events/{booking.event_id}/check-ins/{scan.id}", by=self.admin)

    def initialize(self) -> Call:
        body = {"name": "Party", "description": self.text, "date": "2099-12-31", "location": "Colombo"}
        return Call("/initialize", body | {"ticketLimit": 1, "price": 1000}, self.owner)

    def book_one(self) -> Call:
        return Call("/book", {"eventId": self._event().pk, "userId": self.owner.pk}, self.owner)

    def cancel_one(self) -> Call:
        return Call("/cancel", {"id": book(self._event(), self.owner).pk}, self.owner)

    def register_with_ticks(self, path: str = "register") -> Call:
        body = {"username": "Nora New", "email": "nora@example.com", "password": "open, sesame"}
        return Call(f"/api/v1/auth/{path}", body, self.admin)

    def register_admin_with_ticks(self) -> Call:
        return self.register_with_ticks("admin/register")

    def create_event_with_ticks(self) -> Call:
        body = {"name": "Jazz", "date": "2099-12-31T20:00:00Z", "totalTickets": 10}
        return Call("/api/v1/event", body, self.admin)

    def delete_event_with_ticks(self) -> Call:
        return Call(f"/api/v1/event/{self._event().pk}", by=self.admin)

    def book_with_ticks(self) -> Call:
        # Returned as it was sent.
        body = {"eventId": f"{self._event().pk}".zfill(1000), "ticketsReserved": "2".zfill(1000)}
        return Call("/api/v1/booking", GUEST_BODY | body)

    def cancel_booking_with_ticks(self) -> Call:
        booking = book(self._event(), guest=Guest("Gus", "Guest", "g@example.com"), quantity=3, origin=Origin.TICKS)
        return Call(f"/api/v1/booking/{booking.pk}", {"ticketsToCancel": 1})

    def register_with_helpdesk(self) -> Call:
        body = {"name": "Nora New", "email": "nora@example.com", "password": "open, sesame", "role": "user"}
        return Call("/api/auth/register", body)

    def create_ticket_with_helpdesk(self) -> Call:
        body = {"title": "Server down", "description": self.text, "priority": "high"}
        return Call("/api/tickets", body, self.owner)

    def add_comment_with_helpdesk(self) -> Call:
        return Call(f"/api/tickets/{self._ticket().pk}/comments", {"message": self.text}, self.owner)


# The methods of `Examples`, by the name of the call in `changing()`.
METHODS = {
    "POST /users": "sign_up",
    "DELETE /users/<int:user_id>": "delete_user",
    "POST /users/<int:user_id>/deactivate": "deactivate_user",
    "POST /projects": "create_project",
    "DELETE /projects/<int:project_id>": "delete_project",
    "POST /ticket": "create_ticket",
    "POST /tickets": "create_project_ticket",
    "POST /tickets/<int:ticket_id>/comments": "add_comment",
    "POST /tickets/<int:ticket_id>/hold": "hold",
    "POST /tickets/<int:ticket_id>/resume": "resume",
    "POST /tickets/<int:ticket_id>/merge": "merge",
    "DELETE /tickets/<int:ticket_id>/watch": "unwatch",
    "POST /tickets/<int:ticket_id>/assign": "assign",
    "DELETE /tickets/<int:ticket_id>/assign/<int:user_id>": "unassign",
    "POST /filters": "save_filter",
    "DELETE /filters/<int:filter_id>": "delete_filter",
    "POST /webhooks": "create_webhook",
    "DELETE /webhooks/<int:webhook_id>": "delete_webhook",
    "POST /webhooks/<int:webhook_id>/secret": "rotate_secret",
    "POST /webhooks/<int:webhook_id>/test": "test_webhook",
    "POST /webhooks/<int:webhook_id>/deliveries/<int:delivery_id>/retry": "retry_delivery",
    "POST /events": "create_event",
    "DELETE /events/<int:event_id>": "delete_event",
    "POST /events/<int:event_id>/cancel": "cancel_event",
    "POST /events/<int:event_id>/bookings": "book",
    "POST /bookings/<int:booking_id>/cancel": "cancel_booking",
    "POST /bookings/<int:booking_id>/tickets/reissue": "reissue_tickets",
    "POST /events/<int:event_id>/check-ins": "check_in",
    "DELETE /events/<int:event_id>/check-ins/<int:check_in_id>": "undo_check_in",
    "POST /initialize": "initialize",
    "POST /book": "book_one",
    "POST /cancel": "cancel_one",
    "POST /api/v1/auth/register": "register_with_ticks",
    "POST /api/v1/auth/admin/register": "register_admin_with_ticks",
    "POST /api/v1/event": "create_event_with_ticks",
    "DELETE /api/v1/event/<int:event_id>": "delete_event_with_ticks",
    "POST /api/v1/booking": "book_with_ticks",
    "DELETE /api/v1/booking/<int:booking_id>": "cancel_booking_with_ticks",
    "POST /api/auth/register": "register_with_helpdesk",
    "POST /api/tickets": "create_ticket_with_helpdesk",
    "POST /api/tickets/<int:ticket_id>/comments": "add_comment_with_helpdesk",
}
