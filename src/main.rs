//! Parses the command line, runs the command, prints the error, returns the exit code.

use std::process::ExitCode;

use clap::Parser;
use stalwart_migrate::cli::{Cli, Command};
use stalwart_migrate::console::to_stderr;
use stalwart_migrate::error::Result;
use stalwart_migrate::{export, import, report, signals, verify};

fn main() -> ExitCode {
    // A defect of ours is reported in one line too; threads that panic end the run with exit 1.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
        to_stderr(&format!(
            "error: internal error at {place}; this is a bug, please report it with the command you used"
        ));
    }));
    let cli = Cli::parse();
    let console = cli.common.console();
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&cli))) {
        Ok(Ok(code)) => ExitCode::from(code),
        Ok(Err(error)) => {
            to_stderr(&format!("error: {error}"));
            let code = error.kind().exit_code();
            console.data(&Failed { event: "failed", exit_code: code, error: error.to_string() });
            ExitCode::from(code)
        }
        Err(_) => ExitCode::from(1),
    }
}

#[derive(serde::Serialize)]
struct Failed {
    event: &'static str,
    exit_code: u8,
    error: String,
}

fn run(cli: &Cli) -> Result<u8> {
    let (common, console) = (&cli.common, cli.common.console());
    let command = cli.command()?;
    if let Command::Catalog = command {
        report::catalog(&console);
        return Ok(0);
    }
    let stop = signals::stop_on_signal()?;
    match command {
        Command::Export { config, dir } => {
            let exported = export::run(&export::Options {
                config: &config,
                dir: &dir,
                request: &common.request(false),
                schema: common.schema,
                strict: common.strict,
                dry_run: common.dry_run,
                yes: common.yes,
                budget: common.budget(),
                console,
                stop: &stop,
            })?;
            Ok(report::export(&exported, &dir, &console))
        }
        Command::Import { config, dir } => {
            if let Some(types) = &common.types {
                console.warn(format!("--types {types}: only a part of the dump is imported"));
            }
            let imported = import::run(&import::Options {
                config: &config,
                dir: &dir,
                request: &common.request(true),
                strict: common.strict,
                dry_run: common.dry_run,
                no_verify: common.no_verify,
                yes: common.yes,
                budget: common.budget(),
                console,
                stop: &stop,
            })?;
            Ok(report::import(&imported, common.dry_run, &console))
        }
        Command::Verify { dir, against } => {
            let verified = verify::run(&verify::Options {
                dir: &dir,
                against: against.as_deref(),
                schema: common.schema,
                budget: common.budget(),
                console,
                stop: &stop,
            })?;
            Ok(report::verify(&verified, &console))
        }
        Command::Catalog => Ok(0),
    }
}
