//! Every option with every command: it has an effect, or it is refused.

use clap::{CommandFactory, Parser};

use stalwart_migrate::cli::options::check;
use stalwart_migrate::cli::{Cli, Command, usage_error};

/// Every command, and the options without effect on it.
const COMMANDS: &[(&[&str], &str)] = &[
    (&["-c", "f", "-e", "d"], "--wipe-target --owner"),
    (&["-c", "f", "-i", "d"], "--schema --salvage"),
    (&["copy", "--from", "a", "--to", "b"], "--salvage --config"),
    (
        &["verify", "d"],
        "--types --exclude --dry-run --no-verify --schema --salvage --resume --wipe-target --blob-config \
         --allow-invalid-certs --allow-plaintext --owner --config",
    ),
    (
        &["verify", "d", "--against", "f"],
        "--types --exclude --dry-run --no-verify --salvage --resume --wipe-target --owner --config",
    ),
    (&["diff", "a", "b"], "--dry-run --no-verify --salvage --resume --wipe-target --owner --config"),
    (
        &["diff", "/", "/"],
        "--dry-run --no-verify --schema --salvage --resume --wipe-target --blob-config \
         --allow-invalid-certs --allow-plaintext --owner --config",
    ),
    (
        &["inspect", "-c", "f"],
        "--dry-run --no-verify --salvage --resume --wipe-target --owner --out --limit --prefix --get",
    ),
    (
        &["inspect", "d"],
        "--dry-run --no-verify --salvage --resume --wipe-target --blob-config --allow-invalid-certs \
         --allow-plaintext --owner --config --out --limit --prefix --get",
    ),
    (
        &["inspect", "d", "--subspace", "x"],
        "--types --exclude --dry-run --no-verify --salvage --resume --wipe-target --blob-config \
         --allow-invalid-certs --allow-plaintext --owner --config --out --blob",
    ),
    (
        &["inspect", "-c", "f", "--subspace", "x", "--get", "00"],
        "--types --exclude --dry-run --no-verify --salvage --resume --wipe-target --owner --out \
         --limit --prefix --blob",
    ),
    (
        &["inspect", "-c", "f", "--blob", "x"],
        "--types --exclude --dry-run --no-verify --salvage --resume --wipe-target --owner --subspace \
         --limit --prefix --get",
    ),
    (
        &["catalog"],
        "--types --exclude --dry-run --jobs --memory --no-verify --strict --schema --salvage --resume --state \
         --wipe-target --blob-config --allow-invalid-certs --allow-plaintext --owner --report --yes --config",
    ),
    (
        &["man"],
        "--types --exclude --dry-run --jobs --memory --json --no-verify --strict --schema --salvage --resume \
         --state --wipe-target --blob-config --allow-invalid-certs --allow-plaintext --owner --report --yes \
         --config",
    ),
    (
        &["completions", "bash"],
        "--types --exclude --dry-run --jobs --memory --json --no-verify --strict --schema --salvage --resume \
         --state --wipe-target --blob-config --allow-invalid-certs --allow-plaintext --owner --report --yes \
         --config",
    ),
];

#[test]
fn an_option_without_an_effect_is_refused_with_every_command() {
    let cli = <Cli as CommandFactory>::command();
    let inspect: Vec<_> = cli.find_subcommand("inspect").unwrap().get_arguments().collect();
    for (command, idle) in COMMANDS {
        let idle: Vec<&str> = idle.split_whitespace().collect();
        let inspects = command[0] == "inspect";
        let own = inspect.iter().copied().filter(|_| inspects);
        for option in cli.get_arguments().chain(own).filter(|option| option.get_long().is_some()) {
            let name = format!("--{}", option.get_long().unwrap_or_default());
            let asked =
                command.iter().any(|word| *word == name || name.starts_with("--config") && *word == "-c");
            if asked || ["--help", "--version", "--export", "--import"].contains(&name.as_str()) {
                continue;
            }
            let value = match name.as_str() {
                "--jobs" | "--schema" | "--limit" => Some("5"),
                "--memory" => Some("64MiB"),
                "--get" => Some("00"),
                "--prefix" => Some("a=1"),
                _ => option.get_action().takes_values().then_some("value"),
            };
            // Options of the program itself stand before the command.
            let first = name == "--config" && !inspects;
            let words: Vec<&str> = std::iter::once(name.as_str()).chain(value).collect();
            let line = if first { [&words, *command].concat() } else { [*command, &words].concat() };
            let parsed = Cli::try_parse_from([&["stalwart-migrate"], line.as_slice()].concat());
            let done = parsed.map_err(|wrong| usage_error(&wrong)).and_then(|cli| {
                let command = cli.command()?;
                check(&cli, &command)?;
                match &command {
                    Command::Inspect(ask) => cli.place(ask).map(drop),
                    _ => Ok(()),
                }
            });
            // One after the other may be refused by the parser: salvage and strict, say.
            assert_eq!(done.is_err(), idle.contains(&name.as_str()), "{line:?}: {done:?}");
            if let Err(error) = done {
                assert_eq!(error.kind().exit_code(), 2, "{error}");
            }
        }
        for name in idle {
            let options =
                cli.get_arguments().chain(inspect.iter().copied()).filter_map(|option| option.get_long());
            assert!(options.into_iter().any(|long| format!("--{long}") == name), "{name}");
        }
    }
}

#[test]
fn what_is_refused_is_named_with_where_it_belongs() {
    let cli = Cli::try_parse_from(["x", "-c", "f", "-e", "d", "--wipe-target", "--owner", "me"]).unwrap();
    let error = check(&cli, &cli.command().unwrap()).unwrap_err().to_string();
    assert_eq!(
        error,
        "--wipe-target has no effect with --export, nor has --owner; leave it out: --wipe-target belongs to \
         --import and copy; --owner belongs to --import and copy"
    );
}
