#!/usr/bin/env bash
# with-postgres.sh COMMAND...: runs COMMAND with OPEKA_TEST_POSTGRES pointing at a PostgreSQL of its own, which
# lives in a temporary folder, listens on loopback only, and is gone afterwards. Durability is off: tests of what
# survives a crash kill Opeka, not the database.
set -euo pipefail
if [ -n "${OPEKA_TEST_POSTGRES:-}" ]; then exec "$@"; fi
bin=$(dirname "$(ls -1 /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1 || command -v initdb)")
dir=$(mktemp -d)
as=()
if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; as=(runuser -u postgres --); fi
port=$(node -e 's=require("net").createServer().listen(0,"127.0.0.1",()=>{console.log(s.address().port);s.close()})')
stop() { "${as[@]}" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap stop EXIT
cd "$dir" && "${as[@]}" "$bin/initdb" -D "$dir/data" -A trust -U opeka --encoding=UTF8 --locale=C.UTF-8 >/dev/null
"${as[@]}" "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' \
 -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=400 -c shared_buffers=256MB" start >/dev/null
cd "$OLDPWD"
export OPEKA_TEST_POSTGRES="postgres://opeka@127.0.0.1:$port/postgres"
"$@"
