//! Database servers to test on: those that run on this machine, and private ones with settings of their own.
//!
//! Private servers live in a temporary directory, listen on a free port of 127.0.0.1 and end with this process.
//! Every test has databases of its own.

use std::fs;
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// An engine that is a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Postgres,
    Mysql,
}

/// A server that lets its administrator in without a password.
#[derive(Debug)]
pub struct Server {
    pub kind: Kind,
    pub port: u16,
    // Ends the server when it is dropped, and so when this process ends.
    _guard: Option<Child>,
}

impl Server {
    /// The one that runs on this machine at the usual port, or else a private one.
    pub fn of(kind: Kind) -> &'static Server {
        static POSTGRES: OnceLock<Server> = OnceLock::new();
        static MYSQL: OnceLock<Server> = OnceLock::new();
        match kind {
            Kind::Postgres => POSTGRES.get_or_init(|| Server::running(kind, 5432)),
            Kind::Mysql => MYSQL.get_or_init(|| Server::running(kind, 3306)),
        }
    }

    fn running(kind: Kind, port: u16) -> Server {
        let server = Server { kind, port, _guard: None };
        if server.answers() { server } else { Server::private(kind, &[]) }
    }

    fn answers(&self) -> bool {
        TcpStream::connect(("127.0.0.1", self.port)).is_ok() && self.try_sql("", "SELECT 1").is_ok()
    }

    /// A server with settings of its own, as `--max-allowed-packet=1M`.
    pub fn private(kind: Kind, settings: &[&str]) -> Server {
        let dir = tempfile::Builder::new().prefix("stalwart-server-").tempdir().unwrap().keep();
        fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
        let port = free_port();
        let (account, commands) = match kind {
            Kind::Postgres => postgres(&dir, port, settings),
            Kind::Mysql => mysql(&dir, port, settings),
        };
        let [prepare, serve] = commands;
        if let Some(account) = &account {
            run(Command::new("chown").arg("-R").arg(account).arg(&dir));
        }
        run(as_account(&account, &prepare));
        if kind == Kind::Postgres {
            secure(&dir.join("data"), &account);
        }
        // The shell waits for its input to end, which it does with this process at the latest. What makes one
        // engine end its sessions at once, the other ignores.
        let signal = if kind == Kind::Postgres { "INT" } else { "TERM" };
        let script =
            format!("\"$@\" >\"$DIR/log\" 2>&1 & p=$!; read _; kill -{signal} $p; wait $p; rm -rf \"$DIR\"");
        let serve = as_account(&account, &serve);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(script).arg("sh");
        shell.arg(serve.get_program()).args(serve.get_args()).env("DIR", &dir);
        let guard = shell.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Server { kind, port, _guard: Some(guard) };
        let begin = Instant::now();
        while !server.answers() {
            let log = fs::read_to_string(dir.join("log")).unwrap_or_default();
            assert!(begin.elapsed() < Duration::from_secs(60), "no answer from {kind:?}: {log}");
            std::thread::sleep(Duration::from_millis(50));
        }
        server
    }

    /// Runs statements as administrator and returns what they print.
    #[track_caller]
    pub fn sql(&self, database: &str, statements: &str) -> String {
        self.try_sql(database, statements).unwrap_or_else(|error| panic!("{statements}: {error}"))
    }

    fn try_sql(&self, database: &str, statements: &str) -> Result<String, String> {
        let mut client = self.client(database);
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut client = client.spawn().map_err(|error| error.to_string())?;
        client.stdin.take().unwrap().write_all(statements.as_bytes()).map_err(|error| error.to_string())?;
        let output = client.wait_with_output().map_err(|error| error.to_string())?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_string())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Who may do everything, without a password.
    pub fn administrator(&self) -> &'static str {
        match self.kind {
            Kind::Postgres => "postgres",
            Kind::Mysql => "root",
        }
    }

    /// The engine's own client, which reads statements from its input.
    pub fn client(&self, database: &str) -> Command {
        let port = self.port.to_string();
        let mut client;
        match self.kind {
            Kind::Postgres => {
                client = Command::new("psql");
                client.args([
                    "-XqAt",
                    "-v",
                    "ON_ERROR_STOP=1",
                    "-h",
                    "127.0.0.1",
                    "-U",
                    "postgres",
                    "-p",
                    &port,
                ]);
                client.args(["-d", if database.is_empty() { "postgres" } else { database }]);
            }
            Kind::Mysql => {
                client = Command::new("mariadb");
                client.args(["-N", "-h", "127.0.0.1", "-u", "root", "--skip-password", "-P", &port]);
                client.args((!database.is_empty()).then_some(database));
            }
        }
        client
    }

    /// An empty database with a name of its own.
    pub fn database(&self) -> Database<'_> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("migrate_{}_{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        self.sql("", &format!("CREATE DATABASE {name}"));
        Database { server: self, name }
    }
}

/// A database that goes when the test ends.
#[derive(Debug)]
pub struct Database<'a> {
    pub server: &'a Server,
    pub name: String,
}

impl Database<'_> {
    #[track_caller]
    pub fn sql(&self, statements: &str) -> String {
        self.server.sql(&self.name, statements)
    }

    /// Waits until the server has closed the sessions of killed clients.
    #[allow(dead_code, reason = "some tests kill nothing")]
    pub fn wait_for_leavers(&self) {
        let others = match self.server.kind {
            Kind::Postgres => {
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
            }
            Kind::Mysql => {
                "SELECT count(*) FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()"
            }
        };
        let begin = Instant::now();
        while self.sql(others) != "0" {
            assert!(begin.elapsed() < Duration::from_secs(60), "sessions that do not end");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Loads a compressed SQL dump.
    pub fn load(&self, path: &Path) {
        let statements = Command::new("gzip").arg("-dc").arg(path).output().unwrap().stdout;
        self.sql(&String::from_utf8(statements).unwrap());
    }

    /// Fills tables until they are large enough to be divided.
    pub fn fill(&self, blobs: u32, rows: u32) {
        let statements = match self.server.kind {
            Kind::Postgres => format!(
                "INSERT INTO t SELECT sha256(int4send(i)), decode(repeat(md5(i::text), 2000), 'hex') \
                 FROM generate_series(1, {blobs}) i; \
                 INSERT INTO l SELECT decode('00000007000000', 'hex') || int8send(i) || 'x', 'v' \
                 FROM generate_series(1, {rows}) i;"
            ),
            // Numbers by means that MySQL has as well as MariaDB.
            Kind::Mysql => {
                let digit = "(SELECT 0 AS n UNION SELECT 1 UNION SELECT 2 UNION SELECT 3 UNION SELECT 4 UNION SELECT 5 \
                             UNION SELECT 6 UNION SELECT 7 UNION SELECT 8 UNION SELECT 9)";
                let numbers = |count: u32| {
                    format!(
                        "(SELECT 1 + a.n + 10 * b.n + 100 * c.n + 1000 * d.n + 10000 * e.n AS seq \
                         FROM {digit} a, {digit} b, {digit} c, {digit} d, {digit} e HAVING seq <= {count}) s"
                    )
                };
                format!(
                    "INSERT INTO t SELECT unhex(sha2(seq, 256)), unhex(repeat(md5(seq), 2000)) FROM {}; \
                     INSERT INTO l SELECT concat(x'00000007000000', unhex(lpad(hex(seq), 16, '0')), 'x'), 'v' FROM {};",
                    numbers(blobs),
                    numbers(rows)
                )
            }
        };
        self.sql(&statements);
    }
}

impl Drop for Database<'_> {
    fn drop(&mut self) {
        let force = if self.server.kind == Kind::Postgres { " WITH (FORCE)" } else { "" };
        let _ = self.server.try_sql("", &format!("DROP DATABASE IF EXISTS {}{force}", self.name));
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

type Commands = (Option<String>, [Vec<String>; 2]);

/// The account to run as, the command that prepares the data directory and the one that serves it.
fn postgres(dir: &Path, port: u16, settings: &[&str]) -> Commands {
    let bin = postgres_bin();
    let data = dir.join("data").display().to_string();
    let tool = |name: &str| bin.join(name).display().to_string();
    let prepare =
        vec![tool("initdb"), "-D".into(), data.clone(), "-U".into(), "postgres".into(), "-A".into()];
    let prepare = prepare.into_iter().chain(["trust".into(), "--no-sync".into()]).collect();
    let mut serve = vec![tool("postgres"), "-D".into(), data, "-p".into(), port.to_string()];
    let own = [format!("unix_socket_directories={}", dir.display()), "fsync=off".into(), "ssl=on".into()];
    for setting in own.iter().map(String::as_str).chain(settings.iter().copied()) {
        serve.extend(["-c".into(), setting.into()]);
    }
    // PostgreSQL refuses to run as root.
    let root = rustix::process::geteuid().is_root();
    (root.then(|| "postgres".to_string()), [prepare, serve])
}

/// Debian keeps the programs of each version apart.
fn postgres_bin() -> PathBuf {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let newest =
        versions.map(|entry| entry.path().join("bin")).filter(|bin| bin.join("initdb").exists()).max();
    newest.unwrap_or_default()
}

/// A self-signed certificate, and roles that need a password or TLS.
fn secure(data: &Path, account: &Option<String>) {
    let (key, cert) = (data.join("server.key"), data.join("server.crt"));
    run(Command::new("openssl")
        .args(["req", "-new", "-x509", "-days", "2", "-nodes", "-subj", "/CN=localhost", "-out"])
        .arg(&cert)
        .arg("-keyout")
        .arg(&key));
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let rules = "host all postgres 127.0.0.1/32 trust\nlocal all all trust\n\
                 host all with_password 127.0.0.1/32 scram-sha-256\nhostssl all with_tls 127.0.0.1/32 trust\n";
    fs::write(data.join("pg_hba.conf"), rules).unwrap();
    if let Some(account) = account {
        run(Command::new("chown").arg(account).args([&key, &cert]));
    }
}

fn mysql(dir: &Path, port: u16, settings: &[&str]) -> Commands {
    let data = format!("--datadir={}", dir.join("data").display());
    // A server that starts removes temporary tables from its directory for them, those of other servers too.
    let temporary = format!("--tmpdir={}", dir.display());
    let account =
        if rustix::process::geteuid().is_root() { vec!["--user=root".to_string()] } else { Vec::new() };
    let mut prepare: Vec<String> = vec!["mariadb-install-db".into(), "--no-defaults".into(), data.clone()];
    prepare.push(temporary.clone());
    prepare.extend(["--auth-root-authentication-method=normal".into(), "--skip-test-db".into()]);
    prepare.extend(account.clone());
    let mut serve = vec![mariadbd(), "--no-defaults".into(), data, format!("--port={port}")];
    serve.extend(["--bind-address=127.0.0.1".into(), "--innodb-flush-log-at-trx-commit=0".into()]);
    serve.extend([temporary, format!("--socket={}", dir.join("socket").display())]);
    serve.extend(account);
    serve.extend(settings.iter().map(|setting| setting.to_string()));
    (None, [prepare, serve])
}

fn mariadbd() -> String {
    let places = ["/usr/sbin/mariadbd", "/usr/libexec/mariadbd", "/usr/bin/mariadbd"];
    places.into_iter().find(|place| Path::new(place).exists()).unwrap_or("mariadbd").to_string()
}

fn as_account(account: &Option<String>, command: &[String]) -> Command {
    let (program, arguments) = command.split_first().unwrap();
    let mut made;
    match account {
        Some(account) => {
            made = Command::new("setpriv");
            made.args(["--reuid", account, "--regid", account, "--init-groups"]).arg(program);
        }
        None => made = Command::new(program),
    }
    made.args(arguments);
    made
}

#[track_caller]
fn run(mut command: impl std::borrow::BorrowMut<Command>) {
    let command = command.borrow_mut();
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
