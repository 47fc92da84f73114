# weir: make run builds everything and starts the demo, make test runs everything that must pass.

GO      ?= go
NPM     ?= npm
BIN     := bin/weir
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION)
# One of these for each line of output: what is missing, and what it is for.
need = command -v $(1) >/dev/null || { echo "make: $(1) is not installed: $(2)" >&2; exit 1; }

.PHONY: run build web test test-go test-web lint bench fuzz clean tools

run: build ## build everything and start weir with a synthetic network, console on http://127.0.0.1:8008
	$(BIN) demo

build: web ## build bin/weir with the console in it
	@$(call need,go,the compiler (https://go.dev or Debian package golang))
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/weir

web: web/dist/index.html ## build the console

web/node_modules/.installed: web/package-lock.json
	@$(call need,node,it builds the console)
	@$(call need,$(NPM),it fetches the console's packages)
	cd web && $(NPM) ci --no-audit --no-fund --loglevel=error
	@touch $@

web/dist/index.html: web/node_modules/.installed $(shell find web/src web/index.html web/vite.config.ts -type f 2>/dev/null)
	cd web && $(NPM) run build
	@touch $@

test: lint test-go test-web ## everything that must pass

lint:
	@$(call need,go,the compiler)
	$(GO) vet ./...
	$(GO) tool staticcheck ./...

test-go: web
	@$(call need,gcc,the race detector needs it)
	$(GO) test -race -timeout 20m ./...
	$(GO) test -run "TestMonth|TestErrorsOfHosts" ./sim

test-web: build
	cd web && $(NPM) run check && $(NPM) test && $(NPM) run size && $(NPM) run e2e

bench: build ## measure: benchmarks of the rooms, then the binary under generated load
	$(GO) test -run '^$$' -bench . -benchtime 0.3s ./...
	$(BIN) bench

fuzz: ## every fuzz target for 30 s
	@for pkg in $$($(GO) list ./...); do \
	  for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "== $$pkg $$f"; $(GO) test -run '^$$' -fuzz "^$$f$$" -fuzztime 30s $$pkg || exit 1; \
	  done; done

clean:
	rm -rf bin web/dist web/node_modules
