//! The command line: the server's own flags first, then subcommands and options.
//!
//! Turns arguments into a [`Command`] and nothing else.

pub mod options;

pub mod ready;

pub mod report;

use std::path::PathBuf;

use clap::{ArgGroup, Args, CommandFactory, Parser, Subcommand};
use clap_complete::Shell;

use crate::base::error::{Error, Result};
use crate::commands::inspect::Inspected;
use crate::open::installation::BlobChoice;
use crate::records::selection::Request;
use crate::run::budget::Budget;
use crate::run::console::Console;
use crate::run::strict::Strict;

/// Default limit of memory, in bytes.
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
    /// Options that more than one command takes
    #[command(flatten)]
    pub common: Common,
    /// What to do, if neither --export nor --import
    #[command(subcommand)]
    pub command: Option<Sub>,
}

/// Options that stand before or after a subcommand. The module `options` lists the commands that each applies to.
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
    /// Do not read the target back after an import, and do not look for blobs that are left out
    #[arg(long, global = true)]
    pub no_verify: bool,
    /// Treat findings as failures
    #[arg(long, global = true)]
    pub strict: bool,
    /// Read the store by the catalog of this schema version, whatever it states
    #[arg(long, value_name = "N", global = true)]
    pub schema: Option<u32>,
    /// Export what can still be read of a damaged store, and list what is lost
    #[arg(long, global = true, conflicts_with_all = ["resume", "strict"])]
    pub salvage: bool,
    /// Go on with a run that was interrupted
    #[arg(long, global = true)]
    pub resume: bool,
    /// Keep the state of a run that can be resumed in FILE [default: inside the dump]
    #[arg(long, value_name = "FILE", global = true)]
    pub state: Option<PathBuf>,
    /// Empty the target first; asks, or takes --yes
    #[arg(long, global = true)]
    pub wipe_target: bool,
    /// The blob store, whatever the configuration or the database says: a JSON object of the form of BlobStore in
    /// 0.16, or a config.toml
    #[arg(long, value_name = "FILE", global = true)]
    pub blob_config: Option<PathBuf>,
    /// Accept any certificate of an S3 service
    #[arg(long, global = true)]
    pub allow_invalid_certs: bool,
    /// Talk to a database in clear, password included, if it declines the TLS that the configuration asks for
    #[arg(long, global = true)]
    pub allow_plaintext: bool,
    /// Give the files of the target to this user and group, as chown takes them
    #[arg(long, value_name = "USER:GROUP", global = true)]
    pub owner: Option<String>,
    /// Write all output into a new FILE as well
    #[arg(long, value_name = "FILE", global = true)]
    pub report: Option<PathBuf>,
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
    /// Copy the store of one configuration into that of another, without a dump between them
    Copy {
        /// Configuration of the source
        #[arg(long, value_name = "CONFIG")]
        from: PathBuf,
        /// Configuration of the target, which is empty or fresh
        #[arg(long, value_name = "CONFIG")]
        to: PathBuf,
    },
    /// Compare two dumps or stores record by record
    Diff {
        /// The directory of a dump, or a configuration file
        left: PathBuf,
        /// The directory of a dump, or a configuration file
        right: PathBuf,
    },
    /// Show what a dump or a store holds: a table, decoded records, or one blob
    Inspect(Inspect),
    /// Print what is known about every subspace of every supported schema version
    Catalog,
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
    /// Print the manual page, for `man -l -`
    Man,
}

/// Where `inspect` looks and what it shows.
#[derive(Debug, Clone, Args)]
pub struct Inspect {
    /// The directory of a dump
    #[arg(conflicts_with = "config")]
    pub dir: Option<PathBuf>,
    /// Look into the store of this configuration
    #[arg(short, long, value_name = "CONFIG")]
    pub config: Option<PathBuf>,
    /// List the records of this subspace, by letter or name
    #[arg(long, value_name = "SUBSPACE")]
    pub subspace: Option<String>,
    /// Only keys that begin with these fields, as account=7,collection=0: numbers, their names, text, or
    /// bytes as 0x…
    #[arg(long, value_name = "FIELD=VALUE", value_delimiter = ',', requires = "subspace")]
    pub prefix: Vec<String>,
    /// Records to list; 0 lists all
    #[arg(long, value_name = "N", requires = "subspace", conflicts_with = "get", default_value_t = 20)]
    pub limit: u64,
    /// Show the one record with this key
    #[arg(long, value_name = "HEXKEY", requires = "subspace", conflicts_with = "prefix")]
    pub get: Option<String>,
    /// Write the content of this blob to stdout or --out, checked against its hash
    #[arg(long, value_name = "HASH", conflicts_with_all = ["subspace", "prefix", "limit", "get"])]
    pub blob: Option<String>,
    /// A new file for the blob
    #[arg(long, value_name = "FILE", requires = "blob", conflicts_with_all = ["subspace", "prefix", "limit", "get"])]
    pub out: Option<PathBuf>,
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
    /// Copy a store.
    Copy {
        /// Configuration of the source.
        from: PathBuf,
        /// Configuration of the target.
        to: PathBuf,
    },
    /// Compare two dumps or stores.
    Diff {
        /// A dump or a configuration.
        left: PathBuf,
        /// A dump or a configuration.
        right: PathBuf,
    },
    /// Look into a dump or a store.
    Inspect(Inspect),
    /// Print the catalog.
    Catalog,
    /// Print a completion script.
    Completions(Shell),
    /// Print the manual page.
    Man,
}

impl Cli {
    /// The command that was asked for.
    ///
    /// Errors: usage if there is none, more than one, or no configuration where one is needed.
    pub fn command(&self) -> Result<Command> {
        let config = || {
            self.config.clone().ok_or_else(|| {
                Error::usage("--export and --import need the server's configuration file")
                    .help("name it with --config FILE or in the variable CONFIG_PATH")
            })
        };
        match (&self.command, &self.export, &self.import) {
            (None, Some(dir), None) => Ok(Command::Export { config: config()?, dir: dir.clone() }),
            (None, None, Some(dir)) => Ok(Command::Import { config: config()?, dir: dir.clone() }),
            (Some(Sub::Verify { dir, against }), None, None) => {
                Ok(Command::Verify { dir: dir.clone(), against: against.clone() })
            }
            (Some(Sub::Copy { from, to }), None, None) => {
                Ok(Command::Copy { from: from.clone(), to: to.clone() })
            }
            (Some(Sub::Diff { left, right }), None, None) => {
                Ok(Command::Diff { left: left.clone(), right: right.clone() })
            }
            (Some(Sub::Inspect(inspect)), None, None) => Ok(Command::Inspect(inspect.clone())),
            (Some(Sub::Catalog), None, None) => Ok(Command::Catalog),
            (Some(Sub::Completions { shell }), None, None) => Ok(Command::Completions(*shell)),
            (Some(Sub::Man), None, None) => Ok(Command::Man),
            (None, None, None) => Err(Error::usage("nothing to do")
                .help("name --export DIR, --import DIR or a command; --help lists them all")),
            _ => Err(Error::usage("more than one thing to do")
                .help("name one of --export, --import and the commands")),
        }
    }
}

impl Cli {
    /// Where `inspect` looks: the dump, else the configuration, else that of `--config` or `CONFIG_PATH`.
    ///
    /// Errors: usage if there is none or more than one.
    pub fn place<'a>(&'a self, ask: &'a Inspect) -> Result<Inspected<'a>> {
        // The variable is ignored if a dump is given.
        let variable = std::env::var_os("CONFIG_PATH").map(PathBuf::from);
        match (&ask.dir, ask.config.as_ref().or(self.config.as_ref())) {
            (Some(_), Some(config)) if Some(config) != variable.as_ref() => {
                Err(Error::usage("inspect looks into one place at a time")
                    .help("name the directory of a dump or the configuration of a store"))
            }
            (Some(dir), _) => Ok(Inspected::Dump(dir)),
            (None, Some(config)) => Ok(Inspected::Store(config)),
            (None, None) => Err(Error::usage("inspect does not know where to look")
                .help("name the directory of a dump, or a store with --config FILE")),
        }
    }
}

/// The completion script of a shell.
pub fn completions(shell: Shell) -> Vec<u8> {
    let (mut command, mut script) = (<Cli as CommandFactory>::command(), Vec::new());
    clap_complete::generate(shell, &mut command, env!("CARGO_PKG_NAME"), &mut script);
    script
}

/// The manual page in roff, followed by that of every command, without the options that all of them take.
///
/// Errors: I/O from the renderer. None is expected, because the page is written to memory.
pub fn manual() -> Result<Vec<u8>> {
    let fail = |error| Error::io("cannot write the manual page").because(error);
    let (command, mut page) = (<Cli as CommandFactory>::command(), Vec::new());
    clap_mangen::Man::new(command.clone()).render(&mut page).map_err(fail)?;
    for part in command.get_subcommands() {
        let name = format!("{} {}", command.get_name(), part.get_name());
        let part = part.clone().display_name(name.replace(' ', "-")).bin_name(name);
        clap_mangen::Man::new(part).render(&mut page).map_err(fail)?;
    }
    Ok(page)
}

impl Common {
    /// The selected subspaces. An import ignores the variable, so that it takes the whole dump unless options
    /// restrict it.
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

    /// Whether findings are failures.
    pub fn strict(&self) -> Strict {
        Strict::new(self.strict)
    }

    /// The choices about the blob store.
    pub fn blobs(&self) -> BlobChoice<'_> {
        BlobChoice {
            file: self.blob_config.as_deref(),
            allow_invalid_certs: self.allow_invalid_certs,
            allow_plaintext: self.allow_plaintext,
        }
    }

    /// How output is printed.
    pub fn console(&self) -> Console {
        Console { json: self.json, quiet: self.quiet }
    }
}

/// Converts the parser's message to an error of this program, in one line.
pub fn usage_error(wrong: &clap::Error) -> Error {
    let text = wrong.to_string();
    // The usage and the pointer to the help after the explanation are left out.
    let explanation = text.split("\n\nUsage:").next().unwrap_or_default().trim_start_matches("error:");
    let explanation = explanation.split("\n\nFor more information").next().unwrap_or_default();
    let clauses: Vec<&str> = explanation.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    Error::usage(clauses.join(" ")).help("--help lists all options and commands")
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
    fn what_the_parser_refuses_is_one_line() {
        for (arguments, expected) in [
            (&["--frobnicate"][..], "unexpected argument '--frobnicate' found"),
            (&["--export"], "a value is required for '--export <DIR>' but none was supplied"),
            (&["--export", "a", "--import", "b"], "the argument '--export <DIR>' cannot be used with"),
            (&["--jobs", "0", "-e", "x"], "invalid value '0' for '--jobs <N>'"),
        ] {
            let wrong = Cli::try_parse_from([&["stalwart-migrate"], arguments].concat());
            let text = wrong.map(|_| String::new()).unwrap_or_else(|wrong| usage_error(&wrong).to_string());
            assert!(text.starts_with(expected), "{text}");
            assert!(
                !text.contains('\n') && text.ends_with("--help lists all options and commands"),
                "{text}"
            );
        }
    }

    #[test]
    fn the_command_line_is_consistent() {
        <Cli as CommandFactory>::command().debug_assert();
    }
}
