-- Events that match a filter and that the viewer may see, in any order. Planned for its parameters each time, because
-- it depends on them whether to walk along an order or to sort what matches.
-- params   is_admin               boolean               the viewer may see drafts
--          status                 text | null           these conditions, and null: no condition
--          starts_at, ends_at     timestamptz | null    starts_at <= start < ends_at
--          is_available           boolean | null        whether a booking is confirmed at once
--          at                     timestamptz           now
--          ordering               text                  'starts_at' or 'created_at'
--          is_descending          boolean
--          after, after_id        timestamptz, bigint   the position to start after, or the start of the order
--          row_limit              int                   maximum number of rows
-- returns  the columns of parts/event_shown.sql; place timestamptz: the time that the event is sorted by
-- index    event_created_at, event_starts_at, events_inventory_pkey
SELECT
\ir parts/event_shown.sql
    , CASE %(ordering)s::text WHEN 'starts_at' THEN event.starts_at ELSE event.created_at END AS place
FROM events_event AS event
JOIN events_inventory AS inventory ON inventory.event_id = event.id
WHERE
\ir parts/event_visible.sql
AND
\ir parts/event_matching.sql
AND
\ir parts/event_position.sql
\ir parts/event_order.sql
LIMIT %(row_limit)s::int;
