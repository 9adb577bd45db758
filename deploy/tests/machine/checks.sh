# Run after all blocks of the guide.
stat --format '%a %U:%G %n' /etc/ticketing/env /var/backups/ticketing /opt/ticketing/manage.py
[ "$(stat --format '%a %U:%G' /etc/ticketing/env)" = "640 root:ticketing" ]
[ "$(stat --format '%a %U:%G' /var/backups/ticketing)" = "700 ticketing:ticketing" ]
# The secrets are apart from the dumps, for the user ticketing only.
[ "$(stat --format '%a %U:%G' /var/backups/ticketing-settings/* | uniq)" = "600 ticketing:ticketing" ]
if grep -rq "^$(grep ^ENCRYPTION_KEYS= /etc/ticketing/env)" /var/backups/ticketing; then
    exit 1
fi
[ "$(readlink /opt/ticketing)" = /opt/ticketing-1.0.1 ]
[ -e /opt/ticketing-1.0.0/manage.py ]
curl --fail --silent --show-error https://tickets.example.com/readyz
# The admin's style sheet, as nginx serves it.
page=$(curl --fail --silent --show-error https://tickets.example.com/admin/login/)
style=$(grep -o '/static/kit/admin[^"]*\.css' <<< "$page" | head -1)
curl --fail --silent --show-error --output /dev/null --write-out '%{http_code} %header{cache-control}\n' "https://tickets.example.com$style" |
    grep immutable
# Prometheus asks once a minute, and may have done so during a restart.
up() { curl --silent http://127.0.0.1:9090/api/v1/targets | grep -o '"health":"up"'; }
for _ in $(seq 150); do up && break || sleep 2; done
up || { curl --silent http://127.0.0.1:9090/api/v1/targets; tail -50 /var/log/ticketing-web.log; exit 1; }
cd /
# pgBackRest went back to the moment with the name.
[ "$(runuser -u postgres -- psql -Atc 'SELECT array_agg(number) FROM imports')" = '{1}' ]
# Nobody but the user ticketing gets into the database.
if runuser -u www-data -- psql "postgres://ticketing@/ticketing?host=/var/run/postgresql" -c "SELECT 1"; then
    exit 1
fi
