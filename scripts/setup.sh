#!/usr/bin/env bash
# Installs only what is needed to build and test and is missing on this machine.
#
# Silent and quick if nothing is missing. Debian and Ubuntu packages come from apt-get (through sudo when
# not root), the Rust toolchain from rustup, each only if it is missing or too old.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() {
    printf 'setup: %s\n' "$@" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# RocksDB's bindings are generated at build time by bindgen, which loads libclang and needs the compiler's own
# headers (stddef.h). LLVM's C++ interface, libclang-cpp, is another library and is not enough.
have_libclang() {
    [[ -n ${LIBCLANG_PATH:-} ]] && return 0
    local library
    for library in $(compgen -G '/usr/lib/llvm-*/lib/libclang[.-]*.so*' || true) \
        $(have llvm-config && compgen -G "$(llvm-config --libdir)/libclang[.-]*.so*" || true); do
        [[ ${library##*/} == libclang-cpp* ]] && continue
        compgen -G "${library%/*}/clang/*/include/stddef.h" >/dev/null && return 0
    done
    return 1
}

packages() {
    local missing=()
    if ! have cc || ! have c++ || ! have make; then missing+=(build-essential); fi
    have_libclang || missing+=(libclang-dev)
    # cargo fetches crates over HTTPS and uses the certificates that the system trusts.
    [[ -s ${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt} ]] || missing+=(ca-certificates)
    if ! rust_is_enough && ! have rustup && ! have curl; then missing+=(curl); fi
    ((${#missing[@]})) || return 0

    have apt-get || fail "missing: ${missing[*]} (names of Debian packages)" \
        "this system has no apt-get: install their equivalents, then run this again"
    local root=()
    if ((EUID != 0)); then
        have sudo || fail "missing: ${missing[*]}" \
            "there is no sudo: run 'apt-get install ${missing[*]}' as root, then this again"
        root=(sudo)
    fi
    echo "setup: installing ${missing[*]}"
    if ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update -q ||
        ! "${root[@]}" env DEBIAN_FRONTEND=noninteractive \
            apt-get install -q -y --no-install-recommends "${missing[@]}"; then
        fail "apt-get could not install: ${missing[*]}" \
            "without network, install these packages from your own mirror, then run this again"
    fi
}

rust_version() {
    sed -n 's/^rust-version = "\(.*\)"$/\1/p' Cargo.toml
}

rust_is_enough() {
    have cargo && have rustc || return 1
    local found needed
    needed=$(rust_version)
    # Fails if rustc is rustup's proxy and no toolchain is installed.
    found=$(rustc --version 2>/dev/null | cut -d' ' -f2) || return 1
    [[ -n $found && $(printf '%s\n%s\n' "$needed" "$found" | sort -V | head -n 1) == "$needed" ]]
}

rust() {
    local needed
    needed=$(rust_version)
    if ! rust_is_enough; then
        echo "setup: installing Rust (at least $needed is needed)"
        if have rustup; then
            # For this directory only: the default toolchain of the machine stays unchanged.
            rustup toolchain install stable --profile minimal --component rustfmt --component clippy &&
                rustup override set stable ||
                fail "rustup could not install a toolchain; without network, install Rust $needed or newer yourself"
        else
            local installer
            installer=$(mktemp)
            # shellcheck disable=SC2064
            trap "rm -f '$installer'" EXIT
            curl --proto '=https' --tlsv1.2 -sSf -o "$installer" https://sh.rustup.rs ||
                fail "https://sh.rustup.rs cannot be reached" \
                    "without network, install Rust $needed or newer with rustfmt and clippy yourself, then run this again"
            sh "$installer" -y -q --no-modify-path --profile minimal --component rustfmt --component clippy ||
                fail "the Rust installer failed; its messages are above"
        fi
        hash -r
        rust_is_enough || fail "Rust $needed or newer was installed but is not the one found:" \
            "$(command -v rustc || echo 'no rustc') $(rustc --version 2>&1 || true)"
    fi

    local missing=()
    cargo fmt --version >/dev/null 2>&1 || missing+=(rustfmt)
    cargo clippy --version >/dev/null 2>&1 || missing+=(clippy)
    ((${#missing[@]})) || return 0
    have rustup || fail "missing: ${missing[*]}" \
        "Rust does not come from rustup here: install them as it was installed, then run this again"
    echo "setup: installing ${missing[*]}"
    rustup component add "${missing[@]}" || fail "rustup could not install: ${missing[*]}"
}

export PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
packages
rust
