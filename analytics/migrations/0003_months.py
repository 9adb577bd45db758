"""Monthly counts, and the last days of creators, filled from what is there."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations, models

FOLD = """
WITH folded AS (
    UPDATE analytics_dailycount SET is_in_month = TRUE RETURNING *
)
INSERT INTO analytics_monthlycount (month, project_id, status, priority, type, tickets, spent)
SELECT date_trunc('month', day)::date, project_id, status, priority, type, sum(tickets), sum(spent)
FROM folded
GROUP BY 1, 2, 3, 4, 5
"""
FIND_LAST_DAYS = """
INSERT INTO analytics_lastday (user_id, day, project_id)
SELECT DISTINCT ON (created_by_id) created_by_id, (created_at AT TIME ZONE 'UTC')::date, project_id
FROM tickets_ticket
ORDER BY created_by_id, created_at DESC
"""


class Migration(migrations.Migration):
    dependencies = [
        ("analytics", "0002_sql"),
    ]

    operations = [
        migrations.CreateModel(
            name="LastDay",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("user_id", models.BigIntegerField()),
                ("day", models.DateField()),
                ("project_id", models.BigIntegerField(help_text="null: no project is known any more.", null=True)),
            ],
        ),
        migrations.CreateModel(
            name="MonthlyCount",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("month", models.DateField(help_text="Its first day.")),
                ("project_id", models.BigIntegerField()),
                ("status", models.CharField(max_length=12)),
                ("priority", models.CharField(max_length=10)),
                ("type", models.CharField(max_length=50)),
                ("tickets", models.BigIntegerField()),
                ("spent", models.DecimalField(decimal_places=2, max_digits=20)),
            ],
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="countedticket",
            name="count_inserted",
        ),
        pgtrigger.migrations.RemoveTrigger(
            model_name="countedticket",
            name="count_updated",
        ),
        migrations.AddField(
            model_name="dailycount",
            name="is_in_month",
            field=models.BooleanField(db_default=False, help_text="Whether the monthly counts include this row."),
        ),
        migrations.AddIndex(
            model_name="dailycount",
            index=models.Index(condition=models.Q(("is_in_month", False)), fields=["day"], name="daily_count_new"),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countedticket",
            trigger=pgtrigger.compiler.Trigger(
                name="count_inserted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF NOT EXISTS (SELECT FROM new_tickets) THEN\n        RETURN NULL;\n    END IF;\n    WITH moved AS (SELECT 1 AS sign, * FROM new_tickets),\n    cells AS (\n        SELECT created_by_id, (created_at AT TIME ZONE 'UTC')::date AS day, project_id, status, priority, type,\n            sum(sign)::int AS tickets, COALESCE(sum(sign * price), 0) AS prices\n        FROM moved\n        GROUP BY 1, 2, 3, 4, 5, 6\n        HAVING sum(sign) <> 0 OR COALESCE(sum(sign * price), 0) <> 0\n    ),\n    creators AS MATERIALIZED (\n        SELECT id, type = 'customer' AS is_customer FROM accounts_user\n        WHERE id IN (SELECT created_by_id FROM cells)\n        ORDER BY id\n        FOR SHARE\n    ),\n    last_days AS (\n        INSERT INTO analytics_lastday (user_id, day, project_id)\n        SELECT DISTINCT ON (created_by_id) created_by_id, day, project_id\n        FROM cells\n        WHERE tickets > 0\n            AND NOT EXISTS (\n                SELECT FROM analytics_lastday AS known WHERE known.user_id = created_by_id AND known.day >= cells.day\n            )\n        ORDER BY created_by_id, day DESC\n    ),\n    changes AS (\n        SELECT day, project_id, status, priority, cells.type, sum(tickets)::int AS tickets,\n            COALESCE(sum(prices) FILTER (WHERE is_customer), 0) AS spent\n        FROM cells LEFT JOIN creators ON creators.id = created_by_id\n        GROUP BY 1, 2, 3, 4, 5\n    )\n    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)\n    SELECT * FROM changes WHERE tickets <> 0 OR spent <> 0;\n    RETURN NULL;\nEND;\n",
                    hash="d9b095984f168ade069a651ef2d340cc90a161bd",
                    level="STATEMENT",
                    operation="INSERT",
                    pgid="pgtrigger_count_inserted_382e7",
                    referencing="REFERENCING NEW TABLE AS new_tickets ",
                    table="tickets_ticket",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countedticket",
            trigger=pgtrigger.compiler.Trigger(
                name="count_updated",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF NOT EXISTS (SELECT FROM new_tickets) THEN\n        RETURN NULL;\n    END IF;\n    WITH moved AS (SELECT 1 AS sign, * FROM new_tickets UNION ALL SELECT -1, * FROM old_tickets),\n    cells AS (\n        SELECT created_by_id, (created_at AT TIME ZONE 'UTC')::date AS day, project_id, status, priority, type,\n            sum(sign)::int AS tickets, COALESCE(sum(sign * price), 0) AS prices\n        FROM moved\n        GROUP BY 1, 2, 3, 4, 5, 6\n        HAVING sum(sign) <> 0 OR COALESCE(sum(sign * price), 0) <> 0\n    ),\n    creators AS MATERIALIZED (\n        SELECT id, type = 'customer' AS is_customer FROM accounts_user\n        WHERE id IN (SELECT created_by_id FROM cells)\n        ORDER BY id\n        FOR SHARE\n    ),\n    last_days AS (\n        INSERT INTO analytics_lastday (user_id, day, project_id)\n        SELECT DISTINCT ON (created_by_id) created_by_id, day, project_id\n        FROM cells\n        WHERE tickets > 0\n            AND NOT EXISTS (\n                SELECT FROM analytics_lastday AS known WHERE known.user_id = created_by_id AND known.day >= cells.day\n            )\n        ORDER BY created_by_id, day DESC\n    ),\n    changes AS (\n        SELECT day, project_id, status, priority, cells.type, sum(tickets)::int AS tickets,\n            COALESCE(sum(prices) FILTER (WHERE is_customer), 0) AS spent\n        FROM cells LEFT JOIN creators ON creators.id = created_by_id\n        GROUP BY 1, 2, 3, 4, 5\n    )\n    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)\n    SELECT * FROM changes WHERE tickets <> 0 OR spent <> 0;\n    RETURN NULL;\nEND;\n",
                    hash="48f760a8f8c65909835097c17757384c211f02b9",
                    level="STATEMENT",
                    operation="UPDATE",
                    pgid="pgtrigger_count_updated_d6e12",
                    referencing="REFERENCING OLD TABLE AS old_tickets  NEW TABLE AS new_tickets ",
                    table="tickets_ticket",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="countedticket",
            trigger=pgtrigger.compiler.Trigger(
                name="forget_last_day",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id"))',
                    func="BEGIN\n    PERFORM pg_advisory_xact_lock_shared(hashtext('analytics_lastday'));\n    UPDATE analytics_lastday\n    SET project_id = nullif(project_id, OLD.project_id)\n    WHERE user_id = OLD.created_by_id AND day = (OLD.created_at AT TIME ZONE 'UTC')::date;\n    RETURN NULL;\nEND;\n",
                    hash="a7d9ee44b82aca7e0e6a2a71306a98286c5228f8",
                    operation="UPDATE",
                    pgid="pgtrigger_forget_last_day_39ac7",
                    table="tickets_ticket",
                    when="AFTER",
                ),
            ),
        ),
        migrations.AddIndex(
            model_name="lastday",
            index=models.Index(fields=["user_id", "day"], name="last_day_of_user"),
        ),
        migrations.AddIndex(
            model_name="monthlycount",
            index=models.Index(fields=["month"], name="monthly_count_month"),
        ),
        # The triggers above keep writers out until the migration is committed.
        migrations.RunSQL(FOLD, migrations.RunSQL.noop),
        migrations.RunSQL(FIND_LAST_DAYS, migrations.RunSQL.noop),
    ]
