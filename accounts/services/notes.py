"""Notes of staff about people."""

from datetime import datetime

from django.db import transaction

from accounts.models import Note, User
from accounts.services.users import UserNotFound
from kit.errors import Forbidden, Invalid
from kit.text import composed

EMPTY = "Write something."


@transaction.atomic
def add_note(*, user_id: int, by: User, at: datetime, text: str) -> Note:
    """Add a note about a user. Notes are never changed.

    :raises Forbidden: `by` is not staff.
    :raises Invalid: the text is empty.
    :raises UserNotFound: there is no such user.
    """
    if not by.is_staff:
        raise Forbidden
    if not text.strip():
        raise Invalid(fields={"text": [EMPTY]})
    user = User.objects.select_for_update(no_key=True).filter(pk=user_id).first()
    if user is None:
        raise UserNotFound
    return user.notes.create(author=by, created_at=at, text=composed(text.strip()))
