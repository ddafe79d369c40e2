//! Gives the linker a `libfdb_c` that defines nothing.
//!
//! The crate `foundationdb-sys` asks for `-lfdb_c`. An empty archive satisfies it, so that neither a build nor
//! the program needs the real library; the functions come from `src/forward.rs`. Cargo passes the search path
//! to every program that depends on this crate, before the paths of the system.

use std::path::PathBuf;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let Some(folder) = std::env::var_os("OUT_DIR").map(PathBuf::from) else {
        println!("cargo::error=OUT_DIR is not set: this build script runs under cargo only");
        return;
    };
    if let Err(error) = std::fs::write(folder.join("libfdb_c.a"), b"!<arch>\n") {
        println!("cargo::error=cannot write an empty libfdb_c.a to {}: {error}", folder.display());
        return;
    }
    println!("cargo:rustc-link-search=native={}", folder.display());
}
