"""The functions in sql/, as they were when this was written."""

from django.db import migrations

CLAIM_KEY = r"""
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
"""

KEEP_ANSWER = r"""
-- Store the response of the request that has claimed the key.
CREATE OR REPLACE FUNCTION idempotency_keep_answer(
    digest bytea, body_digest bytea, status int, body text, headers jsonb, created_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_idempotencykey (digest, body_digest, status, body, headers, created_at)
    VALUES (digest, body_digest, status, body, headers, created_at);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0001_initial")]

    operations = [
        migrations.RunSQL(CLAIM_KEY, "DROP FUNCTION idempotency_claim_key"),
        migrations.RunSQL(KEEP_ANSWER, "DROP FUNCTION idempotency_keep_answer"),
    ]
