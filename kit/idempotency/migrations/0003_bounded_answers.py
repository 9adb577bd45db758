"""Bound stored responses to 64 KiB. Longer ones that are stored already stay until their keys expire."""

from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models.lookups import LessThanOrEqual

KEEP_ANSWER = r"""
-- Store the response of the request that has claimed the key.
CREATE OR REPLACE FUNCTION idempotency_keep_answer(
    digest bytea, body_digest bytea, status int, body text, headers jsonb, created_at timestamptz,
    object_id bigint DEFAULT NULL
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_idempotencykey (digest, body_digest, status, body, headers, created_at, object_id)
    VALUES (digest, body_digest, status, body, headers, created_at, object_id);
END $$;
"""

KEEP_ANSWER_BEFORE = r"""
-- Store the response of the request that has claimed the key.
CREATE OR REPLACE FUNCTION idempotency_keep_answer(
    digest bytea, body_digest bytea, status int, body text, headers jsonb, created_at timestamptz
) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO idempotency_idempotencykey (digest, body_digest, status, body, headers, created_at)
    VALUES (digest, body_digest, status, body, headers, created_at);
END $$;
"""

DROP_BEFORE = "DROP FUNCTION idempotency_keep_answer(bytea, bytea, int, text, jsonb, timestamptz)"
DROP = "DROP FUNCTION idempotency_keep_answer(bytea, bytea, int, text, jsonb, timestamptz, bigint)"


class Migration(migrations.Migration):
    dependencies = [("idempotency", "0002_sql")]

    operations = [
        migrations.AddField("idempotencykey", "object_id", models.BigIntegerField(null=True)),
        migrations.RemoveConstraint("idempotencykey", "idempotency_key_status"),
        migrations.AddConstraint(
            "idempotencykey",
            models.CheckConstraint(condition=models.Q(("status__range", (200, 399))), name="idempotency_key_status"),
        ),
        AddConstraintNotValid(
            "idempotencykey",
            models.CheckConstraint(
                condition=LessThanOrEqual(
                    models.Func(models.F("body"), function="octet_length", output_field=models.IntegerField()), 65536
                ),
                name="idempotency_key_size",
            ),
        ),
        migrations.RunSQL(DROP_BEFORE, KEEP_ANSWER_BEFORE),
        migrations.RunSQL(KEEP_ANSWER, DROP),
    ]
