#!/usr/bin/env bash
# Installs the database servers and the pooler that the tests start privately, and the clients that load fixtures.
#
# Nothing is started here: the tests use servers that already run, and start their own in temporary directories if
# they need other settings or no server runs.
set -euo pipefail

have() {
    command -v "$1" >/dev/null 2>&1
}

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
have psql || missing+=(postgresql-client)
{ have mariadb-install-db && { have mariadbd || [[ -x /usr/sbin/mariadbd ]]; }; } || missing+=(mariadb-server)
have mariadb || missing+=(mariadb-client)
have pgbouncer || missing+=(pgbouncer)
have openssl || missing+=(openssl)
have setpriv || missing+=(util-linux)
((${#missing[@]})) || exit 0

root=()
if ((EUID != 0)); then
    have sudo || { echo "setup: run 'apt-get install ${missing[*]}' as root, then this again" >&2; exit 1; }
    root=(sudo)
fi
have apt-get || { echo "setup: missing: ${missing[*]} (names of Debian packages)" >&2; exit 1; }
echo "setup: installing ${missing[*]}"
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
"${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
