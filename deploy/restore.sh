#!/usr/bin/env bash
# Restore a backup made by backup.sh into an empty database, and prove that it is complete: the checksums, the number of
# rows in each table, and the consistency of all bookings.
#
#   deploy/restore.sh /var/backups/ticketing/ticketing-20260830T021500Z
#
# DATABASE_URL, or WORKER_DATABASE_URL behind a pooler, is read from the environment, or else from .env. Put the backup's
# settings there first: without their SECRET_KEY and ENCRYPTION_KEYS, sessions, guests' links and second factors are lost.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
backup=$(cd "${1:?Usage: restore.sh BACKUP}" && pwd)
. "$here/deploy/database.sh"

(cd "$backup" && sha256sum --quiet --check SHA256SUMS)
tables=$(psql --no-psqlrc -Atc "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'" "$database")
if [ "$tables" != 0 ]; then
    echo "The database has $tables tables. Restore into an empty one." >&2
    exit 1
fi

# All or nothing.
pg_restore --single-transaction --exit-on-error --no-owner --no-privileges --dbname="$database" "$backup/database.dump"
if ! diff "$backup/rows" <(psql --no-psqlrc -qAt --file="$here/deploy/count_rows.sql" "$database"); then
    echo "The number of rows differs from that of the backup; see above." >&2
    exit 1
fi
psql --no-psqlrc -qc "VACUUM (ANALYZE)" "$database" 2>&1 | grep -v 'skipping' || true
"$here/.venv/bin/python" "$here/manage.py" check_bookings
echo "Restored $(awk -F'|' '{ sum += $2 } END { print sum + 0 }' "$backup/rows") rows. Now run manage.py migrate, start" \
    "the web server and the worker, and run manage.py doctor."
