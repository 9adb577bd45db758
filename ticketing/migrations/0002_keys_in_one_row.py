"""A key is written once, together with its answer; until then a lock holds its place."""

from django.db import migrations, models

CLAIM = """
CREATE FUNCTION ticketing_claim_key(place bigint, wanted bytea, expired_at timestamptz)
RETURNS SETOF ticketing_idempotencykey LANGUAGE plpgsql AS $$
DECLARE
    kept ticketing_idempotencykey;
BEGIN
    PERFORM pg_advisory_xact_lock(place);
    -- Reads what was committed while this waited: each statement here has a snapshot of its own.
    SELECT * INTO kept FROM ticketing_idempotencykey WHERE digest = wanted;
    IF kept.created_at > expired_at THEN
        RETURN NEXT kept;
    ELSIF FOUND THEN
        DELETE FROM ticketing_idempotencykey WHERE digest = wanted;
    END IF;
END $$;
"""

KEEP = """
CREATE FUNCTION ticketing_keep_answer(
    digest bytea, body_digest bytea, status int, body text, headers jsonb, created_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ticketing_idempotencykey (digest, body_digest, status, body, headers, created_at)
    VALUES (digest, body_digest, status, body, headers, created_at);
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("ticketing", "0001_initial")]
    operations = [
        migrations.RemoveField("idempotencykey", "id"),
        migrations.AlterField(
            "idempotencykey", "digest", models.BinaryField(max_length=32, primary_key=True, serialize=False)
        ),
        migrations.AlterField("idempotencykey", "status", models.PositiveSmallIntegerField()),
        migrations.AlterField("idempotencykey", "body", models.TextField()),
        migrations.AlterField("idempotencykey", "headers", models.JSONField()),
        migrations.RunSQL(CLAIM, "DROP FUNCTION ticketing_claim_key;"),
        migrations.RunSQL(KEEP, "DROP FUNCTION ticketing_keep_answer;"),
    ]
