"""The functions and triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

SLA_WARN_AT = r"""
-- Return when a ticket whose deadline was set in SQL, without a calendar, becomes at risk: after its policy's
-- at_risk_share of the time from creation to the deadline.
CREATE OR REPLACE FUNCTION sla_warn_at(priority text, created_at timestamptz, due_at timestamptz) RETURNS timestamptz
    LANGUAGE sql STABLE
    RETURN (
        SELECT sla_warn_at.created_at + policy.at_risk_share * (sla_warn_at.due_at - sla_warn_at.created_at)
        FROM sla_slapolicy AS policy
        WHERE policy.priority = sla_warn_at.priority
    );
"""


class Migration(migrations.Migration):
    dependencies = [("sla", "0001_initial")]

    operations = [
        migrations.RunSQL(SLA_WARN_AT, "DROP FUNCTION sla_warn_at"),
        pgtrigger.migrations.AddTrigger(
            model_name="calendar",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_time_zone",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = NEW.time_zone) THEN\n        RAISE EXCEPTION 'unknown time zone'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'calendar_time_zone';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="309f5a6ff4f33466e13080a0085d09432c7af5df",
                    operation='INSERT OR UPDATE OF "time_zone"',
                    pgid="pgtrigger_refuse_time_zone_023d0",
                    table="sla_calendar",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="slapolicy",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_sla_policies",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="dcf2210be53d120d5c357e33337fedb94fefcabd",
                    operation="DELETE",
                    pgid="pgtrigger_keep_sla_policies_18a98",
                    table="sla_slapolicy",
                    when="BEFORE",
                ),
            ),
        ),
    ]
