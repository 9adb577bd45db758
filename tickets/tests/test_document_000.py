"""Document 000, word for word: its seven calls in its order, with its own bodies.

Only its placeholders are replaced: "user_id" by an id, jwt_token by a token. Two of its samples break its own rules (a
password without a special character, a due date in the past): these are sent as they are and refused, then corrected.

constraint of the document                                          test
------------------------------------------------------------------  ---------------------------------------------------
1  type can only be "customer" or "admin"                           TestCreateAUser.test_type_is_one_of_two
1  password should be hashed before storing                         TestCreateAUser.test_stores_the_password_hashed
1  the email must be unique                                         TestCreateAUser.test_email_is_unique
1  password complexity (length, one special character)              TestCreateAUser.test_password_is_complex
1  an admin cannot be a customer, a customer cannot be an admin     TestCreateAUser.test_nobody_is_both
2  use JSON Web Tokens                                              TestAuthentication.test_token_is_a_jwt
2  validate user credentials                                        TestAuthentication.test_validates_credentials
3  type can be "concert", "conference", "sports", etc.              TestCreateATicket.test_type_is_any
3  status can be "open", "in-progress", or "closed"                 TestCreateATicket.test_status_is_one_of_three
3  priority can be "low", "medium", or "high"                       TestCreateATicket.test_priority_is_one_of_three
3  the user creating the ticket must be authenticated               TestCreateATicket.test_needs_authentication
3  createdBy must correspond to a valid user ID                     TestCreateATicket.test_created_by_is_a_valid_user
3  the dueDate must be a future date                                TestCreateATicket.test_due_date_is_in_the_future
4  a user cannot be assigned to the same ticket more than once      TestAssignAUser.test_not_twice
4  a ticket should not be assignable if it is closed                TestAssignAUser.test_not_when_closed
4  the userId must correspond to a valid user                       TestAssignAUser.test_valid_user
4  you can't assign a ticket to an admin                            TestAssignAUser.test_not_to_an_admin
4  not more than a defined limit (e.g., 5 users per ticket)         TestAssignAUser.test_limit
4  only the user who created the ticket or an admin can assign      TestAssignAUser.test_creator_or_admin
5  only authenticated users can view ticket details                 TestTicketDetails.test_needs_authentication
6  only authenticated users can view analytics                      TestTicketHistory.test_needs_authentication
6  the six optional query parameters                                TestTicketHistory.test_filters
7  the six optional query parameters                                TestTicketAnalytics.test_filters
"""

from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import product
from typing import Any

import jwt
import pytest
from django.conf import settings
from rest_framework.test import APIClient

from accounts import tokens
from accounts.models import User
from accounts.tests.factories import make_user
from tickets.models import Status, Ticket
from tickets.tests.factories import assign, make_ticket

pytestmark = pytest.mark.django_db

USER: dict[str, Any] = {
    "name": "User Name",
    "email": "user@example.com",
    "type": "customer",
    "password": "password123",
}
LOGIN: dict[str, Any] = {"email": "user@example.com", "password": "password123"}
TICKET: dict[str, Any] = {
    "title": "Ticket Title",
    "description": "Ticket Description",
    "type": "concert",
    "venue": "Venue Name",
    "status": "open",
    "price": 223,
    "priority": "high",
    "dueDate": "2024-08-01T18:00:00Z",
    "createdBy": "user_id",
}
# The two samples that break the document's own rules, corrected.
PASSWORD = {"password": "password123!"}
DUE_DATE = {"dueDate": "2099-08-01T18:00:00Z"}


def api(token: str) -> APIClient:
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token}")
    return client


def api_of(user: User) -> APIClient:
    return api(tokens.issue(user).access)


@pytest.fixture
def user_1(db: None) -> User:
    return make_user("User Name 1", email="user1@example.com")


@pytest.fixture
def user_2(db: None) -> User:
    return make_user("User Name 2", email="user2@example.com")


def has_keys_in_order(response: dict[str, Any], keys: Iterable[str]) -> bool:
    """Return whether the response has all the document's keys in the document's order; more keys may be in between."""
    return [key for key in response if key in set(keys)] == list(keys)


class TestInTheDocumentsOrder:
    def test_a_client_written_from_the_document_works(self, user_1: User, user_2: User) -> None:
        """One story through all seven calls; each response is compared with the document's key by key."""
        # 1. Create a User
        anonymous = APIClient()
        response = anonymous.post("/users", USER)
        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == ["password"]
        response = anonymous.post("/users", USER | PASSWORD)
        assert response.status_code == 201
        user_id = response.json()["id"]
        assert list(response.json().items()) == [
            ("id", user_id),
            ("name", "User Name"),
            ("email", "user@example.com"),
        ]

        # 2. Authentication
        response = anonymous.post("/auth/login", LOGIN | PASSWORD)
        assert response.status_code == 200
        assert next(iter(response.json())) == "token"
        client = api(response.json()["token"])

        # 3. Create a Ticket
        body = TICKET | {"createdBy": user_id}
        response = client.post("/ticket", body)
        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == ["dueDate"]
        response = client.post("/ticket", body | DUE_DATE)
        assert response.status_code == 201
        created = response.json()
        ticket_id = created["id"]
        expected = {
            "id": ticket_id,
            "title": "Ticket Title",
            "description": "Ticket Description",
            "type": "concert",
            "venue": "Venue Name",
            "status": "open",
            "priority": "high",
            "dueDate": "2099-08-01T18:00:00Z",
            "createdBy": user_id,
            "assignedUsers": [],
        }
        assert has_keys_in_order(created, expected)
        assert {key: created[key] for key in expected} == expected

        # 4. Assign a User to a Ticket
        response = client.post(f"/tickets/{ticket_id}/assign", {"userId": user_1.pk})
        assert (response.status_code, response.json()) == (200, {"message": "User assigned successfully"})
        response = client.post(f"/tickets/{ticket_id}/assign", {"userId": user_1.pk})
        assert (response.status_code, response.json()["message"]) == (409, "User already assigned")
        response = client.post(f"/tickets/{ticket_id}/assign", {"userId": user_2.pk})
        assert (response.status_code, response.json()) == (200, {"message": "User assigned successfully"})

        # 5. Get Ticket Details
        response = client.get(f"/tickets/{ticket_id}")
        assert response.status_code == 200
        details = response.json()
        expected = {
            "id": ticket_id,
            "title": "Ticket Title",
            "description": "Ticket Description",
            "type": "concert",
            "venue": "Venue Name",
            "status": "open",
            "price": 223,
            "priority": "high",
            "dueDate": "2099-08-01T18:00:00Z",
            "createdBy": user_id,
            "assignedUsers": [
                {"userId": user_1.pk, "name": "User Name 1", "email": "user1@example.com"},
                {"userId": user_2.pk, "name": "User Name 2", "email": "user2@example.com"},
            ],
            "statistics": {"totalAssigned": 2, "status": "open"},
        }
        assert has_keys_in_order(details, expected)
        assert {key: details[key] for key in expected} == expected
        assert [list(user) for user in details["assignedUsers"]] == [["userId", "name", "email"]] * 2
        assert list(details["statistics"]) == ["totalAssigned", "status"]

        # 6. Ticket History
        response = client.get("/tickets/analytics")
        assert response.status_code == 200
        history = response.json()
        expected = {
            "totalTickets": 1,
            "closedTickets": 0,
            "openTickets": 1,
            "inProgressTickets": 0,
            "priorityDistribution": {"low": 0, "medium": 0, "high": 1},
            "typeDistribution": {"concert": 1, "conference": 0, "sports": 0},
            "tickets": [
                {
                    "id": ticket_id,
                    "title": "Ticket Title",
                    "status": "open",
                    "priority": "high",
                    "type": "concert",
                    "venue": "Venue Name",
                    "createdDate": created["createdDate"],
                    "createdBy": user_id,
                }
            ],
        }
        assert has_keys_in_order(history, expected)
        assert {key: history[key] for key in expected} == expected
        assert list(history["tickets"][0]) == list(expected["tickets"][0])
        assert list(history["priorityDistribution"]) == ["low", "medium", "high"]
        assert list(history["typeDistribution"]) == ["concert", "conference", "sports"]

        # 7. Ticket Analytics
        response = client.get("/dashboard/analytics")
        assert response.status_code == 200
        expected = {
            "totalTickets": 1,
            "closedTickets": 0,
            "openTickets": 1,
            "averageCustomerSpending": 223,
            "AverageTicketsBookedPerDay": 1,
            "inProgressTickets": 0,
            "priorityDistribution": {
                "low": 0,
                "averageLowTicketsBookedPerDay": 0,
                "medium": 0,
                "averageMediumTicketsBookedPerDay": 0,
                "high": 1,
                "AverageHighTicketsBookedPerDay": 1,
            },
            "typeDistribution": {"concert": 1, "conference": 0, "sports": 0},
        }
        analytics = response.json()
        assert analytics == expected
        assert list(analytics) == list(expected)
        assert list(analytics["priorityDistribution"]) == list(expected["priorityDistribution"])
        assert list(analytics["typeDistribution"]) == list(expected["typeDistribution"])


class TestCreateAUser:
    def test_type_is_one_of_two(self, anonymous: APIClient, settings: Any) -> None:
        settings.STAFF_SIGNUP = True
        kinds = ["customer", "admin", "customers", "agent", "Customer", ""]

        responses = {
            kind: anonymous.post(
                "/users", USER | PASSWORD | {"type": kind, "email": f"{number}@example.com"}
            ).status_code
            for number, kind in enumerate(kinds)
        }

        assert responses == {"customer": 201, "admin": 201, "customers": 400, "agent": 400, "Customer": 400, "": 400}

    def test_stores_the_password_hashed(self, anonymous: APIClient) -> None:
        anonymous.post("/users", USER | PASSWORD)

        user = User.objects.get()
        assert user.password.startswith("argon2$argon2id$")
        assert user.check_password("password123!")

    @pytest.mark.parametrize("email", ["user@example.com", "User@Example.COM"])
    def test_email_is_unique(self, email: str, anonymous: APIClient) -> None:
        anonymous.post("/users", USER | PASSWORD)

        response = anonymous.post("/users", USER | PASSWORD | {"email": email})

        assert response.status_code == 409
        assert User.objects.count() == 1

    @pytest.mark.parametrize(
        ("password", "status"), [("password123", 400), ("pass12!", 400), ("password123!", 201), ("passw12!", 201)]
    )
    def test_password_is_complex(self, password: str, status: int, anonymous: APIClient) -> None:
        assert anonymous.post("/users", USER | {"password": password}).status_code == status

    @pytest.mark.parametrize(("current", "requested"), [("customer", "admin"), ("admin", "customer")])
    def test_nobody_is_both(self, current: str, requested: str, anonymous: APIClient, settings: Any) -> None:
        settings.STAFF_SIGNUP = True
        anonymous.post("/users", USER | PASSWORD | {"type": current})

        response = anonymous.post("/users", USER | PASSWORD | {"type": requested})

        assert response.status_code == 409
        assert User.objects.get().type == current


class TestAuthentication:
    def test_token_is_a_jwt(self, anonymous: APIClient) -> None:
        user_id = anonymous.post("/users", USER | PASSWORD).json()["id"]

        token = anonymous.post("/auth/login", LOGIN | PASSWORD).json()["token"]

        claims = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"])
        assert int(claims["user_id"]) == user_id

    @pytest.mark.parametrize("wrong", [{"password": "password123"}, {"email": "nobody@example.com"}])
    def test_validates_credentials(self, wrong: dict[str, str], anonymous: APIClient) -> None:
        anonymous.post("/users", USER | PASSWORD)

        response = anonymous.post("/auth/login", LOGIN | PASSWORD | wrong)

        assert (response.status_code, response.json()["message"]) == (401, "Invalid email or password")


class TestCreateATicket:
    def post(self, user: User, **fields: Any) -> Any:
        return api_of(user).post("/ticket", TICKET | DUE_DATE | {"createdBy": user.pk} | fields)

    @pytest.mark.parametrize("type_", ["concert", "conference", "sports", "etc."])
    def test_type_is_any(self, type_: str, owner: User) -> None:
        response = self.post(owner, type=type_)

        assert (response.status_code, response.json()["type"]) == (201, type_)

    @pytest.mark.parametrize(("status", "code"), [("open", 201), ("in-progress", 201), ("closed", 201), ("done", 400)])
    def test_status_is_one_of_three(self, status: str, code: int, owner: User) -> None:
        assert self.post(owner, status=status).status_code == code

    @pytest.mark.parametrize(("priority", "code"), [("low", 201), ("medium", 201), ("high", 201), ("urgent", 400)])
    def test_priority_is_one_of_three(self, priority: str, code: int, owner: User) -> None:
        assert self.post(owner, priority=priority).status_code == code

    @pytest.mark.parametrize("headers", [{}, {"HTTP_AUTHORIZATION": "Bearer jwt_token"}])
    def test_needs_authentication(self, headers: dict[str, Any], owner: User) -> None:
        response = APIClient().post("/ticket", TICKET | DUE_DATE | {"createdBy": owner.pk}, **headers)

        assert response.status_code == 401
        assert not Ticket.objects.exists()

    @pytest.mark.parametrize("created_by", ["user_id", 0, 10**30])
    def test_created_by_is_a_valid_user(self, created_by: Any, owner: User) -> None:
        response = self.post(owner, createdBy=created_by)

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == ["createdBy"]

    def test_due_date_is_in_the_future(self, owner: User) -> None:
        response = self.post(owner, dueDate="2024-08-01T18:00:00Z")

        assert response.status_code == 400
        assert [fault["field"] for fault in response.json()["errors"]] == ["dueDate"]


class TestAssignAUser:
    def assign(self, ticket: Ticket, user_id: int, by: User) -> tuple[int, str]:
        response = api_of(by).post(f"/tickets/{ticket.pk}/assign", {"userId": user_id})
        return response.status_code, response.json()["message"]

    def test_not_twice(self, owner: User, user_1: User) -> None:
        ticket = make_ticket(owner)
        assign(ticket, user_1)

        assert self.assign(ticket, user_1.pk, by=owner) == (409, "User already assigned")

    def test_not_when_closed(self, owner: User, user_1: User) -> None:
        ticket = make_ticket(owner, status=Status.CLOSED)

        assert self.assign(ticket, user_1.pk, by=owner) == (409, "Cannot assign users to a closed ticket")

    def test_valid_user(self, owner: User) -> None:
        ticket = make_ticket(owner)

        assert self.assign(ticket, 10**30, by=owner) == (404, "User does not exist")

    def test_not_to_an_admin(self, owner: User, admin: User) -> None:
        ticket = make_ticket(owner)

        assert self.assign(ticket, admin.pk, by=owner) == (400, "Cannot assign a ticket to an admin")

    def test_limit(self, owner: User, user_1: User) -> None:
        ticket = make_ticket(owner)

        responses = [self.assign(ticket, make_user().pk, by=owner) for _ in range(6)]

        assert responses == [(200, "User assigned successfully")] * 5 + [(409, "User assignment limit reached")]

    def test_creator_or_admin(self, owner: User, outsider: User, admin: User, user_1: User, user_2: User) -> None:
        ticket = make_ticket(owner)

        assert self.assign(ticket, user_1.pk, by=outsider) == (403, "Unauthorized")
        assert self.assign(ticket, user_1.pk, by=owner) == (200, "User assigned successfully")
        assert self.assign(ticket, user_2.pk, by=admin) == (200, "User assigned successfully")


class TestTicketDetails:
    def test_needs_authentication(self, owner: User, anonymous: APIClient) -> None:
        ticket = make_ticket(owner)

        assert anonymous.get(f"/tickets/{ticket.pk}").status_code == 401


# A value for each of the document's parameters (its own where it gives one), and the matching tickets of `july`.
PARAMETERS: dict[str, tuple[str, set[str]]] = {
    "startDate": ("2024-07-03", {"Ticket Title 2", "Ticket Title 3"}),
    "endDate": ("2024-07-03", {"Ticket Title 1"}),
    "status": ("closed", {"Ticket Title 1", "Ticket Title 3"}),
    "priority": ("high", {"Ticket Title 1"}),
    "type": ("concert", {"Ticket Title 1", "Ticket Title 3"}),
    "venue": ("Venue 1", {"Ticket Title 1"}),
}


@pytest.fixture
def july(owner: User) -> None:
    """The two tickets in the document's sample, and one more."""
    rows = [
        ("Ticket Title 1", Status.CLOSED, "high", "concert", "Venue 1", 1),
        ("Ticket Title 2", Status.IN_PROGRESS, "medium", "conference", "Venue 2", 5),
        ("Ticket Title 3", Status.CLOSED, "low", "concert", "Venue 2", 9),
    ]
    for title, status, priority, type_, venue, day in rows:
        make_ticket(
            owner,
            title=title,
            status=status,
            priority=priority,
            type=type_,
            venue=venue,
            created_at=datetime(2024, 7, day, 18, tzinfo=UTC),
        )


@pytest.mark.usefixtures("july")
class TestTicketHistory:
    def test_needs_authentication(self, anonymous: APIClient) -> None:
        assert anonymous.get("/tickets/analytics").status_code == 401

    def test_lists_the_documents_tickets(self, owner: User) -> None:
        response = api_of(owner).get("/tickets/analytics", {"endDate": "2024-07-05"})

        tickets = response.json()["tickets"]
        ids = dict(Ticket.objects.values_list("title", "pk"))
        assert tickets == [
            {
                "id": ids["Ticket Title 2"],
                "title": "Ticket Title 2",
                "status": "in-progress",
                "priority": "medium",
                "type": "conference",
                "venue": "Venue 2",
                "createdDate": "2024-07-05T18:00:00Z",
                "createdBy": owner.pk,
            },
            {
                "id": ids["Ticket Title 1"],
                "title": "Ticket Title 1",
                "status": "closed",
                "priority": "high",
                "type": "concert",
                "venue": "Venue 1",
                "createdDate": "2024-07-01T18:00:00Z",
                "createdBy": owner.pk,
            },
        ]

    @pytest.mark.parametrize("chosen", list(product([False, True], repeat=6)), ids=str)
    def test_filters(self, chosen: tuple[bool, ...], owner: User) -> None:
        """Any combination of the six parameters matches the tickets that each of them matches."""
        names = [name for name, is_chosen in zip(PARAMETERS, chosen, strict=True) if is_chosen]
        matching = {"Ticket Title 1", "Ticket Title 2", "Ticket Title 3"}.intersection(
            *(PARAMETERS[name][1] for name in names)
        )

        history = api_of(owner).get("/tickets/analytics", {name: PARAMETERS[name][0] for name in names}).json()

        assert {ticket["title"] for ticket in history["tickets"]} == matching
        assert history["totalTickets"] == len(matching)


@pytest.mark.usefixtures("july")
class TestTicketAnalytics:
    @pytest.mark.parametrize("name", PARAMETERS)
    def test_filters(self, name: str, owner: User) -> None:
        value, matching = PARAMETERS[name]

        analytics = api_of(owner).get("/dashboard/analytics", {name: value}).json()

        assert analytics["totalTickets"] == len(matching)

    def test_needs_authentication(self, anonymous: APIClient) -> None:
        """The document shows no token here, but users must not see figures about tickets that are hidden from them."""
        assert anonymous.get("/dashboard/analytics").status_code == 401
