-- Store the response of the request that has claimed the key.
CREATE OR REPLACE FUNCTION idempotency_keep_answer(
    digest bytea, body_digest bytea, status int, body text, headers jsonb, created_at timestamptz,
    object_id bigint DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_idempotencykey (digest, body_digest, status, body, headers, created_at, object_id)
    VALUES (digest, body_digest, status, body, headers, created_at, object_id);
END $$;
