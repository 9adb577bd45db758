-- Book as events/book does, once under an idempotency key: whoever comes second is told of the first one's booking, as it
-- was. What is refused is no use of the key. One round trip under the locks, as there.
-- params   those of events/book, and of idempotency/claim_key
--          body_digest        bytea
-- returns  the columns of events/book; created_at timestamptz; is_repeated bool; first_body_digest bytea: what the first
--          request said. No row: not now, not so many, or not again
-- index    those of events/book; idempotency_idempotencykey_pkey
SELECT id, status, queue_number, ahead, unit_price, created_at, is_repeated, first_body_digest
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
    %(at)s
);
