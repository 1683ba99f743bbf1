#!/usr/bin/env bash
# Every check there is, the quick ones first. Any failure ends it with that step's exit code.
set -euo pipefail
cd "$(dirname "$0")/.."
step() { printf '\n== %s\n' "$1"; }

step "formatting and vet"
unformatted=$(git ls-files '*.go' | xargs gofmt -l)
[ -z "$unformatted" ] || { echo "not gofmt-ed: $unformatted"; exit 1; }
go vet ./...

step "generated files are in step with their sources"
go run ./ui/widget/build -check
make -s client-check

step "console: types, lint, unit tests"
make -s console
(cd ui/console && npm run --silent check && npm run --silent lint && npm test --silent)

step "browser"
cd test/browser
[ node_modules -nt package-lock.json ] || npm ci --no-fund --no-audit
npx playwright test
cd ../..

step "go test, on SQLite and PostgreSQL"
# The last line is go test's own.
exec scripts/with-postgres.sh go test -timeout 25m ./...
