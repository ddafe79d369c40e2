#!/usr/bin/env bash
# Runs the benchmarks with the default features; arguments go to cargo bench.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

RCLONE=1 scripts/blob-servers.sh
exec cargo bench --locked "$@"
