"""Return the response under a key as one row instead of a set."""

from importlib import import_module

from django.db import migrations

earlier = import_module("kit.idempotency.migrations.0002_sql")

CLAIM_KEY = r"""
-- Wait for the key's lock and return the response stored under the key; null if there is none. Not a set, because an
-- assignment calls a function in a third of the time that a query takes to read from it.
CREATE OR REPLACE FUNCTION idempotency_claim_key(place bigint, wanted bytea, expired_at timestamptz)
RETURNS idempotency_idempotencykey LANGUAGE plpgsql AS $$
DECLARE
    claimed text;
    kept idempotency_idempotencykey;
BEGIN
    claimed := pg_advisory_xact_lock(place);
    -- Sees what was committed while waiting: each statement has its own snapshot.
    SELECT * INTO kept FROM idempotency_idempotencykey WHERE digest = wanted;
    IF kept.created_at <= expired_at THEN
        DELETE FROM idempotency_idempotencykey WHERE digest = wanted;
        RETURN NULL;
    END IF;
    RETURN kept;
END $$;
"""
DROP = "DROP FUNCTION idempotency_claim_key(bigint, bytea, timestamptz)"


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0003_bounded_answers")]

    operations = [
        migrations.RunSQL(DROP, earlier.CLAIM_KEY),
        migrations.RunSQL(CLAIM_KEY, DROP),
    ]
