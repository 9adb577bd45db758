"""Reads: users with the keys of the API."""

from collections.abc import Sequence
from typing import Any

from accounts.models import LAST_CHARACTER, User
from kit import phones
from kit.db import sql

# A user as SQL returns it, with the keys of UserSerializer.
Row = dict[str, Any]


def users(*, search: str = "", type: str | None = None, after: tuple[str, int] = ("", 0), limit: int) -> list[Row]:  # noqa: A002
    """Return up to `limit` users ordered by name, starting after the (name, id) pair `after`. Runs one query."""
    name, id_ = after
    # PostgreSQL can only tell from the words whether their index or the order finds a page of matches sooner.
    run = sql.rows if search else sql.prepared
    return run("accounts/users", search=search, type=type, after=name, after_id=id_, row_limit=limit)


def users_by_id(ids: list[int]) -> list[Row]:
    """Return these users as `users` does, in any order. Runs one statement."""
    return sql.prepared("accounts/users_by_id", ids=ids) if ids else []


def user(*, user_id: int) -> Row | None:
    return sql.find("accounts/user", user_id=user_id)


def keys(*, user_id: int) -> list[Row]:
    """Return a user's API keys, with the keys of ApiKeySerializer."""
    return sql.prepared("accounts/keys", user_id=user_id)


def assignable(
    *,
    text: str,
    with_customers: bool,
    only_agent_id: int | None = None,
    without: Sequence[int] = (),
    skipped: int = 0,
    limit: int,
) -> list[Row]:
    """Return who can be assigned to tickets, agents first, after the first `skipped`.

    Text has to begin words of the name, or the address. Customers are left out unless asked for, agents other than
    `only_agent_id` unless it is None, and the users `without` in any case.
    """
    return sql.rows(
        "accounts/assignable",
        **_beginnings(text),
        with_customers=with_customers,
        only_agent_id=only_agent_id,
        without=list(without),
        skipped=skipped,
        row_limit=limit,
    )


def people(*, text: str, limit: int) -> list[Row]:
    """Return the users that a search is most likely to mean: by name, address or telephone number."""
    digits = phones.last_digits(text)
    return sql.rows("accounts/people", **_beginnings(text), digits=digits[::-1] or None, row_limit=limit)


def called(text: str) -> list[int]:
    """Return the ids of users whose name has words that begin with the words of a text, or whose address does.

    If there are more than about three hundred, it leaves out some.
    """
    return [row["id"] for row in sql.rows("accounts/called", **_beginnings(text))]


def _beginnings(text: str) -> dict[str, str]:
    """Return the parameters of sql/parts/found.sql."""
    address = text.strip().lower()
    return {"text": text, "address": address, "after_address": address + LAST_CHARACTER}


def viewer_id(viewer: User | None) -> int | None:
    """Return whose tickets to show, as a parameter: null for those who see every ticket, such as staff."""
    return None if viewer is None or viewer.is_staff else viewer.pk
