-- Book like events/book, once per idempotency key: a retry returns the first request's booking as it was then. A refused
-- request does not use the key up. Also one round trip.
-- params   those of events/book and idempotency/claim_key
--          body_digest        bytea
-- returns  the columns of events/book; created_at timestamptz; is_repeated bool: a retry; first_body_digest bytea: of the
--          first request under the key
-- index    those of events/book; idempotency_idempotencykey_pkey
SELECT
    id, status, queue_number, ahead, unit_price, refusal, capacity, max_per_booking, available, waiting,
    created_at, is_repeated, first_body_digest
FROM events_book_once(
    %(place)s,
    %(digest)s,
    %(body_digest)s,
    %(expired_at)s,
    %(event_id)s,
    %(quantity)s,
    %(joins)s,
    %(user_id)s,
    %(guest_first_name)s,
    %(guest_last_name)s,
    %(guest_email)s,
    %(origin)s,
    %(at)s,
    %(is_admin)s,
    %(max_guest_bookings)s,
    %(context)s
);
