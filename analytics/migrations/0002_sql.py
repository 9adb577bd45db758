"""The triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("analytics", "0001_initial"), ("tickets", "0002_sql"), ("accounts", "0002_sql")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="countedticket",
            trigger=pgtrigger.compiler.Trigger(
                name="count_inserted",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF NOT EXISTS (SELECT FROM new_tickets) THEN\n        RETURN NULL;\n    END IF;\n    WITH moved AS (SELECT 1 AS sign, * FROM new_tickets),\n    cells AS (\n        SELECT created_by_id, (created_at AT TIME ZONE 'UTC')::date AS day, project_id, status, priority, type,\n            sum(sign)::int AS tickets, COALESCE(sum(sign * price), 0) AS prices\n        FROM moved\n        GROUP BY 1, 2, 3, 4, 5, 6\n        HAVING sum(sign) <> 0 OR COALESCE(sum(sign * price), 0) <> 0\n    ),\n    creators AS MATERIALIZED (\n        SELECT id, type = 'customer' AS is_customer FROM accounts_user\n        WHERE id IN (SELECT created_by_id FROM cells)\n        ORDER BY id\n        FOR SHARE\n    ),\n    changes AS (\n        SELECT day, project_id, status, priority, cells.type, sum(tickets)::int AS tickets,\n            COALESCE(sum(prices) FILTER (WHERE is_customer), 0) AS spent\n        FROM cells LEFT JOIN creators ON creators.id = created_by_id\n        GROUP BY 1, 2, 3, 4, 5\n    )\n    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)\n    SELECT * FROM changes WHERE tickets <> 0 OR spent <> 0;\n    RETURN NULL;\nEND;\n",
                    hash="de7a67014c75d68e2d536baf06f2a07ac4eb4bb9",
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
                    func="BEGIN\n    IF NOT EXISTS (SELECT FROM new_tickets) THEN\n        RETURN NULL;\n    END IF;\n    WITH moved AS (SELECT 1 AS sign, * FROM new_tickets UNION ALL SELECT -1, * FROM old_tickets),\n    cells AS (\n        SELECT created_by_id, (created_at AT TIME ZONE 'UTC')::date AS day, project_id, status, priority, type,\n            sum(sign)::int AS tickets, COALESCE(sum(sign * price), 0) AS prices\n        FROM moved\n        GROUP BY 1, 2, 3, 4, 5, 6\n        HAVING sum(sign) <> 0 OR COALESCE(sum(sign * price), 0) <> 0\n    ),\n    creators AS MATERIALIZED (\n        SELECT id, type = 'customer' AS is_customer FROM accounts_user\n        WHERE id IN (SELECT created_by_id FROM cells)\n        ORDER BY id\n        FOR SHARE\n    ),\n    changes AS (\n        SELECT day, project_id, status, priority, cells.type, sum(tickets)::int AS tickets,\n            COALESCE(sum(prices) FILTER (WHERE is_customer), 0) AS spent\n        FROM cells LEFT JOIN creators ON creators.id = created_by_id\n        GROUP BY 1, 2, 3, 4, 5\n    )\n    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)\n    SELECT * FROM changes WHERE tickets <> 0 OR spent <> 0;\n    RETURN NULL;\nEND;\n",
                    hash="8a89a106c6fc6a589e3f1ad03cbd89130e8c401b",
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
            model_name="customer",
            trigger=pgtrigger.compiler.Trigger(
                name="count_customer",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN ((OLD.type = 'customer') <> (NEW.type = 'customer'))",
                    func="BEGIN\n    IF current_setting('transaction_isolation') <> 'read committed' THEN\n        RAISE EXCEPTION 'The type of a user can only be changed at READ COMMITTED: a snapshot could miss new tickets'\n            USING ERRCODE = 'feature_not_supported';\n    END IF;\n    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)\n    SELECT (created_at AT TIME ZONE 'UTC')::date, project_id, status, priority, type, 0,\n        sum(CASE WHEN NEW.type = 'customer' THEN price ELSE -price END)\n    FROM tickets_ticket\n    WHERE created_by_id = NEW.id\n    GROUP BY 1, 2, 3, 4, 5\n    HAVING sum(price) <> 0;\n    RETURN NULL;\nEND;\n",
                    hash="bcbf8ec16fdf849bcfe4fddc350ff2ec23bffa2f",
                    operation="UPDATE",
                    pgid="pgtrigger_count_customer_b07c6",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="customer",
            trigger=pgtrigger.compiler.Trigger(
                name="count_new_customer",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.type = 'customer')",
                    func="BEGIN\n    IF current_setting('transaction_isolation') <> 'read committed' THEN\n        RAISE EXCEPTION 'The type of a user can only be changed at READ COMMITTED: a snapshot could miss new tickets'\n            USING ERRCODE = 'feature_not_supported';\n    END IF;\n    INSERT INTO analytics_dailycount (day, project_id, status, priority, type, tickets, spent)\n    SELECT (created_at AT TIME ZONE 'UTC')::date, project_id, status, priority, type, 0,\n        sum(CASE WHEN NEW.type = 'customer' THEN price ELSE -price END)\n    FROM tickets_ticket\n    WHERE created_by_id = NEW.id\n    GROUP BY 1, 2, 3, 4, 5\n    HAVING sum(price) <> 0;\n    RETURN NULL;\nEND;\n",
                    hash="77345b4dd8522a8029dfedcbe04e5e1b3b6fcffa",
                    operation="INSERT",
                    pgid="pgtrigger_count_new_customer_ec82e",
                    table="accounts_user",
                    when="AFTER",
                ),
            ),
        ),
    ]
