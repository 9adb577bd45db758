#!/usr/bin/env bash
# Install or upgrade Ticketing on Debian 12, as root, from an unpacked release or a clone (its last commit).
#
#   deploy/install.sh tickets.example.com     the first time; EMAIL_URL, MAIL_FROM and DATABASE_URL may be set
#   deploy/install.sh                         to upgrade, or again after a failure
#   deploy/install.sh --no-start …            start and stop nothing, for images
#
# Everything is put in place before the running version is touched. Settings and the site's file are never overwritten.
set -euo pipefail
umask 022
export DEBIAN_FRONTEND=noninteractive
link=/opt/ticketing
settings=/etc/ticketing/env
state=/var/lib/ticketing
backups=/var/backups/ticketing
site=/etc/nginx/conf.d/ticketing.conf
own_database='postgres:///ticketing?host=/var/run/postgresql'

fail() { echo "$*" >&2; exit 1; }
step() { echo "* $*"; }
setting() { sed -n "s/^$1=//p" "$settings" | tail -1; }
as_ticketing() { runuser -u ticketing -- "$@"; }

start=yes
if [ "${1:-}" = --no-start ]; then start=no; shift; fi
host=${1:-}
[ "$(id -u)" = 0 ] || fail "Run it as root."
[ -n "$host" ] || [ -e "$settings" ] || fail "Usage: deploy/install.sh HOST, for example tickets.example.com"
[ -L "$link" ] || [ ! -e "$link" ] || fail "$link is not a link. Move it elsewhere; this script creates a link there."

source=$(cd "$(dirname "$0")/.." && pwd)
version=$(cat "$source/VERSION")
git() { command git -c safe.directory="$source" -C "$source" "$@"; }
if [ -e "$source/.git" ]; then version=$version+$(git rev-parse --short HEAD); fi
release=$link-$version

if [ -e "$settings" ]; then database=$(setting DATABASE_URL); else database=${DATABASE_URL:-$own_database}; fi
packages=(python3-venv nginx-light postgresql-client ca-certificates)
if [ "$database" = "$own_database" ]; then packages+=(postgresql); fi
step "Debian packages: ${packages[*]}"
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null

step "User and folders"
id ticketing > /dev/null 2>&1 || useradd --system --user-group --no-create-home --home-dir "$state" --shell /usr/sbin/nologin ticketing
install -d -m 0755 /etc/ticketing
install -d -m 0755 -o ticketing -g ticketing "$state"
install -d -m 0700 -o ticketing -g ticketing "$backups" "$backups-settings"

if [ ! -e "$release/.installed" ]; then
    step "Ticketing $version with its Python packages in $release"
    rm -rf "$release"
    mkdir "$release"
    if [ -e "$source/.git" ]; then
        git archive HEAD | tar -x -C "$release"
        echo "$version" > "$release/VERSION"
    else
        cp -R "$source/." "$release"
    fi
    ln -s "$state" "$release/var"
    ln -s "$settings" "$release/.env"
    python3 -m venv "$release/.venv"
    "$release/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$release/requirements.txt"
    # The services cannot write the compiled files themselves.
    find "$release" -maxdepth 1 -mindepth 1 -type d ! -name .venv -exec "$release/.venv/bin/python" -m compileall -q {} +
    touch "$release/.installed"
fi

if [ -e "$settings" ] && [ -n "$(setting OTEL_EXPORTER_OTLP_ENDPOINT)" ]; then
    step "Packages for traces"
    "$release/.venv/bin/pip" install --quiet --disable-pip-version-check -r "$release/requirements-telemetry.txt"
fi

if [ "$database" = "$own_database" ]; then
    step "Database"
    query() { (cd / && runuser -u postgres -- psql --no-psqlrc -Atqc "$1" postgres); }
    [ -n "$(query "SELECT 1 FROM pg_roles WHERE rolname = 'ticketing'")" ] || query "CREATE ROLE ticketing LOGIN"
    [ -n "$(query "SELECT 1 FROM pg_database WHERE datname = 'ticketing'")" ] ||
        query "CREATE DATABASE ticketing OWNER ticketing TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8'"
fi

if [ ! -e "$settings" ]; then
    step "Settings in $settings"
    secret() { python3 -c "import secrets; print(secrets.token_urlsafe(50))"; }
    # Each replaces the line of .env.example, commented out or not.
    declare -A values=(
        [SECRET_KEY]=$(secret)
        [ENCRYPTION_KEYS]=$(secret)
        [METRICS_TOKEN]=$(secret)
        [ALLOWED_HOSTS]=$host,localhost,127.0.0.1
        [SITE_URL]=https://$host
        [DATABASE_URL]=$database
        [EMAIL_URL]=${EMAIL_URL:-smtp://localhost:25}
        [MAIL_FROM]=${MAIL_FROM:-Ticketing <ticketing@$host>}
        [PROXY_COUNT]=1
        [BACKUP_DIR]=$backups
    )
    unfinished=$(mktemp /etc/ticketing/.env.XXXXXX)
    while IFS= read -r line; do
        name=${line%%=*}
        name=${name#\#}
        if [[ $line =~ ^#?[A-Z_]+= && -n ${values[$name]:-} ]]; then
            line=$name=${values[$name]}
            unset "values[$name]"
        fi
        printf '%s\n' "$line"
    done < "$release/.env.example" > "$unfinished"
    for name in "${!values[@]}"; do printf '%s=%s\n' "$name" "${values[$name]}" >> "$unfinished"; done
    chown root:ticketing "$unfinished"
    chmod 0640 "$unfinished"
    mv "$unfinished" "$settings"
fi

manage() { (cd "$release" && as_ticketing .venv/bin/python manage.py "$@"); }
step "Checks"
manage check --deploy --fail-level WARNING > /dev/null
if [ -L "$link" ] && [ "$(readlink "$link")" != "$release" ]; then
    step "Backup"
    (cd / && as_ticketing "$release/deploy/backup.sh" "$backups")
fi
step "Static files and migrations"
manage collectstatic --noinput --verbosity 0
manage migrate --noinput --verbosity 0

step "Services"
ln -sfn "$release" "$link.new"
mv -T "$link.new" "$link"
ln -sf "$link/deploy/ticketing" /usr/local/bin/ticketing
install -m 0644 "$release"/deploy/systemd/* /etc/systemd/system/
name=$(setting ALLOWED_HOSTS)
name=${name%%,*}
if [ ! -e "$site" ] && [ -e "/etc/letsencrypt/live/$name/fullchain.pem" ]; then
    sed "s/tickets\.example\.com/$name/g" "$release/deploy/nginx.conf" > "$site"
    nginx -t -q
fi
systemctl enable --quiet ticketing-web.service ticketing-worker.service ticketing-backup.timer
if [ "$start" = yes ]; then
    systemctl daemon-reload
    systemctl restart ticketing-web.service ticketing-worker.service ticketing-backup.timer
    systemctl reload-or-restart nginx.service
    # Until the web server and the worker have started.
    "$release/.venv/bin/python" - << 'END' || fail "The web server is not ready. See journalctl -u ticketing-web -u ticketing-worker."
import sys, time, urllib.request
for _ in range(60):
    try:
        sys.exit(urllib.request.urlopen("http://127.0.0.1:8000/readyz", timeout=3).status != 200)
    except OSError:
        time.sleep(1)
sys.exit(1)
END
fi
echo "Ticketing $version is installed in $link."
if [ ! -e "$site" ]; then
    echo "There is no certificate for $name. Get one (docs/operations.md, Install), then run this script again."
fi
