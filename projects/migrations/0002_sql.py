"""The triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_initial")]

    operations = [
        pgtrigger.migrations.AddTrigger(
            model_name="project",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_system_projects",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."system_name" IS NOT NULL)',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="c6e7dfe41683693cdfd8ab806aa49e2964729294",
                    operation="DELETE",
                    pgid="pgtrigger_keep_system_projects_d284d",
                    table="projects_project",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="project",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_system_names",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."system_name" IS DISTINCT FROM (NEW."system_name"))',
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update rows from % table', TG_TABLE_NAME;",
                    hash="9bb923cfc1b159dd18f27cede28989d39801fa67",
                    operation="UPDATE",
                    pgid="pgtrigger_keep_system_names_5b7e3",
                    table="projects_project",
                    when="BEFORE",
                ),
            ),
        ),
    ]
