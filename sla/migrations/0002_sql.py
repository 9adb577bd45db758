"""The triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("sla", "0001_initial")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="calendar",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_time_zone",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF NOT EXISTS (SELECT FROM pg_timezone_names WHERE name = NEW.time_zone) THEN\n        RAISE EXCEPTION 'no such time zone'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'calendar_time_zone';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="b8092ae3b6ec650b5770ae15126d2b555d3ef204",
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
