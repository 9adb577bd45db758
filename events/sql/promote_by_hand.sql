-- Confirm a waiting booking, whoever is ahead of it.
-- params   booking_id  bigint
--          context     text    as for events/book
-- returns  one row without meaning
-- index    events_booking_pkey
SELECT events_promote_by_hand(%(booking_id)s, %(context)s);
