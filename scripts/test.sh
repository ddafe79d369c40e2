#!/usr/bin/env bash
# The whole gate, cheapest first; ends with every test result.
#
# A first build of RocksDB takes most of the time, so it is built once: everything runs in the release profile, in
# one target directory, with one feature set for the crates that contain C or C++. A new step must keep to that: no
# RUSTFLAGS, no other profile, no --all-features.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

results=$(mktemp)
output=$(mktemp)
trap 'rm -f "$results" "$output"' EXIT

step() {
    local started=$SECONDS
    printf '\n==> %s\n' "$*"
    printf '\n%s\n' "$*" >>"$results"
    # Cargo prints the names of the test programs on stderr and they print their results on stdout: keep both, in order.
    "$@" 2>&1 | tee "$output"
    grep -E '^ +(Running|Doc-tests) |^test result: ' "$output" >>"$results" || true
    printf '==> done in %d s: %s\n' "$((SECONDS - started))" "$*"
}

export RUSTDOCFLAGS="-D warnings"

scripts/sql-servers.sh
scripts/blob-servers.sh

step cargo fmt --all --check
step cargo test --release --locked --no-default-features
step cargo test --release --locked --workspace
step cargo clippy --release --locked --workspace --all-targets -- -D warnings
step cargo doc --release --locked --workspace --no-deps

printf '\n==> all passed in %d s\n' "$SECONDS"
cat "$results"
