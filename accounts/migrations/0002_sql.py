"""The triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="user",
            trigger=pgtrigger.compiler.Trigger(
                name="count_deactivations",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (NOT NEW."is_active" AND OLD."is_active")',
                    func="BEGIN\n    NEW.deactivations := OLD.deactivations + 1;\n    RETURN NEW;\nEND;\n",
                    hash="ace0d8e5541e1ab9165bb3893dd7e555a826c376",
                    operation='UPDATE OF "is_active"',
                    pgid="pgtrigger_count_deactivations_6a6be",
                    table="accounts_user",
                    when="BEFORE",
                ),
            ),
        ),
    ]
