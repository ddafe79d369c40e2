//! Parses the command line, runs the command, prints the error, returns the exit code.

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use stalwart_migrate::base::dir;
use stalwart_migrate::base::error::{Error, ErrorKind, Result};
use stalwart_migrate::base::process;
use stalwart_migrate::cli::options;
use stalwart_migrate::cli::ready::Ready;
use stalwart_migrate::cli::report;
use stalwart_migrate::cli::{self, Cli, Command, Common};
use stalwart_migrate::commands::copy;
use stalwart_migrate::commands::diff;
use stalwart_migrate::commands::export;
use stalwart_migrate::commands::import;
use stalwart_migrate::commands::inspect;
use stalwart_migrate::commands::verify;
use stalwart_migrate::open::overlap::{self, Side};
use stalwart_migrate::run::console::{self, Console, to_stderr};
use stalwart_migrate::run::signals;
use stalwart_migrate::run::strict::End;

fn main() -> ExitCode {
    // A defect of ours is reported in one line too; threads that panic end the run with exit 1.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
        to_stderr(&format!(
            "error: internal error at {place}; this is a bug, please report it with the command you used"
        ));
    }));
    process::prepare();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are what was asked for, and go to stdout.
        Err(answer) if !answer.use_stderr() => {
            console::wrote(answer.print());
            return end(0);
        }
        Err(wrong) => {
            let error = cli::usage_error(&wrong);
            to_stderr(&format!("error: {error}"));
            return end(error.kind().exit_code());
        }
    };
    let console = cli.common.console();
    let done = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| run(&cli)?.conclude()));
    end(match done {
        Ok(Ok(code)) => code,
        Ok(Err(error)) => {
            let error = match error.kind() {
                ErrorKind::Io => error.help_if_none("see to the cause, then repeat the command"),
                _ => error,
            };
            to_stderr(&format!("error: {error}"));
            let code = error.kind().exit_code();
            console.data(&Failed { event: "failed", exit_code: code, error: error.to_string() });
            code
        }
        Err(_) => 1,
    })
}

/// The exit code of a run, all of whose output must have got where it was sent: what could not be written makes a
/// success a failure.
fn end(code: u8) -> ExitCode {
    match console::close() {
        Err(error) => {
            to_stderr(&format!("error: {error}"));
            ExitCode::from(if code == 0 { error.kind().exit_code() } else { code })
        }
        Ok(()) => ExitCode::from(code),
    }
}

#[derive(serde::Serialize)]
struct Failed {
    event: &'static str,
    exit_code: u8,
    error: String,
}

fn run(cli: &Cli) -> Result<End> {
    let (common, console) = (&cli.common, cli.common.console());
    let strict = common.strict();
    let command = cli.command()?;
    options::check(cli, &command)?;
    match &command {
        Command::Catalog => {
            report::catalog(&console);
            Ok(End::plain(0))
        }
        Command::Completions(shell) => console.bytes(&cli::completions(*shell)).map(|()| End::plain(0)),
        Command::Man => console.bytes(&cli::manual()?).map(|()| End::plain(0)),
        Command::Export { config, dir } => {
            let exported = export::run(&ready(common, &command)?.export(config, dir))?;
            Ok(report::export(&exported, dir, strict, &console))
        }
        Command::Import { config, dir } => {
            let ready = ready(common, &command)?;
            if let Some(types) = &common.types {
                console.warn(format!("--types {types}: only a part of the dump is imported"));
            }
            let imported = import::run(&ready.import(config, dir))?;
            Ok(report::import(&imported, common.dry_run, "the dump", strict, &console))
        }
        Command::Copy { from, to } => {
            let copied = copy::run(&ready(common, &command)?.copy(from, to))?;
            Ok(report::import(&copied, common.dry_run, "the source", strict, &console))
        }
        Command::Diff { left, right } => {
            let ready = ready(common, &command)?;
            for dump in [left, right].into_iter().filter(|side| side.is_dir()) {
                overlap::report_apart_from(&Side::dump(dump))?;
            }
            Ok(report::diff(&diff::run(&ready.diff(left, right))?, strict, &console))
        }
        Command::Verify { dir, against } => {
            let ready = ready(common, &command)?;
            overlap::report_apart_from(&Side::dump(dir))?;
            let verified = verify::run(&ready.verify(dir, against.as_deref()))?;
            Ok(report::verify(&verified, strict, &console))
        }
        Command::Inspect(ask) => look(ask, cli, &ready(common, &command)?),
    }
}

/// Makes a command ready that reads records: from here on signals end it, and its report is written.
fn ready<'a>(common: &'a Common, command: &Command) -> Result<Ready<'a>> {
    // First, so that no signal ends the program without a word.
    let stop = signals::stop_on_signal()?;
    let mut ready = Ready::new(common, command)?;
    ready.run.stop = stop;
    files_outside(common, command)?;
    if let Some(path) = &common.report {
        ready.run.stop.check()?;
        console::report_to(path)?;
    }
    sweep(&common.console());
    Ok(ready)
}

/// Removes private copies of mail that killed runs have left.
fn sweep(console: &Console) {
    for left in dir::sweep(&std::env::temp_dir()) {
        let place = left.path.display();
        console.warn(if left.removed {
            format!("removed {place}: a private copy of mail that a killed run of this program has left")
        } else {
            format!(
                "a run of this program that is gone has left a private copy of mail in {place}, which could not be \
                 removed or may be in use elsewhere: look at it and remove it"
            )
        });
    }
}

/// Makes sure that no file that an option names would lie in a store or a dump. What a run keeps in its own dump is
/// looked at where that is known.
fn files_outside(common: &cli::Common, command: &Command) -> Result<()> {
    if let Some(report) = &common.report {
        overlap::outside_of_all(("report", "--report"), report)?;
    }
    let own = match command {
        Command::Export { dir, .. } | Command::Import { dir, .. } => dir.canonicalize().ok(),
        _ => None,
    };
    let in_own = |path: &Path| {
        let parent = path.parent().and_then(|parent| parent.canonicalize().ok());
        own.as_ref().zip(parent).is_some_and(|(own, parent)| parent.starts_with(own))
    };
    if let Some(state) = common.state.as_ref().filter(|state| !in_own(state)) {
        overlap::outside_of_all(("state of the run", "--state"), state)?;
    }
    match command {
        Command::Export { dir, .. } => overlap::outside_of_all(("dump", "--export"), dir),
        Command::Inspect(cli::Inspect { out: Some(out), .. }) => {
            overlap::outside_of_all(("blob", "--out"), out)
        }
        _ => Ok(()),
    }
}

fn look(ask: &cli::Inspect, cli: &Cli, ready: &Ready) -> Result<End> {
    let (common, console) = (&cli.common, ready.run.console);
    let strict = common.strict();
    let options = ready.inspect(cli.place(ask)?, ask.out.as_deref());
    if let Some(name) = &ask.blob {
        if console.json && ask.out.is_none() {
            return Err(Error::usage("--json and the content of a blob cannot share stdout")
                .help("name a file for the blob with --out FILE"));
        }
        let blob = inspect::blob(name, &options)?;
        match blob.check() {
            Err(error) if common.yes => console.warn(error.to_string()),
            checked => checked?,
        }
        match &ask.out {
            Some(file) => blob.save(file)?,
            None => console.bytes(&blob.content)?,
        }
        return Ok(report::blob(&blob, ask.out.as_deref(), strict, &console));
    }
    let Some(subspace) = &ask.subspace else {
        return Ok(report::contents(&inspect::contents(ready.request(), &options)?, strict, &console));
    };
    if let Some(key) = &ask.get {
        let (record, found) = inspect::record(subspace, key, &options)?;
        return Ok(report::record(&record, &found, strict, &console));
    }
    let each = &mut |record: &inspect::Record| report::listed(record, &console);
    let listed = inspect::records(subspace, &ask.prefix, ask.limit, &options, each)?;
    Ok(report::list(&listed, strict, &console))
}
