"""A day at the desk and the box office, with the client that openapi-python-client generates.

Takes the server's URL as its argument. mypy checks it against the generated client.
"""

import sys
import time
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, TypeVar, cast

from ticketing_client import AuthenticatedClient, Client
from ticketing_client.api.accounts import create_user, get_current_user, sign_in
from ticketing_client.api.analytics import get_dashboard_analytics, get_ticket_analytics
from ticketing_client.api.events import (
    cancel_booking,
    create_booking,
    create_event,
    get_booking,
    get_event_availability,
    list_bookings,
    list_events,
)
from ticketing_client.api.projects import create_project
from ticketing_client.api.tickets import (
    add_comment,
    assign_user,
    create_project_ticket,
    create_ticket,
    export_tickets,
    get_ticket,
    get_ticket_history,
    list_comments,
    list_tickets,
    unassign_user,
    update_ticket,
)
from ticketing_client.models import (
    AssignRequest,
    Availability,
    Booking,
    BookingDetail,
    BookingPage,
    BookingStatus,
    CancellationRequest,
    ChangeDoor,
    Comment,
    CommentPage,
    CreatedBooking,
    DashboardAnalytics,
    Event,
    EventPage,
    GuestRequest,
    HistoryPage,
    Message,
    NewBookingRequest,
    NewCommentRequest,
    NewEventRequest,
    NewProjectRequest,
    NewProjectTicketRequest,
    NewTicketRequest,
    NewUser,
    Problem,
    Project,
    SignInRequest,
    SignUpRequest,
    Ticket,
    TicketAnalytics,
    TicketDetail,
    TicketOrdering,
    TicketPage,
    TicketPatchRequest,
    TicketPriority,
    TicketStatus,
    Tokens,
    User,
    UserType,
)
from ticketing_client.types import Response

Body = TypeVar("Body")

URL = sys.argv[1]
UNIQUE = time.time_ns()
PASSWORD = "correct horse, battery"
FAR_FUTURE = datetime(2099, 8, 1, 18, tzinfo=UTC)

# The generated types require a token wherever one is optional.
guest = cast(AuthenticatedClient, Client(base_url=URL))


def answer(kind: type[Body], parsed: object) -> Body:
    """Return the body of a response, which must be of this kind."""
    assert isinstance(parsed, kind), parsed
    return parsed


def refusal(response: Response[Any], status: HTTPStatus, code: str) -> Problem:
    """Return the body of a response that must be this error."""
    problem = answer(Problem, response.parsed)
    assert (response.status_code, problem.status, problem.code) == (status, status, code), problem
    return problem


def sign_up(name: str, kind: UserType) -> tuple[AuthenticatedClient, int]:
    email = f"{kind}-{UNIQUE}@python.example"
    new = SignUpRequest(name=name, email=email, type_=kind, password=PASSWORD)
    user = answer(NewUser, create_user.sync(client=guest, body=new))
    tokens = answer(Tokens, sign_in.sync(client=guest, body=SignInRequest(email=email, password=PASSWORD)))
    client = AuthenticatedClient(base_url=URL, token=tokens.token)
    assert answer(User, get_current_user.sync(client=client)).is_active
    return client, user.id


def desk(customer: AuthenticatedClient, customer_id: int, admin: AuthenticatedClient) -> None:
    project = answer(Project, create_project.sync(client=admin, body=NewProjectRequest(name=f"Python {UNIQUE}")))
    kind = f"py-{UNIQUE}"
    plain = answer(Ticket, create_ticket.sync(client=customer, body=NewTicketRequest(title="Only a title", type_=kind)))
    assert plain.status == TicketStatus.OPEN
    everything = NewProjectTicketRequest(
        title="Everything",
        description="All of the optional fields",
        project=project.id,
        status=TicketStatus.IN_PROGRESS,
        type_=kind,
        venue="Hall 1",
        price=12.5,
        priority=TicketPriority.HIGH,
        due_date=FAR_FUTURE,
        assigned_users=[customer_id],
    )
    full = answer(
        Ticket,
        create_project_ticket.sync(client=customer, body=everything, idempotency_key=f"ticket-{UNIQUE}"),
    )
    assert [user.user_id for user in full.assigned_users] == [customer_id]
    assert full.due_date == FAR_FUTURE
    invalid = create_ticket.sync_detailed(client=customer, body=NewTicketRequest(title=""))
    assert [fault.field for fault in refusal(invalid, HTTPStatus.BAD_REQUEST, "invalid").errors or []] == ["title"]

    first = answer(TicketPage, list_tickets.sync(client=customer, type_=kind, limit=1))
    assert first.next_cursor is not None
    newest_first = TicketOrdering.CREATED_DATE_DESC
    second = answer(
        TicketPage,
        list_tickets.sync(client=customer, type_=kind, limit=1, ordering=newest_first, cursor=first.next_cursor),
    )
    assert [ticket.id for ticket in first.items + second.items] == [full.id, plain.id]
    assert second.next_cursor is None
    started = list_tickets.sync(client=customer, type_=kind, status=TicketStatus.IN_PROGRESS)
    assert [ticket.id for ticket in answer(TicketPage, started).items] == [full.id]

    read = get_ticket.sync_detailed(plain.id, client=customer)
    assert not answer(TicketDetail, read.parsed).sla.on_hold
    tag = read.headers["ETag"]
    change = TicketPatchRequest(priority=TicketPriority.LOW, price=None)
    changed = update_ticket.sync(plain.id, client=customer, body=change, if_match=tag)
    assert answer(TicketDetail, changed).version == 2
    stale = update_ticket.sync_detailed(plain.id, client=customer, body=change, if_match=tag)
    refusal(stale, HTTPStatus.PRECONDITION_FAILED, "precondition_failed")

    comment = add_comment.sync(plain.id, client=customer, body=NewCommentRequest(message="Hello"))
    assert not answer(Comment, comment).internal
    assert len(answer(CommentPage, list_comments.sync(plain.id, client=customer)).items) == 1
    assignment = AssignRequest(user_id=customer_id)
    answer(Message, assign_user.sync(plain.id, client=customer, body=assignment))
    again = assign_user.sync_detailed(plain.id, client=customer, body=assignment)
    refusal(again, HTTPStatus.CONFLICT, "already_assigned")
    unassigned = unassign_user.sync_detailed(plain.id, customer_id, client=customer)
    assert unassigned.status_code == HTTPStatus.NO_CONTENT
    history = answer(HistoryPage, get_ticket_history.sync(plain.id, client=customer))
    assert history.items[0].door == ChangeDoor.API
    refusal(get_ticket.sync_detailed(2**40, client=customer), HTTPStatus.NOT_FOUND, "ticket_not_found")

    counted = answer(TicketAnalytics, get_ticket_analytics.sync(client=customer, type_=kind))
    assert counted.total_tickets == 2
    dashboard = answer(DashboardAnalytics, get_dashboard_analytics.sync(client=customer, type_=kind))
    assert dashboard.priority_distribution.high == 1
    assert len(answer(str, export_tickets.sync(client=customer, type_=kind)).splitlines()) == 3


def box_office(customer: AuthenticatedClient, admin: AuthenticatedClient) -> None:
    new = NewEventRequest(name=f"Python {UNIQUE}", starts_at=FAR_FUTURE, capacity=2, price=25)
    event = answer(Event, create_event.sync(client=admin, body=new))
    refusal(create_event.sync_detailed(client=customer, body=new), HTTPStatus.FORBIDDEN, "forbidden")
    greta = GuestRequest(first_name="Greta", last_name="Guest", email=f"guest-{UNIQUE}@python.example")
    booked = create_booking.sync(event.id, client=guest, body=NewBookingRequest(quantity=2, guest=greta))
    of_guest = answer(CreatedBooking, booked)
    assert of_guest.status == BookingStatus.CONFIRMED
    impatient = create_booking.sync_detailed(event.id, client=customer, body=NewBookingRequest(join_waitlist=False))
    refusal(impatient, HTTPStatus.CONFLICT, "not_enough_left")
    waiting = answer(CreatedBooking, create_booking.sync(event.id, client=customer, body=NewBookingRequest(quantity=1)))
    assert (waiting.status, waiting.position) == (BookingStatus.WAITING, 1)

    availability = get_event_availability.sync_detailed(event.id, client=guest)
    assert answer(Availability, availability.parsed).available == 0
    unchanged = get_event_availability.sync_detailed(event.id, client=guest, if_none_match=availability.headers["ETag"])
    assert unchanged.status_code == HTTPStatus.NOT_MODIFIED
    cancelled = cancel_booking.sync(
        of_guest.id,
        client=guest,
        body=CancellationRequest(tickets=1),
        x_manage_token=answer(str, of_guest.manage_token),
    )
    assert answer(Booking, cancelled).cancelled == 1
    promoted = answer(BookingDetail, get_booking.sync(waiting.id, client=customer))
    assert promoted.status == BookingStatus.CONFIRMED
    assert len(answer(BookingPage, list_bookings.sync(client=customer, event=event.id)).items) == 1
    found = answer(EventPage, list_events.sync(client=guest, search=event.name))
    assert [each.id for each in found.items] == [event.id]


def main() -> None:
    customer, customer_id = sign_up("Typed Customer", UserType.CUSTOMER)
    admin, _ = sign_up("Typed Admin", UserType.ADMIN)
    refusal(list_tickets.sync_detailed(client=guest), HTTPStatus.UNAUTHORIZED, "unauthenticated")
    desk(customer, customer_id, admin)
    box_office(customer, admin)


main()
