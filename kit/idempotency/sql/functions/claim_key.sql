-- Wait for the key's place and return what was answered under it; no row for whoever is first.
CREATE OR REPLACE FUNCTION idempotency_claim_key(place bigint, wanted bytea, expired_at timestamptz)
RETURNS SETOF idempotency_idempotencykey LANGUAGE plpgsql AS $$
DECLARE
    kept idempotency_idempotencykey;
BEGIN
    PERFORM pg_advisory_xact_lock(place);
    -- Reads what was committed while this waited: each statement here has a snapshot of its own.
    SELECT * INTO kept FROM idempotency_idempotencykey WHERE digest = wanted;
    IF kept.created_at > expired_at THEN
        RETURN NEXT kept;
    ELSIF FOUND THEN
        DELETE FROM idempotency_idempotencykey WHERE digest = wanted;
    END IF;
END $$;
