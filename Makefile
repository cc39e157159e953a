# Everything a person or CI does with this project; `make` lists it.
# Variables: ARGS (options of `make demo`, `make rush`, `make serve` and `make bench`), CARGO_TARGET_DIR, ROWLOCK_POSTGRES_BIN.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo rush serve test bench bench-quick clients sdk sdk-typescript sdk-python sdk-rust openapi docs schema image clean

# A faster linker where there is one that the C compiler knows, unless somebody chose theirs.
ifeq ($(shell uname -s),Linux)
LINKER := $(firstword $(foreach linker,mold lld,$(shell cc -fuse-ld=$(linker) -Wl,--version >/dev/null 2>&1 && echo $(linker))))
ifneq ($(LINKER),)
export CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS ?= -Clink-arg=-fuse-ld=$(LINKER)
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS ?= -Clink-arg=-fuse-ld=$(LINKER)
endif
endif

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: ## install PostgreSQL and Redis if they are missing (apt or Homebrew)
	@.ci/setup

demo: setup ## sell a concert to 10,000 buyers on private servers under .rowlock/, then stay up (ARGS=--no-rush: without buyers)
	cargo run --release --locked --package rowlock-lab -- demo $(ARGS)

rush: setup ## let 10,000 buyers loose on private servers and check every promise (ARGS=--help: presets and flags)
	cargo run --release --locked --package rowlock-lab -- rush $(ARGS)

serve: ## run the server on your own PostgreSQL and Redis (DATABASE_URL, REDIS_URL, ROWLOCK_*)
	cargo run --release --locked -- serve $(ARGS)

test: export ROWLOCK_TEST_VERSIONS_FILE = $(or $(CARGO_TARGET_DIR),$(CURDIR)/target)/postgres-versions-tried
test: ## formatting, lints and every test, as CI runs them
	@.ci/setup tests
	@.ci/clients
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	cargo clippy --locked -- -D warnings
	@.ci/shipped-dependencies
	@.ci/dependencies
	@.ci/sql-format
	@.ci/path-with-spaces
	@.ci/sdk
	@mkdir -p "$${ROWLOCK_TEST_VERSIONS_FILE%/*}" && rm -f "$$ROWLOCK_TEST_VERSIONS_FILE"
	cargo test --workspace --locked --no-fail-fast
	@.ci/promises
	@.ci/database-tests

bench: setup ## measure every bound on speed on private servers, within 8 minutes, into target/bench (ARGS='--only ID,…': some)
	cargo run --release --locked --package rowlock-lab -- bench $(ARGS)

bench-quick: setup ## one short round of it, within 90 seconds, for daily work
	cargo run --release --locked --package rowlock-lab -- bench --quick $(ARGS)

clients: ## install what generates and tries the clients, and a browser for the tests, into openapi/node_modules and openapi/.venv
	@.ci/clients

sdk: ## generate the three clients from openapi/openapi.json into openapi/sdk, and compile their examples
	@.ci/sdk

sdk-typescript: ## the TypeScript client alone; needs Node.js and npm, nothing else
	@.ci/sdk typescript

sdk-python: ## the Python client alone; needs Python, nothing else
	@.ci/sdk python

sdk-rust: ## the Rust client alone; needs cargo and a linker, nothing else
	@.ci/sdk rust

openapi: ## regenerate openapi/openapi.json and openapi/operations.txt
	cargo run --release --locked -- openapi --write

docs: ## regenerate the generated parts of docs/
	ROWLOCK_BLESS=1 cargo test --workspace --locked --test it documents::

schema: setup ## regenerate sql/schema.sql
	ROWLOCK_BLESS=1 cargo test --workspace --locked --test it schema_sql

image: ## build the container image rowlock:latest
	docker build -t rowlock .

clean: ## remove the build and the private servers' files
	cargo clean
	rm -rf .rowlock
