"""Which words the tickets in each span of titles have: searches by title skip the spans without theirs."""

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.db import models

from kit.db.triggers import trigger


class BitsField(models.Field):
    """A string of bits."""

    def db_type(self, connection: object) -> str:
        return "bit varying"


class TitleSpans(models.Model):
    """The only row: where the spans begin, and the last ticket that is noted in them.

    Span 0 is before the first of these sort keys, and span n begins with the n-th.
    """

    first_titles = ArrayField(models.TextField())
    # The last ticket when the spans were chosen.
    divided_id = models.BigIntegerField()
    # Up to this ticket, all are noted or in NewlyTitled.
    last_id = models.BigIntegerField()
    # What last_id will be next. Triggers append tickets up to here to NewlyTitled.
    next_id = models.BigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{len(self.first_titles) + 1} spans up to ticket {self.last_id}"


class SpannedWord(models.Model):
    """The spans with a ticket that has a word which begins so. May include others, whose tickets have been changed.

    Words that begin with a digit are left out: there are too many.
    """

    # The first four characters: all beginnings of words in use are few.
    beginning = models.TextField(primary_key=True, db_collation="C")
    # A bit for each span.
    spans = BitsField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.beginning


class NewlyTitled(models.Model):
    """A ticket up to `TitleSpans.last_id` whose title or words have changed since.

    Triggers append rows; `services.note_title_words` removes them.
    """

    # Not a foreign key, which would be checked for each change.
    ticket_id = models.BigIntegerField()

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"#{self.ticket_id}"


NOTING_TRIGGERS = [
    trigger(
        "tickets/note_old_ids",
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="new_tickets"),
    ),
    trigger(
        "tickets/note_new_words",
        when=pgtrigger.After,
        operation=pgtrigger.Update,
        condition=pgtrigger.AnyChange("title_key", "search"),
    ),
]
