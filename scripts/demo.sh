#!/usr/bin/env bash
# Moves a real store from RocksDB to SQLite and verifies that nothing was lost, in a separate directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fixture=tests/fixtures/stalwart-0.15.5
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

echo 'Building stalwart-migrate. The first time this compiles RocksDB, which takes some minutes.'
binary=$(cargo build --release --locked --message-format=json-render-diagnostics |
    sed -n 's/.*"executable":"\([^"]*\/stalwart-migrate\)".*/\1/p')
[[ -x $binary ]] || {
    echo 'demo: cargo did not say where the program is' >&2
    exit 1
}
mkdir "$work/bin"
ln -s "$binary" "$work/bin/stalwart-migrate"
PATH="$work/bin:$PATH"

say() {
    printf '\n# %s\n' "$@"
}

run() {
    printf '$'
    printf ' %q' "$@"
    printf '\n'
    "$@"
}

say 'A RocksDB store that a Stalwart 0.15.5 server has written and its configuration, both as they are.'
run mkdir "$work/old" "$work/new"
run cp -r "$fixture/rocksdb" "$work/old/rocksdb"
run cp "$fixture/config/rocksdb.toml" "$work/old/config.toml"
run cp "$fixture/config/sqlite.toml" "$work/new/config.toml"

say 'Export it. The configuration says where the store is: in %{env:STORE_DIR}%.'
run env STORE_DIR="$work/old" stalwart-migrate --config "$work/old/config.toml" --export "$work/dump"
run ls -l "$work/dump" "$work/dump/manifest"

say 'Prove the dump, without any store.'
run stalwart-migrate verify "$work/dump"

say 'Import it into a new SQLite store.'
run env STORE_DIR="$work/new" stalwart-migrate --config "$work/new/config.toml" --import "$work/dump"

say 'Compare the dump with each of the two stores, record by record.'
run env STORE_DIR="$work/new" stalwart-migrate verify "$work/dump" --against "$work/new/config.toml"
run env STORE_DIR="$work/old" stalwart-migrate verify "$work/dump" --against "$work/old/config.toml"

say 'Done: the same mail in another store. Everything this made is removed now.'
