# make run    builds what has changed and starts a demo shop
# make test   installs what the tests need and runs all of them
.PHONY: run test bench build console widget client client-check generate clean
SQLC = go run github.com/sqlc-dev/sqlc/cmd/sqlc@v1.31.1

run: build
	./bin/opeka demo

test:
	@scripts/install.sh
	@scripts/test.sh

bench: build
	@scripts/install.sh
	@scripts/with-postgres.sh ./bin/opeka bench

build: console
	@scripts/install.sh run
	go build -trimpath -o bin/opeka ./cmd/opeka

# The console is built when its sources or the catalogue are newer than the last build.
console: ui/console/dist/index.html
ui/console/dist/index.html: $(shell git ls-files ui/console messages 2>/dev/null | grep -v '/dist/')
	@scripts/install.sh run
	cd ui/console && { [ node_modules -nt package-lock.json ] || npm ci --no-fund --no-audit; } && npm run build
	@touch $@

widget:
	go run ./ui/widget/build

# The console's typed client follows from the operations in internal/web/api.
client:
	go run ./cmd/opeka openapi > ui/console/src/lib/api/openapi.json
	cd ui/console && npx openapi-typescript src/lib/api/openapi.json -o src/lib/api/schema.d.ts

client-check:
	@go run ./cmd/opeka openapi | cmp - ui/console/src/lib/api/openapi.json || { echo "the API has changed: run make client"; exit 1; }

# Query packages from internal/*/query/*.sql.
generate:
	$(SQLC) generate

clean:
	rm -rf bin ui/console/dist/* test/browser/results test/browser/report
