"""Full-text search over the titles and descriptions of tickets."""

from collections.abc import Iterable

from django.contrib.postgres.search import SearchQuery, SearchVectorField
from django.db import models
from django.db.models import Func, Q

# How many words of a search are looked up in the index.
MAX_INDEXED_WORDS = 4


def search_column() -> models.GeneratedField:
    """Return the generated column that is searched. The title weighs more than the description."""
    return models.GeneratedField(
        expression=Func(
            *("title", "description"),
            template="setweight(ticket_words(title), 'A') || setweight(ticket_words(description), 'D')",
        ),
        output_field=SearchVectorField(),
        db_persist=True,
    )


class WordPrefix(SearchQuery):
    """Matches texts with a word that begins with this one."""

    template = "%(expressions)s::tsquery"

    def __init__(self, word: str) -> None:
        quoted = word.replace("\\", "\\\\").replace("'", "''")
        super().__init__(f"'{quoted}':*")


def contains_words(words: Iterable[str]) -> Q:
    """Return the condition that each word is the beginning of a word in the title or the description.

    Only the longest words are looked up in the index: words of one or two letters match too much of it, and
    looking up many words takes just as long. The other words are checked against what those find.
    """
    # Length in bytes, since a word in another script can be short and still selective.
    longest_first = sorted(words, key=lambda word: len(word.encode()), reverse=True)
    selective = [word for word in longest_first if len(word.encode()) >= 3] or longest_first
    indexed = selective[:MAX_INDEXED_WORDS]
    others = (word for word in longest_first if word not in indexed)
    return Q(
        *(Q(search=WordPrefix(word)) for word in indexed),
        # A double negation is the same condition, but not one that the index answers.
        *(~Q(search=~WordPrefix(word)) for word in others),
    )
