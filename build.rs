//! Generates the catalog from `schema/`, or from the directory named by `STALWART_MIGRATE_SCHEMA`.

use std::path::{Path, PathBuf};
use std::process::exit;
use std::{env, fs, io};

const FILES: [&str; 2] = ["subspaces.yaml", "backends.yaml"];

fn main() {
    println!("cargo::rerun-if-env-changed=STALWART_MIGRATE_SCHEMA");
    let directory = env::var_os("STALWART_MIGRATE_SCHEMA").map_or(PathBuf::from("schema"), PathBuf::from);
    let files = FILES.map(|file| directory.join(file).display().to_string());
    let texts = files.each_ref().map(|file| {
        println!("cargo::rerun-if-changed={file}");
        fs::read_to_string(file).unwrap_or_else(|error| fail(&[format!("{file}: {error}")]))
    });
    let sources: Vec<_> =
        files.iter().zip(&texts).map(|(name, text)| codegen::SchemaFile { name, text }).collect();
    let output = codegen::generate(&sources).unwrap_or_else(|report| fail(report.lines()));
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // The documentation is for whoever builds with a schema of their own; nothing includes it.
    for (name, text) in [("catalog.rs", &output.rust), ("subspaces.md", &output.docs)] {
        let target = out.join(name);
        if let Err(error) = write_if_changed(&target, text) {
            fail(&[format!("{}: {error}", target.display())]);
        }
    }
}

// An untouched file spares a rebuild of everything that includes it.
fn write_if_changed(target: &Path, text: &str) -> io::Result<()> {
    match fs::read_to_string(target) {
        Ok(before) if before == text => Ok(()),
        _ => fs::write(target, text),
    }
}

fn fail(lines: &[String]) -> ! {
    for line in lines {
        println!("cargo::error={line}");
    }
    exit(1)
}
