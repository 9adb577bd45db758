-- Wait for the key's lock and return the response stored under the key; no row if there is none.
CREATE OR REPLACE FUNCTION idempotency_claim_key(place bigint, wanted bytea, expired_at timestamptz)
RETURNS SETOF idempotency_idempotencykey LANGUAGE plpgsql AS $$
DECLARE
    kept idempotency_idempotencykey;
BEGIN
    PERFORM pg_advisory_xact_lock(place);
    -- Sees what was committed while waiting: each statement has its own snapshot.
    SELECT * INTO kept FROM idempotency_idempotencykey WHERE digest = wanted;
    IF kept.created_at > expired_at THEN
        RETURN NEXT kept;
    ELSIF FOUND THEN
        DELETE FROM idempotency_idempotencykey WHERE digest = wanted;
    END IF;
END $$;
