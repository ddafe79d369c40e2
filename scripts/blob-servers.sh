#!/usr/bin/env bash
# Installs the services that tests/it/objects.rs starts privately: an S3 server that checks signatures, and Azurite.
#
# Silent and quick if nothing is missing. Both go to the user's cache, in directories named after their versions,
# which tests/it/harness/blob_servers.rs names as well; only Node.js comes from the system. RCLONE=1 also installs
# rclone, with which the benchmark compares.
set -euo pipefail

s3=s3s-fs-0.14.1
azurite=azurite-3.35.0
cache=${XDG_CACHE_HOME:-$HOME/.cache}/stalwart-migrate

have() {
    command -v "$1" >/dev/null 2>&1
}

export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
mkdir -p "$cache"

missing=()
have node || missing+=(nodejs)
[[ -d $cache/$azurite/node_modules ]] || have npm || missing+=(npm)
have setpriv || missing+=(util-linux)
have openssl || missing+=(openssl)
# Only the benchmark needs it.
[[ -z ${RCLONE:-} ]] || have rclone || missing+=(rclone)
if ((${#missing[@]})); then
    root=()
    if ((EUID != 0)); then
        have sudo || { echo "setup: run 'apt-get install ${missing[*]}' as root, then this again" >&2; exit 1; }
        root=(sudo)
    fi
    have apt-get || { echo "setup: missing: ${missing[*]} (names of Debian packages)" >&2; exit 1; }
    echo "setup: installing ${missing[*]}"
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q
    "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
fi

# Installed in a temporary directory and renamed when complete, so that an interrupted run leaves nothing that
# looks complete.
beside=$cache/.installing-$$
trap 'rm -rf "$beside"' EXIT

if [[ ! -x $cache/$s3/bin/s3s-fs ]]; then
    echo "setup: building $s3 (a few minutes)"
    # Its own target directory, since profile and features differ. Outside the tree, so that no settings apply.
    (cd / && CARGO_TARGET_DIR="$beside/target" cargo install "${s3%-*}" --version "${s3##*-}" --locked --quiet \
        --features binary --root "$beside/$s3")
    rm -rf "${cache:?}/$s3"
    mv "$beside/$s3" "$cache/$s3"
fi

if [[ ! -f $cache/$azurite/node_modules/azurite/dist/src/blob/main.js ]]; then
    echo "setup: installing $azurite"
    npm install --prefix "$beside/$azurite" --no-audit --no-fund --loglevel error "azurite@${azurite##*-}"
    rm -rf "${cache:?}/$azurite"
    mv "$beside/$azurite" "$cache/$azurite"
fi
