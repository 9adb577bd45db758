"""`POST /tickets/batch`: create and change several tickets with one request.

Each item is executed as if it were a request of its own, and has a result of its own. New tickets are created first,
all together; changes follow one by one, each in its own transaction.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import ceil
from typing import Any

import orjson
from django.db import DataError, IntegrityError, transaction
from django.utils import timezone
from rest_framework import exceptions
from rest_framework.request import Request

from accounts.models import User
from kit.errors import Invalid, Refused
from kit.idempotency.keys import Answer, Key, claim, claim_all, keep_all
from kit.idempotency.models import IdempotencyKey
from kit.idempotency.views import KEY, NOT_A_KEY, header_of, make_key
from kit.versions import Expected
from kit.web.bodies import read, read_object, valid_part, with_faults
from kit.web.problems import described
from tickets import queries, services, shapes
from tickets.queries import Row
from tickets.serializers import BatchedPatchSerializer, BatchSerializer, NewTicketSerializer

# New tickets that take as long as one request.
NEW_PER_REQUEST = 10
NOT_AN_OBJECT = Invalid("The item must be a JSON object")
BAD_KEY = Invalid(fields={"key": [NOT_A_KEY]})
REPEATED_KEY = Invalid(fields={"key": ["Another item has the same key."]})


@dataclass(frozen=True, eq=False)
class Item:
    """A ticket to create or to change. If there is an `error`, `values` are those of the valid fields."""

    is_change: bool = False
    key: Key | None = None
    values: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None


def items_of(request: Request) -> Iterator[Item]:
    """Yield the items in order. One without a key takes the key of the request, together with its position."""
    header, seen = header_of(request), set()
    for position, body in enumerate(read(BatchSerializer, request)["items"]):
        if not isinstance(body, dict):
            yield Item(error=NOT_AN_OBJECT)
            continue
        text, content = body.get("key"), {name: value for name, value in body.items() if name != "key"}
        if text is None:
            yield _item(content, None if header is None else make_key(request, header, content, str(position)))
        elif not isinstance(text, str) or not KEY.fullmatch(text):
            yield Item(error=BAD_KEY)
        elif text in seen:
            yield Item(error=REPEATED_KEY)
        else:
            seen.add(text)
            yield _item(content, make_key(request, text, content))


def _item(content: dict[str, Any], key: Key | None) -> Item:
    is_change = content.get("id") is not None
    shape = BatchedPatchSerializer if is_change else NewTicketSerializer
    try:
        return Item(is_change, key, read_object(shape, content))
    except exceptions.ValidationError as error:
        return Item(is_change, key, valid_part(shape, content, error), error)


def work(items: list[Item]) -> int:
    """Return how many requests would take as long: one per change, and one per ten new tickets."""
    changes = sum(item.is_change for item in items)
    return changes + ceil((len(items) - changes) / NEW_PER_REQUEST)


def results(items: list[Item], *, by: User) -> list[Row]:
    """Execute the items, and return the result of each: a status, and the ticket or the problem.

    :raises StillRunning: another request is creating a ticket with one of the keys.
    """
    new = _explained([item for item in items if not item.is_change], by=by)
    created = iter(_created(new, by=by))
    return [_changed(item, by=by) if item.is_change else next(created) for item in items]


def _explained(items: list[Item], *, by: User) -> list[Item]:
    """Add to the errors of invalid items what the service would refuse of their valid fields.

    Before any transaction, so that the rows looked up do not stay locked.
    """
    invalid = [item for item in items if isinstance(item.error, exceptions.ValidationError)]
    faults = iter(services.new_faults_of_many(items=[item.values for item in invalid], by=by, at=timezone.now()))
    return [
        replace(item, error=with_faults(item.error, next(faults)))
        if isinstance(item.error, exceptions.ValidationError)
        else item
        for item in items
    ]


def _created(items: list[Item], *, by: User) -> list[Row]:
    if not items:
        return []
    try:
        return _created_together(items, by=by)
    except (IntegrityError, DataError) as error:
        # The database refuses what the rules allow. One by one shows which items it refuses.
        if len(items) == 1:
            return [_refused(error)]
        return [result for item in items for result in _created([item], by=by)]


@transaction.atomic
def _created_together(items: list[Item], *, by: User) -> list[Row]:
    now: dict[str, Any] = {"by": by, "at": timezone.now()}
    stored = claim_all([item.key for item in items if item.key], at=now["at"])
    repeated = {item: stored[item.key.digest] for item in items if item.key and item.key.digest in stored}
    fresh = [item for item in items if item not in repeated]
    found = {item: _refused(item.error) for item in fresh if item.error}
    valid = [item for item in fresh if not item.error]
    made = services.create_many(items=[item.values for item in valid], **now)
    shown = _shown([each for each in made if isinstance(each, int)])
    for item, outcome in zip(valid, made, strict=True):
        found[item] = _refused(outcome) if isinstance(outcome, Refused) else _succeeded(201, shown[outcome])
    _keep(found, at=now["at"])
    return [_again(item, repeated[item], by=by) if item in repeated else found[item] for item in items]


def _changed(item: Item, *, by: User) -> Row:
    at = timezone.now()
    try:
        with transaction.atomic():
            if item.key and (first := claim(item.key, at=at)):
                return _again(item, first, by=by)
            ticket_id = _change(item, by=by, at=at)
            result = _succeeded(200, _shown([ticket_id])[ticket_id])
            _keep({item: result}, at=at)
            return result
    except Exception as error:
        # Even an unexpected error must not keep the other items from being executed, or their results from the client.
        return _refused(error)


def _change(item: Item, *, by: User, at: datetime) -> int:
    values = dict(item.values)
    if isinstance(item.error, exceptions.ValidationError):
        faults = services.change_faults(**values, by=by, at=at) if "ticket_id" in values else {}
        raise with_faults(item.error, faults)
    version = values.pop("version", None)
    expected = None if version is None else Expected(frozenset([version]))
    return services.update(**values, expected=expected, by=by, at=at).pk


def _shown(ticket_ids: list[int]) -> dict[int, Row]:
    return {row["id"]: shapes.ticket(row) for row in queries.tickets_by_id(ticket_ids)}


def _succeeded(status: int, ticket: Row) -> Row:
    return {"status": status, "ticket": ticket}


def _refused(error: Exception | None) -> Row:
    problem = described(error or Exception())
    return {"status": problem.status, "problem": problem.body()}


def _keep(found: dict[Item, Row], *, at: datetime) -> None:
    """Store the tickets of items with keys. A refused item does not use up its key."""
    answers = [
        Answer(item.key, result["status"], orjson.dumps(result["ticket"]), result["ticket"]["id"])
        for item, result in found.items()
        if item.key and "ticket" in result
    ]
    keep_all(answers, at=at)


def _again(item: Item, first: IdempotencyKey, *, by: User) -> Row:
    """Return the stored result of an earlier item with the same key."""
    try:
        if item.key:
            item.key.check(bytes(first.body_digest))
        if first.object_id is None:
            return _succeeded(first.status, orjson.loads(first.body))
        # It was too long to store.
        if not queries.is_visible(ticket_id=first.object_id, viewer=by):
            raise services.TicketNotFound
        return _succeeded(first.status, _shown([first.object_id])[first.object_id])
    except Refused as refusal:
        return _refused(refusal)
