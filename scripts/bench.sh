#!/usr/bin/env bash
# Runs the benchmarks with the default features; arguments go to cargo bench.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

exec cargo bench --locked "$@"
