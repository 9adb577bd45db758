#!/usr/bin/env bash
# Back up the database into a folder, one subfolder per backup, and delete backups older than KEEP_DAYS (14). Needs
# pg_dump of at least the server's version.
#
#   deploy/backup.sh /var/backups/ticketing [/var/backups/ticketing-settings]
#
# The settings go into a folder of their own, whenever they have changed, because their secrets decrypt the database:
# the second argument, or the first with "-settings" added. DATABASE_URL, or WORKER_DATABASE_URL behind a pooler, is
# read from the environment, or else from .env. A backup is complete once it has its final name.
set -euo pipefail
umask 077
here=$(cd "$(dirname "$0")/.." && pwd)
target=${1:?Usage: backup.sh FOLDER [FOLDER FOR SETTINGS]}
settings=${2:-${target%/}-settings}
: "${KEEP_DAYS:=14}"
. "$here/deploy/database.sh"

now=$(date -u +%Y%m%dT%H%M%SZ)
name=ticketing-$now
unfinished=$target/.$name
mkdir -p "$unfinished"
trap 'rm -rf "$unfinished"' EXIT

# One snapshot for the dump and for the number of rows in each table, with which restore.sh verifies the dump.
coproc SESSION { psql --no-psqlrc --quiet --tuples-only --no-align --set ON_ERROR_STOP=1 "$database"; }
session_pid=$SESSION_PID
echo "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; SELECT pg_export_snapshot();" >&"${SESSION[1]}"
read -r snapshot <&"${SESSION[0]}"
pg_dump --format=custom --snapshot="$snapshot" --file="$unfinished/database.dump" "$database"
cat "$here/deploy/count_rows.sql" >&"${SESSION[1]}"
echo "\\echo end" >&"${SESSION[1]}"
while read -r line <&"${SESSION[0]}" && [ "$line" != end ]; do echo "$line"; done > "$unfinished/rows"
echo "COMMIT; \\q" >&"${SESSION[1]}"
wait "$session_pid"

if [ -f "$here/.env" ]; then
    mkdir -p "$settings"
    kept=$(find "$settings" -maxdepth 1 -name 'settings-*.env' | sort | tail -1)
    if [ -z "$kept" ] || ! cmp -s "$here/.env" "$kept"; then
        kept=$settings/settings-$now.env
        cp "$here/.env" "$settings/.unfinished"
        mv "$settings/.unfinished" "$kept"
    fi
    # Which of them belongs to this backup.
    basename "$kept" > "$unfinished/settings"
fi
git -C "$here" rev-parse HEAD > "$unfinished/version" 2>/dev/null || cp "$here/VERSION" "$unfinished/version" 2>/dev/null || true
(cd "$unfinished" && sha256sum -- * > SHA256SUMS)
mv "$unfinished" "$target/$name"
trap - EXIT

find "$target" -mindepth 1 -maxdepth 1 -name 'ticketing-*' -mtime "+$KEEP_DAYS" -exec rm -rf {} +
if [ -d "$settings" ]; then
    # Copies that no remaining backup refers to.
    find "$settings" -maxdepth 1 -name 'settings-*.env' -printf '%f\n' | while read -r file; do
        grep -qsxF "$file" "$target"/ticketing-*/settings || rm "$settings/$file"
    done
fi
echo "$target/$name: $(du -sh "$target/$name" | cut -f1), $(awk -F'|' '{ sum += $2 } END { print sum + 0 }' "$target/$name/rows") rows"
