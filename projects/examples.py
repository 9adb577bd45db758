"""What the API's description shows of projects."""

from typing import Any

NEW_PROJECT: dict[str, Any] = {"name": "Website", "description": "What customers see.", "visibility": "everyone"}
PROJECT_PATCH: dict[str, Any] = {"visibility": "involved"}
PROJECT: dict[str, Any] = {"id": 3, **NEW_PROJECT, "tickets": {"open": 2, "inProgress": 1, "closed": 0}}
PROJECT_PAGE: dict[str, Any] = {"items": [PROJECT], "nextCursor": None}
