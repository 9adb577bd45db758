"""Lists of tickets: orders, and how to find a page quickly among a million."""

from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import Max, Min

from accounts.models import User
from accounts.queries import viewer_id
from kit.dates import Span
from kit.db import sql
from projects.models import Project, Visibility
from sla.models import Priority, SlaState
from tickets.models import WEEKLY_FIELDS, Ordering, Queue, Ticket, weeks
from tickets.queries.filters import TicketFilter
from tickets.queries.reads import NEWEST_FIRST, Row

# How many tickets to look at, in order, before giving up on filling a page that way. Filters that few tickets meet are
# given up sooner, and so are titles, whose order has nothing to do with where the tickets are stored.
WALK, SHORT_WALK = 20_000, 2_000
# For titles and words: before titles that cannot have the words are skipped, and among the others.
TITLE_WALK, RANGE_WALK = 500, 12_000
# For assignees who have many tickets, which takes longer to test, and for the rest of a page.
SLOW_WALK = 8_000
# Matches are not evenly distributed, so a walk has to promise more than a page.
MARGIN = 1.4
# What part of a page is worth another walk for the rest.
NEARLY_ALL = 3 / 4
# How many expected matches of a search or of labels are too many to fetch and sort all of them, and how many of a
# search are too many when a user has to be assigned as well.
MANY, FEW = 15_000, 1_000
# How many pages of the table a sample reads.
SAMPLED_PAGES = 300
# How many entries of an index take as long as fetching one ticket: of titles, and of words.
ENTRIES_PER_TICKET, WORDS_PER_TICKET = 15, 7
# How many tickets whose words are not noted in the spans of titles to test for those of a search.
MAX_LATER = 5_000
# How many weeks of a span to put together.
MAX_WEEKS = 520


def tickets(
    *,
    viewer: User,
    filter: TicketFilter,  # noqa: A002
    ordering: Ordering,
    after: tuple[Any, int] | None = None,
    offset: int = 0,
    limit: int,
    at: datetime,
) -> list[Row]:
    """Return the first `limit` matching tickets that `viewer` may see after a position, with the keys of the API.

    Each also has its `place`, the value that it is sorted by. Any depth costs the same when it is reached by `after`;
    tickets skipped by `offset` cost as much as those returned.
    """
    wanted = filter.of(viewer)
    if wanted is None:
        return []
    page = _Page(viewer=viewer, filter=wanted, ordering=ordering, after=after, at=at, stop=offset + limit)
    return page.rows()[offset:]


def position(row: Row, ordering: Ordering) -> tuple[Any, int]:
    """Return where a row of `tickets` stands in this order, for `after`."""
    place = row["place"]
    is_date = ordering.field not in ("priority", "title") and place is not None
    return datetime.fromisoformat(place) if is_date else place, row["id"]


@dataclass(frozen=True, kw_only=True)
class _Page:
    """The first `stop` tickets of a filtered list, and the ways to find them.

    PostgreSQL would have to guess whether to walk along the order until enough tickets match, or to fetch all matches
    and sort them, and a wrong guess costs a walk along the whole table. So this class decides: it walks past some
    thousands. If those do not fill the page, few tickets match: sort those. Or many match that are all far down the
    order: a span is put together from its weeks.
    """

    viewer: User
    filter: TicketFilter
    ordering: Ordering
    after: tuple[Any, int] | None
    stop: int
    at: datetime

    def rows(self) -> list[Row]:
        assignee = self.filter.assignee_id
        if assignee is not None and not _has_many(assignee):
            return self._planned("involving", user_id=assignee, creator_id=None)
        near = self._next_tickets(self._walk)
        if len(near) == self.stop or self._is_whole(self._walk):
            return near
        if self._is_by_title_and_words and (found := self._in_titles()) is not None:
            return found
        if self._may_go_on(near):
            near = self._next_tickets(WALK)
            if len(near) == self.stop or self._is_whole(WALK):
                return near
            if len(near) >= NEARLY_ALL * self.stop:
                near += self._following(near, SLOW_WALK)
                if len(near) == self.stop:
                    return near
        if self._is_hidden_project() and not _has_many(self.viewer.pk):
            return self._planned("involving", user_id=self.viewer.pk, creator_id=self.viewer.pk)
        if weeks := self._weeks():
            return self._planned("of_weeks", first_week=weeks[0], last_week=weeks[-1])
        if self.filter.search is not None:
            return self._by_words()
        if assignee is not None:
            return self._planned("involving", user_id=assignee, creator_id=None)
        return self._planned("sorted")

    def _may_go_on(self, near: list[Row]) -> bool:
        """Return whether a long walk may fill the page, and takes less long than an index of words or labels."""
        if self._walk >= WALK:
            return False
        if self.filter.search is not None:
            return self._walk < SLOW_WALK and len(near) * WALK / self._walk >= MARGIN * self.stop
        return self._is_by_labels and (len(near) >= self.stop / 4 or self._are_labels_common)

    def _next_tickets(self, walk: int) -> list[Row]:
        """Return the matches among the next tickets in order. Stop as soon as the page is full."""
        chosen, field = self.filter, self.ordering.field
        is_simple = chosen.assignee_id is None and chosen.search is None and chosen.queue != Queue.UNASSIGNED
        is_of_status = chosen.status is not None and is_simple and self.ordering == NEWEST_FIRST
        name = "of_status" if is_of_status else f"by_{field}{self._suffix}"
        parameters = self._parameters() | {"walk": walk, "row_limit": self.stop}
        alike = self._alike()
        run = sql.rows if any(alike.values()) else sql.prepared
        return run(f"tickets/{name}", **parameters, **alike)

    def _following(self, near: list[Row], walk: int) -> list[Row]:
        """Return the rest of the page, or part of it, from a walk that begins after the last match found."""
        after, stop = position(near[-1], self.ordering), self.stop - len(near)
        found = replace(self, after=after, stop=stop)._next_tickets(walk)
        # Some tickets may just have been moved there.
        ids = {row["id"] for row in near}
        return [row for row in found if row["id"] not in ids]

    def _alike(self) -> dict[str, Any]:
        """Return what the tickets on the walk have in common, for orders with indexes of such tickets."""
        chosen = self.filter
        if self.ordering.field in ("created_at", "due_at"):
            return {"is_missed": chosen.sla == SlaState.MISSED}
        if self.ordering.field != "title":
            return {}
        values = {"venue": chosen.venue, "project": chosen.project_id, "type": chosen.type}
        walked = next((each for each, value in values.items() if value is not None), None)
        return {f"walked_{each}": value if each == walked else None for each, value in values.items()}

    def _planned(self, statement: str, **parameters: Any) -> list[Row]:
        """Run a statement that PostgreSQL plans with its parameters, which leave one order and few conditions of it."""
        defaults = self._parameters() | {
            "are_whole": False,
            "looks_up_words": True,
            "looks_up_labels": self._looks_up_labels(),
        }
        return sql.rows(f"tickets/{statement}", **defaults | parameters, row_limit=self.stop)

    def _looks_up_labels(self) -> bool:
        """Return whether to look labels up in their index. Common ones are tested faster on tickets of a venue or user.

        PostgreSQL would also look up common ones, because it underestimates how long that takes.
        """
        chosen = self.filter
        if chosen.labels is None or (chosen.venue is None and chosen.created_by_id is None):
            return True
        return not self._are_labels_common

    @cached_property
    def _are_labels_common(self) -> bool:
        """Return whether PostgreSQL expects too many tickets with each of these labels to fetch and sort all of them.

        Some labels often come together, which its statistics do not say.
        """
        return all(
            _expected_rows("tickets/expected_labels", labels=[label]) > MANY for label in self.filter.labels or ()
        )

    def _by_words(self) -> list[Row]:
        """Fetch and sort the matches of a search, unless there are many and a faster way to the first ones is known."""
        assignee, is_by_title = self.filter.assignee_id, self.ordering.field == "title"
        if assignee is None and not self._looks_up_words():
            return self._planned("sorted", looks_up_words=False)
        expected = self._expected if is_by_title or assignee is not None else 0
        if assignee is not None and expected > FEW:
            return self._planned("involving_in_order", user_id=assignee)
        return self._of_titles() if expected > MANY else self._planned("sorted", are_whole=self._are_whole())

    def _looks_up_words(self) -> bool:
        """Return whether to look words up in their index. Common ones are tested faster on few tickets.

        PostgreSQL would also look up common ones, because it underestimates how long that takes.
        """
        # PostgreSQL also underestimates how many tickets have several labels.
        others = replace(self.filter, search=None, labels=None)
        if not others.is_narrow:
            return True
        return self._expected_with_words < WORDS_PER_TICKET * self._expected_of(others)

    @cached_property
    def _expected(self) -> int:
        """Return how many matches PostgreSQL expects."""
        return self._expected_of(self.filter)

    def _expected_of(self, chosen: TicketFilter) -> int:
        # Without the condition of the labels' index, which says nothing new, but seems to leave a third of the tickets.
        plain = {"are_whole": False, "looks_up_words": True, "looks_up_labels": False}
        return _expected_rows("tickets/expected", **chosen.parameters() | plain, at=self.at)

    @cached_property
    def _expected_with_words(self) -> int:
        """Return how many tickets PostgreSQL expects to contain the words, or longer ones that begin with them."""
        return _expected_rows("tickets/expected_words", search=self.filter.search, are_whole=False)

    def _are_whole(self) -> bool:
        """Return whether PostgreSQL expects most tickets with the words to have them as they are, not longer ones."""
        whole = _expected_rows("tickets/expected_words", search=self.filter.search, are_whole=True)
        return whole > self._expected_with_words / 2

    def _in_titles(self) -> list[Row] | None:
        """Walk past the titles that can have the words of the search. None if that does not fill the page soon."""
        found = sql.rows("tickets/title_ranges", **self._parameters(), most=MAX_LATER)
        if not found:
            return None
        (ranges,) = found
        tickets, alike, walk = ranges.pop("tickets"), self._alike(), max(RANGE_WALK, 20 * self.stop)
        # Matches are not evenly distributed: only if two thirds of the walk would do.
        if not any(alike.values()) and self.stop * tickets > walk * 2 / 3 * self._expected:
            return None
        limits = {"walk": walk, "row_limit": self.stop}
        near = sql.rows(f"tickets/in_titles{self._suffix}", **self._parameters(), **alike, **ranges, **limits)
        if len(near) == self.stop or sql.row("tickets/titles_end", **alike, **ranges, walk=walk)["titles_end"]:
            return near
        return None

    def _of_titles(self) -> list[Row]:
        """Sort the matches in a range of titles, or all matches if a sample suggests that this is faster."""
        sample = sql.row("tickets/sample", **self._parameters(), row_limit=self.stop, pages=SAMPLED_PAGES)
        # In tickets fetched.
        cost_of_range = sample["in_range_with_words"] + sample["in_range"] / ENTRIES_PER_TICKET
        are_whole = self._are_whole()
        with sql.work_memory("32MB"):
            if cost_of_range < sample["with_words"]:
                until = self._until_title(sample)
                found = self._planned("of_titles", until_title=until, are_whole=are_whole)
                # Tickets of the sample may have changed.
                if len(found) == self.stop or until is None:
                    return found
            return self._planned("sorted", are_whole=are_whole)

    def _until_title(self, sample: dict[str, Any]) -> str | None:
        """Return a title that the page ends with at the latest, None if there may be too few matches."""
        if sample["first_id"] is not None:
            following = replace(self, after=(sample["first_title"], sample["first_id"]))._next_tickets(SHORT_WALK)
            if len(following) == self.stop:
                return str(following[-1]["title"])
        title: str | None = sample["until_title"]
        return title

    def _parameters(self) -> dict[str, Any]:
        chosen, ordering = self.filter, self.ordering
        order = {"ordering": ordering.field, "is_descending": ordering.is_descending}
        viewer = {"viewer_id": viewer_id(self.viewer), "at": self.at}
        return order | viewer | chosen.parameters() | self._position()

    def _position(self) -> dict[str, Any]:
        """Return where to start and where to end, as the statements take it. Only one kind of value is not None."""
        is_descending, field = self.ordering.is_descending, self.ordering.field
        first_id = sql.MAX_ID if is_descending else -1
        value, ticket_id = self.after or (None, first_id)
        kinds = ("after_date", "after_rank", "after_title", "until_date", "until_rank")
        place: dict[str, Any] = dict.fromkeys(kinds) | {"after_id": ticket_id}
        if field == "title":
            return place | {"after_title": value}
        if field == "priority":
            ranks = Priority.values
            bounds = [ranks.index(self.filter.priority)] * 2 if self.filter.priority else [0, len(ranks) - 1]
            start, end = reversed(bounds) if is_descending else bounds
            rank = start if value is None else ranks.index(value)
            if rank > start if is_descending else rank < start:
                # A position in a list without this filter.
                rank, ticket_id = start, first_id
            return place | {"after_rank": rank, "after_id": ticket_id, "until_rank": end}
        span = self.filter.span if field == "created_at" else Span()
        dates = [span.starts_at or "-infinity", span.ends_at or "infinity"]
        first, last = reversed(dates) if is_descending else dates
        # Tickets without a date come last.
        after = first if self.after is None else value or last
        return place | {"after_date": after, "until_date": last}

    @property
    def _suffix(self) -> str:
        return "_desc" if self.ordering.is_descending else ""

    @property
    def _walk(self) -> int:
        if self._is_by_title_and_words:
            return max(TITLE_WALK, 20 * self.stop)
        is_of_assignee = self.filter.assignee_id is not None
        is_by_title = self.ordering.field == "title" and not is_of_assignee
        is_short = self.filter.is_narrow or self._is_by_labels or self._is_span or is_by_title
        walk = SHORT_WALK if is_short else SLOW_WALK if is_of_assignee else WALK
        return max(walk, 20 * self.stop)

    @property
    def _is_by_title_and_words(self) -> bool:
        """Return whether a walk can skip titles whose tickets do not have the words of the search."""
        return self.ordering.field == "title" and self.filter.search is not None

    @property
    def _is_by_labels(self) -> bool:
        """Return whether labels are the condition that fewest tickets are likely to meet."""
        return self.filter.labels is not None and self.filter.assignee_id is None and not self.filter.is_narrow

    @property
    def _is_span(self) -> bool:
        return self.filter == TicketFilter(span=self.filter.span)

    def _is_whole(self, walk: int) -> bool:
        """Return whether a walk of this length reaches the end of the list."""
        if self.viewer.is_staff and self.filter == TicketFilter():
            return True
        return bool(sql.row("tickets/walk_ends", **self._parameters(), walk=walk)["walk_ends"])

    def _weeks(self) -> list[datetime]:
        """Return the weeks to put a span together from: none if no index lists these, or if there are too many."""
        if not self._is_span or self.ordering.field not in WEEKLY_FIELDS:
            return []
        span = self.filter.span
        starts_at = span.starts_at or Ticket.objects.aggregate(at=Min("created_at"))["at"]
        ends_at = span.ends_at or Ticket.objects.aggregate(at=Max("created_at"))["at"]
        # Without tickets, an open span has no bounds.
        found = weeks(starts_at, ends_at) if starts_at and ends_at else []
        return found if len(found) <= MAX_WEEKS else []

    def _is_hidden_project(self) -> bool:
        """Return whether the viewer sees only those tickets of the wanted project that involve them."""
        project = self.filter.project_id
        if self.viewer.is_staff or project is None:
            return False
        return not Project.objects.filter(pk=project, visibility=Visibility.EVERYONE).exists()


def _expected_rows(statement: str, **parameters: Any) -> int:
    """Return how many rows PostgreSQL expects, according to a statement that explains another one."""
    (plan,) = sql.row(statement, **parameters)["QUERY PLAN"]
    return int(plan["Plan"]["Plan Rows"])


def _has_many(user_id: int) -> bool:
    """Return whether too many tickets are assigned to the user to look up each of them."""
    return bool(sql.row("tickets/has_many", user_id=user_id)["has_many"])
