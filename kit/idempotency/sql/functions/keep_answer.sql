-- Store the response of the request that has claimed the key.
CREATE OR REPLACE FUNCTION idempotency_keep_answer(
    digest bytea, body_digest bytea, status int, body text, headers jsonb, created_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_idempotencykey (digest, body_digest, status, body, headers, created_at)
    VALUES (digest, body_digest, status, body, headers, created_at);
END $$;
