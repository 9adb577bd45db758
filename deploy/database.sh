# For backup.sh and restore.sh, which set $here: set $database to the URL of PostgreSQL itself, past a pooler.

# pg_dump and pg_restore change settings of their session, such as the search path. A pooler would lend that session to
# the site, which would no longer find its tables, and might give pg_dump another one for the dump.
setting() { sed -n "s/^$1=//p" "$here/.env" 2>/dev/null | tail -1; }
if [ -z "${DATABASE_URL:-}" ]; then
    DATABASE_URL=$(setting DATABASE_URL)
    DATABASE_POOLER=$(setting DATABASE_POOLER)
    WORKER_DATABASE_URL=$(setting WORKER_DATABASE_URL)
fi
export DATABASE_URL="${DATABASE_URL:?Set DATABASE_URL, or have it in .env.}"
database=${WORKER_DATABASE_URL:-$DATABASE_URL}
case ${DATABASE_POOLER:-off} in
    [oO][nN] | [tT][rR][uU][eE] | [yY]* | [tT] | 1)
        if [ -z "${WORKER_DATABASE_URL:-}" ]; then
            echo "DATABASE_URL leads to a pooler. Set WORKER_DATABASE_URL to PostgreSQL itself." >&2
            exit 1
        fi
        ;;
esac
