# Each target installs what it needs first (scripts/setup.sh), so that it works on a fresh Debian or Ubuntu.

# Where rustup puts a toolchain that setup had to install.
export PATH := $(or $(CARGO_HOME),$(HOME)/.cargo)/bin:$(PATH)

.PHONY: help setup demo test test-kill lint bench

help:
	@echo 'make demo   move a real RocksDB store to SQLite and prove it'
	@echo 'make test   everything that must pass before a commit'
	@echo 'make test-kill  kill runs of every kind in every step, 200 rounds, and go on'
	@echo 'make lint   formatting, clippy and documentation only'
	@echo 'make bench  the benchmarks'
	@echo 'make setup  install what the others need'

setup:
	@scripts/setup.sh

demo: setup
	@scripts/demo.sh

test: setup
	@scripts/test.sh

# What `make test` does a few times, often enough to be sure. The seed is printed first; with
# STALWART_MIGRATE_KILL_SEED, and STALWART_MIGRATE_KILL_ROUND for one of them, the same rounds are drawn again.
test-kill: setup
	@scripts/sql-servers.sh
	STALWART_MIGRATE_KILLS=$${STALWART_MIGRATE_KILLS:-200} cargo test --release --locked --test it kill:: -- --nocapture

# The same commands as in scripts/test.sh, so that each finds what the other has built.
lint: setup
	cargo fmt --all --check
	cargo clippy --release --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" cargo doc --release --locked --workspace --no-deps

bench: setup
	@scripts/bench.sh
