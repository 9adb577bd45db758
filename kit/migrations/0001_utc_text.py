from django.db import migrations

# A frozen copy of kit/sql/functions/kit_utc_text.sql.
UTC_TEXT = """
CREATE OR REPLACE FUNCTION kit_utc_text(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN replace(to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), '.000Z', 'Z');
"""


class Migration(migrations.Migration):
    initial = True

    operations = [migrations.RunSQL(UTC_TEXT, "DROP FUNCTION kit_utc_text")]
