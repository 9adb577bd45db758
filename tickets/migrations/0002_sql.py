"""The functions and triggers in sql/, as they were when this was written."""

import pgtrigger.compiler
import pgtrigger.migrations
from django.db import migrations

COMMENT_IS_READABLE = r"""
-- Return whether a user of this type may read a comment on a ticket that they can see: internal ones are staff only.
-- A NULL type is a user who was deleted. Called by CommentQuerySet.readable_by and by the trigger announce_comment.
CREATE OR REPLACE FUNCTION comment_is_readable(is_internal boolean, user_type text) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN NOT is_internal OR coalesce(user_type IN ('agent', 'admin'), false);
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0001_initial"), ("sla", "0002_sql")]

    operations = [
        migrations.RunSQL(COMMENT_IS_READABLE, "DROP FUNCTION comment_is_readable"),
        pgtrigger.migrations.AddTrigger(
            model_name="assignee",
            trigger=pgtrigger.compiler.Trigger(
                name="user_holds_assignments",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition="WHEN (NEW.type = 'admin' AND OLD.type <> 'admin')",
                    func="BEGIN\n    IF EXISTS (SELECT FROM tickets_assignment WHERE user_id = NEW.id) THEN\n        RAISE EXCEPTION 'a user with assigned tickets cannot become an admin'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'user_holds_assignments', TABLE = 'accounts_user';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="3447c3e775906bd3b428dad530f3a50cef9fcb03",
                    operation='UPDATE OF "type"',
                    pgid="pgtrigger_user_holds_assignments_3b497",
                    table="accounts_user",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticket",
            trigger=pgtrigger.compiler.Trigger(
                name="start_clock",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    NEW.sla_hours := coalesce(\n        NEW.sla_hours, (SELECT hours FROM sla_slapolicy WHERE priority = NEW.priority)\n    );\n    NEW.sla_warn_at := coalesce(NEW.sla_warn_at, sla_warn_at(NEW.priority, NEW.created_at, NEW.sla_due_at));\n    IF NEW.status = 'closed' THEN\n        NEW.closed_at := coalesce(NEW.closed_at, NEW.created_at);\n        NEW.sla_met := NEW.closed_at <= NEW.sla_due_at;\n        NEW.held_at := NULL;\n        NEW.hold_reason := '';\n        NEW.sla_alarm_at := NULL;\n        RETURN NEW;\n    END IF;\n    NEW.closed_at := NULL;\n    NEW.sla_met := NULL;\n    NEW.sla_alarm_at := CASE WHEN NEW.held_at IS NULL THEN NEW.sla_warn_at END;\n    -- Bulk loads of old tickets set ticketing.quiet, so that nobody is warned about deadlines in the past.\n    IF current_setting('ticketing.quiet', true) = 'on' AND NEW.sla_alarm_at <= now() THEN\n        NEW.sla_alarm_at := CASE WHEN NEW.sla_due_at > now() THEN NEW.sla_due_at END;\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="95b180dfcafc3965f88eacf976aee4218891170a",
                    operation="INSERT",
                    pgid="pgtrigger_start_clock_65f50",
                    table="tickets_ticket",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticket",
            trigger=pgtrigger.compiler.Trigger(
                name="step_1_keep_clock",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."closed_at" IS DISTINCT FROM (NEW."closed_at") OR OLD."held_at" IS DISTINCT FROM (NEW."held_at") OR OLD."hold_reason" IS DISTINCT FROM (NEW."hold_reason") OR OLD."sla_due_at" IS DISTINCT FROM (NEW."sla_due_at") OR OLD."sla_hours" IS DISTINCT FROM (NEW."sla_hours") OR OLD."sla_met" IS DISTINCT FROM (NEW."sla_met") OR OLD."sla_warn_at" IS DISTINCT FROM (NEW."sla_warn_at") OR OLD."status" IS DISTINCT FROM (NEW."status"))',
                    func="BEGIN\n    -- `save()` may write NULLs over values that `start_clock` has set.\n    NEW.sla_hours := coalesce(NEW.sla_hours, OLD.sla_hours);\n    NEW.sla_warn_at := coalesce(NEW.sla_warn_at, OLD.sla_warn_at);\n    IF NEW.sla_due_at <> OLD.sla_due_at AND NEW.sla_warn_at = OLD.sla_warn_at THEN\n        NEW.sla_warn_at := sla_warn_at(NEW.priority, NEW.created_at, NEW.sla_due_at);\n    END IF;\n    IF NEW.status = 'closed' THEN\n        -- The outcome stays as long as the ticket is closed.\n        IF OLD.status = 'closed' THEN\n            NEW.closed_at := OLD.closed_at;\n            NEW.sla_met := OLD.sla_met;\n        ELSE\n            NEW.closed_at := coalesce(NEW.closed_at, date_trunc('milliseconds', clock_timestamp()));\n            NEW.sla_met := coalesce(NEW.held_at, NEW.closed_at) <= NEW.sla_due_at;\n        END IF;\n        NEW.held_at := NULL;\n    ELSE\n        NEW.closed_at := NULL;\n        NEW.sla_met := NULL;\n    END IF;\n    IF NEW.held_at IS NULL THEN\n        NEW.hold_reason := '';\n    END IF;\n    IF NEW.status = 'closed' OR NEW.held_at IS NOT NULL THEN\n        NEW.sla_alarm_at := NULL;\n    ELSIF OLD.status = 'closed' OR OLD.held_at IS NOT NULL OR NEW.sla_due_at <> OLD.sla_due_at THEN\n        NEW.sla_alarm_at := NEW.sla_warn_at;\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="f4b5cd9920c71f3cf5ed75cc93963c2ede87ea41",
                    operation="UPDATE",
                    pgid="pgtrigger_step_1_keep_clock_04e17",
                    table="tickets_ticket",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticket",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_tickets",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot delete rows from % table', TG_TABLE_NAME;",
                    hash="ba0714104e81a92ee914c9dee2e81da216896afe",
                    operation="DELETE",
                    pgid="pgtrigger_keep_tickets_fa5ae",
                    table="tickets_ticket",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticket",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_all_tickets",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;\nEND;\n",
                    hash="85604cea96d72a6105e6f2f7299f9f8770582816",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_keep_all_tickets_aa65b",
                    table="tickets_ticket",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticket",
            trigger=pgtrigger.compiler.Trigger(
                name="step_2_keep_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."updated_at" IS DISTINCT FROM (NEW."updated_at") OR OLD."version" IS DISTINCT FROM (NEW."version"))',
                    func="BEGIN\n    -- At depth 2 the update comes from the trigger step_1_move_ticket_version.\n    IF pg_trigger_depth() = 1 THEN\n        NEW.version := OLD.version;\n        NEW.updated_at := OLD.updated_at;\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="0fe8a6580c020ef17f12df697a6559643dd9de80",
                    operation="UPDATE",
                    pgid="pgtrigger_step_2_keep_version_3dc52",
                    table="tickets_ticket",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticket",
            trigger=pgtrigger.compiler.Trigger(
                name="step_3_move_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at") OR OLD."held_at" IS DISTINCT FROM (NEW."held_at") OR OLD."hold_reason" IS DISTINCT FROM (NEW."hold_reason") OR OLD."id" IS DISTINCT FROM (NEW."id") OR OLD."price" IS DISTINCT FROM (NEW."price") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."sla_due_at" IS DISTINCT FROM (NEW."sla_due_at") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."title" IS DISTINCT FROM (NEW."title") OR OLD."type" IS DISTINCT FROM (NEW."type") OR OLD."venue" IS DISTINCT FROM (NEW."venue"))',
                    func="BEGIN\n    NEW.version := OLD.version + 1;\n    NEW.updated_at := date_trunc('milliseconds', clock_timestamp());\n    RETURN NEW;\nEND;\n",
                    hash="03963aabe5691b99e6e9b9aa7b4a5ac469fb9344",
                    operation="UPDATE",
                    pgid="pgtrigger_step_3_move_version_cb2e0",
                    table="tickets_ticket",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticket",
            trigger=pgtrigger.compiler.Trigger(
                name="record_creation",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tickets_ticketevent" ("created_at", "created_by_id", "description", "due_at", "held_at", "hold_reason", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price", "priority", "project_id", "sla_due_at", "status", "title", "type", "venue", "version") VALUES (NEW."created_at", NEW."created_by_id", NEW."description", NEW."due_at", NEW."held_at", NEW."hold_reason", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'insert\', NEW."id", NEW."price", NEW."priority", NEW."project_id", NEW."sla_due_at", NEW."status", NEW."title", NEW."type", NEW."venue", NEW."version"); RETURN NULL;',
                    hash="cd5a03d1d3b5d22f38b6fe6944e43a06351ce710",
                    operation="INSERT",
                    pgid="pgtrigger_record_creation_284f9",
                    table="tickets_ticket",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticket",
            trigger=pgtrigger.compiler.Trigger(
                name="record_change",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."created_at" IS DISTINCT FROM (NEW."created_at") OR OLD."created_by_id" IS DISTINCT FROM (NEW."created_by_id") OR OLD."description" IS DISTINCT FROM (NEW."description") OR OLD."due_at" IS DISTINCT FROM (NEW."due_at") OR OLD."held_at" IS DISTINCT FROM (NEW."held_at") OR OLD."hold_reason" IS DISTINCT FROM (NEW."hold_reason") OR OLD."price" IS DISTINCT FROM (NEW."price") OR OLD."priority" IS DISTINCT FROM (NEW."priority") OR OLD."project_id" IS DISTINCT FROM (NEW."project_id") OR OLD."sla_due_at" IS DISTINCT FROM (NEW."sla_due_at") OR OLD."status" IS DISTINCT FROM (NEW."status") OR OLD."title" IS DISTINCT FROM (NEW."title") OR OLD."type" IS DISTINCT FROM (NEW."type") OR OLD."venue" IS DISTINCT FROM (NEW."venue"))',
                    func='INSERT INTO "tickets_ticketevent" ("created_at", "created_by_id", "description", "due_at", "held_at", "hold_reason", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "pgh_obj_id", "price", "priority", "project_id", "sla_due_at", "status", "title", "type", "venue", "version") VALUES (NEW."created_at", NEW."created_by_id", NEW."description", NEW."due_at", NEW."held_at", NEW."hold_reason", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'update\', NEW."id", NEW."price", NEW."priority", NEW."project_id", NEW."sla_due_at", NEW."status", NEW."title", NEW."type", NEW."venue", NEW."version"); RETURN NULL;',
                    hash="cd2bb39ec45a2e282a01a3a20c03d7bc9d7db6e9",
                    operation="UPDATE",
                    pgid="pgtrigger_record_change_bcd62",
                    table="tickets_ticket",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="comment",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="8cefb5b1675d46860e9880857bb2d1752afe32ee",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_af968",
                    table="tickets_comment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="comment",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;\nEND;\n",
                    hash="e2052469d63711fdf00a9b62aaf5f2c67abd9652",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_keep_all_7dc94",
                    table="tickets_comment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignmentevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="4fc37651fcde82d5a3afbc9c3951963595408303",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_f1364",
                    table="tickets_assignmentevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignmentevent",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;\nEND;\n",
                    hash="6e71e23459b6a15008089ae8b0f53e2a12197044",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_keep_all_6fdd2",
                    table="tickets_assignmentevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="refuse_assignment",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="DECLARE\n    ticket_status text;\n    assignee accounts_user;\nBEGIN\n    SELECT status INTO ticket_status FROM tickets_ticket\n        WHERE id = NEW.ticket_id FOR NO KEY UPDATE;\n    IF ticket_status = 'closed' THEN\n        RAISE EXCEPTION 'cannot assign users to a closed ticket'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_open_ticket';\n    END IF;\n    SELECT * INTO assignee FROM accounts_user WHERE id = NEW.user_id FOR SHARE;\n    IF NOT FOUND OR NOT assignee.is_active THEN\n        RAISE EXCEPTION 'user does not exist or is deactivated'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_active_user';\n    END IF;\n    IF assignee.type = 'admin' THEN\n        RAISE EXCEPTION 'cannot assign a ticket to an admin'\n            USING ERRCODE = 'check_violation', CONSTRAINT = 'assignment_no_admin';\n    END IF;\n    RETURN NEW;\nEND;\n",
                    hash="3abd9fc94ae8a5591de3306089ea0823caf3df7f",
                    operation='INSERT OR UPDATE OF "ticket_id", "user_id"',
                    pgid="pgtrigger_refuse_assignment_72bb8",
                    table="tickets_assignment",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="step_1_move_ticket_version",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    IF TG_OP = 'UPDATE'\n            AND (NEW.ticket_id, NEW.user_id) IS NOT DISTINCT FROM (OLD.ticket_id, OLD.user_id) THEN\n        RETURN NULL;\n    END IF;\n    -- Users assigned on creation are part of version 1.\n    UPDATE tickets_ticket\n    SET version = version + 1, updated_at = date_trunc('milliseconds', clock_timestamp())\n    WHERE id IN (NEW.ticket_id, OLD.ticket_id)\n        AND NOT (TG_OP = 'INSERT' AND version = 1 AND NEW.assigned_at = created_at);\n    RETURN NULL;\nEND;\n",
                    hash="b1fed57a5d58ba2cfc29b8f91659c4f5a3e06c17",
                    operation='INSERT OR UPDATE OF "ticket_id", "user_id" OR DELETE',
                    pgid="pgtrigger_step_1_move_ticket_version_b7d6b",
                    table="tickets_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="step_2_record_assignment",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tickets_assignmentevent" ("assigned_at", "assigned_by_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "ticket_id", "user_id") VALUES (NEW."assigned_at", NEW."assigned_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'insert\', NEW."ticket_id", NEW."user_id"); RETURN NULL;',
                    hash="2ae7ba5f24e9d931b397ce955f440283ae5b38bf",
                    operation="INSERT",
                    pgid="pgtrigger_step_2_record_assignment_bb190",
                    table="tickets_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="step_2_record_removal",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func='INSERT INTO "tickets_assignmentevent" ("assigned_at", "assigned_by_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "ticket_id", "user_id") VALUES (OLD."assigned_at", OLD."assigned_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'delete\', OLD."ticket_id", OLD."user_id"); RETURN NULL;',
                    hash="c7bedea10e48fb4bf7d31aac617008a1fdcc7990",
                    operation="DELETE",
                    pgid="pgtrigger_step_2_record_removal_d11b3",
                    table="tickets_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="step_2_record_replaced",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."ticket_id" IS DISTINCT FROM (NEW."ticket_id") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))',
                    func='INSERT INTO "tickets_assignmentevent" ("assigned_at", "assigned_by_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "ticket_id", "user_id") VALUES (OLD."assigned_at", OLD."assigned_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'delete\', OLD."ticket_id", OLD."user_id"); RETURN NULL;',
                    hash="f814324efe4da53187ccf2518b1ffdc8dd9c8d6d",
                    operation="UPDATE",
                    pgid="pgtrigger_step_2_record_replaced_7238a",
                    table="tickets_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="assignment",
            trigger=pgtrigger.compiler.Trigger(
                name="step_3_record_replacing",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    condition='WHEN (OLD."ticket_id" IS DISTINCT FROM (NEW."ticket_id") OR OLD."user_id" IS DISTINCT FROM (NEW."user_id"))',
                    func='INSERT INTO "tickets_assignmentevent" ("assigned_at", "assigned_by_id", "pgh_context", "pgh_context_id", "pgh_created_at", "pgh_label", "ticket_id", "user_id") VALUES (NEW."assigned_at", NEW."assigned_by_id", COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_metadata\', TRUE), \'\'), NULL)::JSONB, COALESCE(NULLIF(CURRENT_SETTING(\'pghistory.context_id\', TRUE), \'\'), NULL)::UUID, clock_timestamp(), \'insert\', NEW."ticket_id", NEW."user_id"); RETURN NULL;',
                    hash="3db7692e4d937135752a4437fadd6772fb395056",
                    operation="UPDATE",
                    pgid="pgtrigger_step_3_record_replacing_63706",
                    table="tickets_assignment",
                    when="AFTER",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticketevent",
            trigger=pgtrigger.compiler.Trigger(
                name="append_only",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="RAISE EXCEPTION 'pgtrigger: Cannot update or delete rows from % table', TG_TABLE_NAME;",
                    hash="825ed2aae011e1b02ab1de9d04b2e765d5eab462",
                    operation="UPDATE OR DELETE",
                    pgid="pgtrigger_append_only_2f517",
                    table="tickets_ticketevent",
                    when="BEFORE",
                ),
            ),
        ),
        pgtrigger.migrations.AddTrigger(
            model_name="ticketevent",
            trigger=pgtrigger.compiler.Trigger(
                name="keep_all",
                sql=pgtrigger.compiler.UpsertTriggerSql(
                    func="BEGIN\n    RAISE EXCEPTION '% must not be truncated', TG_TABLE_NAME;\nEND;\n",
                    hash="9a4134eb0959f9ac76ffb3632bfb6a5ca262d865",
                    level="STATEMENT",
                    operation="TRUNCATE",
                    pgid="pgtrigger_keep_all_089b3",
                    table="tickets_ticketevent",
                    when="BEFORE",
                ),
            ),
        ),
    ]
