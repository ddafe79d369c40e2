//! The command line: the server's own flags first, then subcommands and options.
//!
//! Turns arguments into a [`Command`] and nothing else.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Parser, Subcommand};

use crate::console::Console;
use crate::error::{Error, Result};
use crate::lanes::Budget;
use crate::selection::Request;

/// Memory used unless told otherwise, in bytes.
const DEFAULT_MEMORY: u64 = 128 << 20;

/// Moves the database of a stopped Stalwart server between stores: whole, byte-exact, verified.
///
/// Exit codes: 0 done and faithful; 1 failed; 2 wrong usage or configuration; 3 finished but incomplete;
/// 4 damage or a difference was found; 5 refused before anything was written; 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "stalwart-migrate", version, max_term_width = 100)]
#[command(args_conflicts_with_subcommands = false, subcommand_negates_reqs = true)]
#[command(group(ArgGroup::new("action").args(["export", "import"])))]
pub struct Cli {
    /// The server's configuration file
    #[arg(short, long, value_name = "FILE", env = "CONFIG_PATH", hide_env_values = true)]
    pub config: Option<PathBuf>,
    /// Export the database into the directory DIR, which is absent or empty
    #[arg(short, long, value_name = "DIR")]
    pub export: Option<PathBuf>,
    /// Import the dump in DIR into the database, which is empty or fresh
    #[arg(short, long, value_name = "DIR")]
    pub import: Option<PathBuf>,
    /// Options that every command takes
    #[command(flatten)]
    pub common: Common,
    /// What to do, if neither --export nor --import
    #[command(subcommand)]
    pub command: Option<Sub>,
}

/// Options that every command takes, before or after a subcommand.
#[derive(Debug, Args)]
pub struct Common {
    /// Only these subspaces: letters, names, families or @groups, separated by commas; wins over the
    /// variable EXPORT_TYPES
    #[arg(long, value_name = "LIST", global = true)]
    pub types: Option<String>,
    /// Without these subspaces
    #[arg(long, value_name = "LIST", global = true)]
    pub exclude: Option<String>,
    /// Check and plan, write nothing
    #[arg(long, global = true)]
    pub dry_run: bool,
    /// Threads that work at the same time [default: the number of CPUs]
    #[arg(long, value_name = "N", global = true, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub jobs: Option<u16>,
    /// Memory for buffers and caches, as 64MiB or 1GiB [default: 128MiB]
    #[arg(long, value_name = "SIZE", global = true, value_parser = memory)]
    pub memory: Option<u64>,
    /// One JSON object per line on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// No text on stderr but errors and warnings
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Do not read the target back after an import
    #[arg(long, global = true)]
    pub no_verify: bool,
    /// Treat findings as failures
    #[arg(long, global = true)]
    pub strict: bool,
    /// Read the store by the catalog of this schema version, whatever it states
    #[arg(long, value_name = "N", global = true)]
    pub schema: Option<u32>,
    /// Agree to what would otherwise be refused until agreed to
    #[arg(long, global = true)]
    pub yes: bool,
}

/// Commands that have no flag.
#[derive(Debug, Subcommand)]
pub enum Sub {
    /// Verify a dump on its own, or record by record against a store
    Verify {
        /// The directory of the dump
        dir: PathBuf,
        /// Compare with the store of this configuration
        #[arg(long, value_name = "CONFIG")]
        against: Option<PathBuf>,
    },
    /// Print what is known about every subspace of every supported schema version
    Catalog,
}

/// What to do.
#[derive(Debug)]
pub enum Command {
    /// Export the store of a configuration.
    Export {
        /// Configuration file.
        config: PathBuf,
        /// Directory of the dump.
        dir: PathBuf,
    },
    /// Import a dump into the store of a configuration.
    Import {
        /// Configuration file.
        config: PathBuf,
        /// Directory of the dump.
        dir: PathBuf,
    },
    /// Verify a dump.
    Verify {
        /// Directory of the dump.
        dir: PathBuf,
        /// Configuration of the store to compare with.
        against: Option<PathBuf>,
    },
    /// Print the catalog.
    Catalog,
}

impl Cli {
    /// The command that was asked for.
    ///
    /// Errors: usage if there is none, more than one, or no configuration where one is needed.
    pub fn command(&self) -> Result<Command> {
        let config = || {
            self.config.clone().ok_or_else(|| {
                Error::usage("--export and --import need the server's configuration file")
                    .next("name it with --config FILE or in the variable CONFIG_PATH")
            })
        };
        match (&self.command, &self.export, &self.import) {
            (None, Some(dir), None) => Ok(Command::Export { config: config()?, dir: dir.clone() }),
            (None, None, Some(dir)) => Ok(Command::Import { config: config()?, dir: dir.clone() }),
            (Some(Sub::Verify { dir, against }), None, None) => {
                Ok(Command::Verify { dir: dir.clone(), against: against.clone() })
            }
            (Some(Sub::Catalog), None, None) => Ok(Command::Catalog),
            (None, None, None) => Err(Error::usage("nothing to do")
                .next("name --export DIR, --import DIR or a command; --help lists them all")),
            _ => Err(Error::usage("more than one thing to do")
                .next("name one of --export, --import and the commands")),
        }
    }
}

impl Common {
    /// Subspaces asked for. Import takes the whole dump unless `--types` says otherwise.
    pub fn request(&self, importing: bool) -> Request {
        // A variable that is not UTF-8 can name no type, and its escaped form is named in the error.
        let variable = std::env::var_os("EXPORT_TYPES").filter(|_| !importing);
        let variable = variable.map(|list| list.to_string_lossy().into_owned());
        Request::new(self.types.clone(), variable, self.exclude.clone())
    }

    /// Threads and memory.
    pub fn budget(&self) -> Budget {
        let cpus = std::thread::available_parallelism().map_or(1, usize::from);
        Budget {
            jobs: self.jobs.map_or(cpus, usize::from).clamp(1, 256),
            memory: self.memory.unwrap_or(DEFAULT_MEMORY),
        }
    }

    /// Where to speak.
    pub fn console(&self) -> Console {
        Console { json: self.json, quiet: self.quiet }
    }
}

/// A number of bytes, with or without a unit.
fn memory(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text[digits.len()..].to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        _ => return Err("a size is a number with one of B, KiB, MiB, GiB".to_string()),
    };
    let number: u64 = digits.trim().parse().map_err(|_| "a size begins with a whole number".to_string())?;
    let bytes = number.checked_mul(unit).ok_or("too large")?;
    if bytes < 16 << 20 {
        return Err("at least 16MiB are needed".to_string());
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        for (text, bytes) in [
            ("16777216", Some(16 << 20)),
            ("64MiB", Some(64 << 20)),
            ("64m", Some(64 << 20)),
            ("2GB", Some(2 << 30)),
            ("1", None),
            ("MiB", None),
            ("64 parsecs", None),
            ("99999999999999999999", None),
            ("18446744073709551615GiB", None),
        ] {
            assert_eq!(memory(text).ok(), bytes, "{text}");
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        <Cli as CommandFactory>::command().debug_assert();
    }
}
