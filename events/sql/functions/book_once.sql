-- A booking under an idempotency key: the key, the booking and what is told of it again, in one round trip.
CREATE OR REPLACE FUNCTION events_book_once(
    place bigint,
    digest bytea,
    body_digest bytea,
    expired_at timestamptz,
    wanted_event bigint,
    wanted int,
    joins text,
    holder bigint,
    first_name text,
    last_name text,
    email text,
    made_by text,
    made_at timestamptz
) RETURNS TABLE (
    id bigint,
    status text,
    queue_number bigint,
    ahead int,
    unit_price numeric,
    created_at timestamptz,
    is_repeated boolean,
    first_body_digest bytea
) LANGUAGE plpgsql AS $$
DECLARE
    kept idempotency_idempotencykey;
    booked record;
BEGIN
    SELECT * INTO kept FROM idempotency_claim_key(place, digest, expired_at);
    IF FOUND THEN
        RETURN QUERY
        SELECT told.*, true, kept.body_digest
        FROM jsonb_to_record(kept.body::jsonb) AS told (
            id bigint, status text, queue_number bigint, ahead int, unit_price numeric, created_at timestamptz
        );
        RETURN;
    END IF;
    SELECT answer.*, made_at AS created_at
    INTO booked
    FROM events_book(
        wanted_event, wanted, joins, holder, first_name, last_name, email, made_by, made_at
    ) AS answer;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    PERFORM idempotency_keep_answer(digest, body_digest, 201, to_jsonb(booked)::text, '{}', made_at);
    RETURN QUERY
    SELECT
        booked.id, booked.status, booked.queue_number, booked.ahead, booked.unit_price, booked.created_at,
        false, body_digest;
END $$;
