"""Noting which words the tickets in each span of titles have; see models/title_span.py."""

from django.db import transaction

from kit.db import sql
from tickets.models import Ticket, TitleSpans

# Tickets in a span, and how many tickets are noted in one transaction.
SPAN, STEP = 1_000, 50_000
# How long others may have to wait before they can change tickets, in milliseconds.
MAX_WAIT = 200


def note_title_words() -> bool:
    """Note the words of tickets that are new or changed. Return False if others were changing tickets all the time.

    Not to be called in a transaction: others could not change tickets until its end.
    """
    with transaction.atomic():
        _divide_titles(_locked_spans())
    try:
        with sql.time_limit(MAX_WAIT):
            _locked_spans()
            sql.run("tickets/pause_writers")
            sql.run("tickets/choose_titles")
    except sql.TookTooLong:
        return False
    is_done = False
    while not is_done:
        with transaction.atomic():
            _locked_spans()
            is_done = bool(sql.row("tickets/note_title_words", walk=STEP)["is_done"])
    return True


def _locked_spans() -> TitleSpans:
    """Return the spans, which no other process changes until the end of the transaction."""
    TitleSpans.objects.get_or_create(pk=1, defaults={"first_titles": [], "divided_id": 0, "last_id": 0, "next_id": 0})
    return TitleSpans.objects.select_for_update().get()


def _divide_titles(spans: TitleSpans) -> None:
    """Divide titles into spans anew if there are more than twice as many tickets as when this was done last."""
    last = Ticket.objects.order_by("pk").values_list("pk", flat=True).last() or 0
    if last > 2 * max(spans.divided_id, SPAN):
        sql.run("tickets/divide_titles", length=SPAN)
