"""Example requests and responses for docs.py: the samples of document 000, with a due date in the future."""

from typing import Any

from kit.errors import Invalid
from kit.openapi.headers import EXAMPLE_REQUEST_ID
from kit.web.problems import describe
from tickets.services import DUE_DATE_PAST

NEW_TICKET: dict[str, Any] = {
    "title": "Ticket Title",
    "description": "Ticket Description",
    "type": "concert",
    "venue": "Venue Name",
    "status": "open",
    "price": 223,
    "priority": "high",
    "dueDate": "2099-08-01T18:00:00Z",
    "createdBy": 2,
}
NEW_TRACKER_TICKET: dict[str, Any] = {
    "title": "Fix the database",
    "description": "It has been slow since Monday.",
    "project": 1,
    "status": "open",
    "assignedUsers": [3],
    "labels": ["database", "urgent"],
}
TICKET: dict[str, Any] = {
    "id": 7,
    "title": "Ticket Title",
    "description": "Ticket Description",
    "type": "concert",
    "venue": "Venue Name",
    "status": "open",
    "price": 223,
    "priority": "high",
    "dueDate": "2099-08-01T18:00:00Z",
    "createdBy": 2,
    "assignedUsers": [],
    "project": 1,
    "createdDate": "2024-07-01T18:00:00Z",
    "updatedDate": None,
    "activityDate": "2024-07-01T18:00:00Z",
    "slaDue": "2024-07-01T22:00:00Z",
    "labels": [],
    "version": 1,
}
TRACKER_TICKET: dict[str, Any] = TICKET | {
    "id": 8,
    "title": "Fix the database",
    "description": "It has been slow since Monday.",
    "type": "task",
    "venue": "",
    "price": None,
    "priority": "medium",
    "dueDate": None,
    "assignedUsers": [{"userId": 3, "name": "User Name 1", "email": "user1@example.com"}],
    "slaDue": "2024-07-02T18:00:00Z",
    "labels": ["database", "urgent"],
}
BATCH: dict[str, Any] = {
    "items": [
        NEW_TICKET | {"key": "import-2041"},
        {"id": 8, "status": "in-progress", "version": 1},
        {"title": "Ticket Title", "dueDate": "2001-08-01T18:00:00Z"},
    ]
}
BATCH_RESULTS: dict[str, Any] = {
    "items": [
        {"status": 201, "ticket": TICKET},
        {
            "status": 200,
            "ticket": TRACKER_TICKET
            | {
                "status": "in-progress",
                "updatedDate": "2024-07-01T18:30:00Z",
                "activityDate": "2024-07-01T18:30:00.250Z",
                "version": 2,
            },
        },
        {
            "status": 400,
            "problem": describe(Invalid(fields={"due_at": [DUE_DATE_PAST]})).body() | {"requestId": EXAMPLE_REQUEST_ID},
        },
    ]
}
TICKET_DETAIL: dict[str, Any] = TICKET | {
    "assignedUsers": [
        {"userId": 3, "name": "User Name 1", "email": "user1@example.com"},
        {"userId": 4, "name": "User Name 2", "email": "user2@example.com"},
    ],
    "updatedDate": "2024-07-01T18:30:00Z",
    "slaDue": "2024-07-02T00:10:00Z",
    "version": 3,
    "mergedInto": None,
    "mergedFrom": [],
    "watching": False,
    "statistics": {"totalAssigned": 2, "status": "open"},
    "sla": {
        "policy": "high",
        "hours": 4,
        "calendar": None,
        "onHold": False,
        "onHoldSince": None,
        "holdReason": "",
        "heldSeconds": 7800,
        "closedDate": None,
        "state": "ok",
        "because": "4 h round the clock, on hold 2 h 10 m",
    },
}
MERGED_TICKET: dict[str, Any] = TICKET_DETAIL | {"mergedFrom": [12], "version": 4}
HOLD: dict[str, Any] = {"reason": "Waiting for the customer"}
TICKET_ON_HOLD: dict[str, Any] = TICKET_DETAIL | {
    "slaDue": None,
    "version": 4,
    "sla": TICKET_DETAIL["sla"]
    | {
        "onHold": True,
        "onHoldSince": "2024-07-01T21:30:00Z",
        "holdReason": "Waiting for the customer",
        "state": "on-hold",
        "because": "4 h round the clock, on hold 2 h 10 m, on hold since 2024-07-01T21:30:00Z",
    },
}

TICKET_PAGE: dict[str, Any] = {"items": [TRACKER_TICKET, TICKET], "nextCursor": None}
EXPORT = (
    "id,title,description,type,venue,status,price,priority,dueDate,createdBy,assignedUsers,project,createdDate,"
    "updatedDate,slaDue,labels,version\r\n"
    "7,Ticket Title,Ticket Description,concert,Venue Name,open,223,high,2099-08-01T18:00:00Z,2,"
    "User Name 1 <user1@example.com>,1,2024-07-01T18:00:00Z,,2024-07-01T22:00:00Z,vip,1\r\n"
)
TICKET_PATCH: dict[str, Any] = {"status": "in-progress", "priority": "high", "version": 3}
REPLACED_TICKET: dict[str, Any] = {
    "title": "Fix the database",
    "description": "It has been slow since Monday.",
    "project": 1,
    "status": "in-progress",
}

ASSIGN: dict[str, Any] = {"userId": 3}
ASSIGNED: dict[str, Any] = {"message": "User assigned successfully"}

LABEL_PAGE: dict[str, Any] = {
    "items": [{"name": "database", "tickets": 12}, {"name": "urgent", "tickets": 3}],
    "nextCursor": None,
}

NEW_COMMENT: dict[str, Any] = {"message": "We are working on this issue."}
COMMENT: dict[str, Any] = {
    "id": 12,
    "message": "We are working on this issue.",
    "internal": False,
    "author": {"id": 2, "name": "User Name"},
    "createdDate": "2024-07-01T18:45:00Z",
}
COMMENT_PAGE: dict[str, Any] = {"items": [COMMENT], "nextCursor": None}

HISTORY: dict[str, Any] = {
    "items": [
        {
            "id": 1207,
            "at": "2024-07-01T18:30:00Z",
            "by": {"id": 2, "name": "User Name"},
            "door": "api",
            "changes": [
                {"field": "status", "from": "open", "to": "in-progress"},
                {"field": "dueDate", "from": None, "to": "2099-08-01T18:00:00Z"},
            ],
        },
        {
            "id": 1198,
            "at": "2024-07-01T18:20:00Z",
            "by": {"id": 2, "name": "User Name"},
            "door": "api",
            "changes": [{"field": "assignedUsers", "from": None, "to": {"userId": 3, "name": "User Name 1"}}],
        },
    ],
    "nextCursor": "WzExOThd",
}
