"""The other half of "an admin is not assigned": who is assigned does not become an admin.

On another app's table, which Assignment's triggers cannot be declared for. Those lock the user's row FOR SHARE, so an
assignment under way at the same time is either waited for and seen here, or waits and sees the admin.
"""

from django.db import migrations

REFUSE = """
CREATE FUNCTION refuse_admin_with_assignments() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM tickets_assignment WHERE user_id = NEW.id) THEN
        RAISE EXCEPTION 'a user who holds assignments cannot become an admin'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'user_holds_assignments', TABLE = 'accounts_user';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER user_holds_assignments BEFORE UPDATE OF type ON accounts_user
    FOR EACH ROW WHEN (NEW.type = 'admin' AND OLD.type <> 'admin')
    EXECUTE FUNCTION refuse_admin_with_assignments();
"""
ALLOW = """
DROP TRIGGER user_holds_assignments ON accounts_user;
DROP FUNCTION refuse_admin_with_assignments();
"""


class Migration(migrations.Migration):
    dependencies = [("tickets", "0002_sla_policies"), ("accounts", "0001_initial")]
    operations = [migrations.RunSQL(REFUSE, ALLOW)]
