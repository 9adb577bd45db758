-- Book under an idempotency key, in one statement: claim the key, book, and keep the answer under the key. A key that
-- was used before returns the first booking as it was then. A refused request leaves its key unused.
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
    made_at timestamptz,
    is_admin boolean,
    max_guest_bookings int,
    context text,
    OUT id bigint,
    OUT status text,
    OUT queue_number bigint,
    OUT ahead int,
    OUT unit_price numeric,
    OUT refusal text,
    OUT capacity int,
    OUT max_per_booking int,
    OUT available int,
    OUT waiting int,
    OUT created_at timestamptz,
    OUT is_repeated boolean,
    OUT first_body_digest bytea
) LANGUAGE plpgsql AS $$
DECLARE
    kept idempotency_idempotencykey;
    answered text;
BEGIN
    kept := idempotency_claim_key(place, digest, expired_at);
    is_repeated := kept.digest IS NOT NULL;
    IF is_repeated THEN
        SELECT answer.* INTO id, status, queue_number, ahead, unit_price, created_at
        FROM jsonb_to_record(kept.body::jsonb) AS answer (
            id bigint, status text, queue_number bigint, ahead int, unit_price numeric, created_at timestamptz
        );
        first_body_digest := kept.body_digest;
        RETURN;
    END IF;
    SELECT booked.*
    INTO id, status, queue_number, ahead, unit_price, refusal, capacity, max_per_booking, available, waiting
    FROM events_book(
        wanted_event, wanted, joins, holder, first_name, last_name, email, made_by, made_at, is_admin,
        max_guest_bookings, context
    ) AS booked;
    IF refusal IS NOT NULL THEN
        RETURN;
    END IF;
    created_at := made_at;
    first_body_digest := body_digest;
    answered := idempotency_keep_answer(
        digest,
        body_digest,
        201,
        jsonb_build_object(
            'id', id,
            'status', status,
            'queue_number', queue_number,
            'ahead', ahead,
            'unit_price', unit_price,
            'created_at', created_at
        )::text,
        '{}',
        made_at
    );
END $$;
