-- Whether each word of the search is in the event's name or venue, as kit.search.expressions.contains has it.
(
    search_split(search_fold(event.name || ' ' || event.venue))::tsvector @@ search_query(%(search)s::text, TRUE)
    AND coalesce(
        search_split(search_fold(event.name || ' ' || event.venue))::tsvector @@ search_query(%(search)s::text, FALSE),
        TRUE
    )
)
