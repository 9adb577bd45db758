"""Comments on tickets, and who may read them."""

from typing import Self

import pgtrigger
from django.db import models
from django.db.models import F, Func, Value
from django.db.models.functions import Length, Trim
from django.db.models.lookups import Exact, LessThanOrEqual

from accounts.models import User
from kit.db.triggers import refuse_truncate, trigger
from tickets.models.ticket import Ticket

MAX_MESSAGE = 20_000


class CommentQuerySet(models.QuerySet["Comment"]):
    def visible_to(self, user: User) -> Self:
        """Select the comments that the user may read, on tickets that they may see."""
        comments = self.readable_by(user)
        return comments if user.is_staff else comments.filter(ticket__in=Ticket.objects.visible_to(user).order_by())

    def readable_by(self, user: User | None) -> Self:
        """Leave out internal comments unless the user is staff; None is a user who was deleted.

        sql/functions/comment_is_readable.sql is the only definition of who may read them. The trigger behind comment
        mail calls it too.
        """
        user_type = Value(user.type if user else None, output_field=models.TextField())
        return self.filter(
            Func(F("is_internal"), user_type, function="comment_is_readable", output_field=models.BooleanField())
        )


class Comment(models.Model):
    """A message on a ticket. It cannot be edited or deleted, and moves only when its ticket is merged."""

    ticket = models.ForeignKey(Ticket, on_delete=models.PROTECT, related_name="comments", db_index=False)
    author = models.ForeignKey(User, on_delete=models.PROTECT, related_name="comments")
    message = models.TextField(max_length=MAX_MESSAGE)
    is_internal = models.BooleanField(default=False, help_text="Visible to staff only; nobody else is notified.")
    created_at = models.DateTimeField(editable=False)

    objects = CommentQuerySet.as_manager()

    class Meta:
        # "Oldest first" means by id: clocks can go back, ids cannot.
        indexes = [models.Index(fields=["ticket", "id"], name="comment_of_ticket")]
        constraints = [
            models.CheckConstraint(condition=~Exact(Trim("message"), ""), name="comment_message"),
            models.CheckConstraint(
                condition=LessThanOrEqual(Length("message"), MAX_MESSAGE), name="comment_message_length"
            ),
        ]
        triggers = [
            pgtrigger.Protect(name="append_only", operation=pgtrigger.Delete),
            trigger("tickets/keep_comment", when=pgtrigger.Before, operation=pgtrigger.Update),
            trigger("tickets/follow_merge", when=pgtrigger.Before, operation=pgtrigger.Insert),
            refuse_truncate("keep_all"),
        ]

    def __str__(self) -> str:
        return f"comment on #{self.ticket_id}"
