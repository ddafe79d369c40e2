//! A process for each test, with the double loaded, a network and a cluster file.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use foundationdb::api::FdbApiBuilder;
use foundationdb::options::TransactionOption;
use foundationdb::{Database, FdbError, Transaction, TransactionCommitError};
use futures_executor::block_on;
use tempfile::TempDir;

pub type Tested = Result<(), Box<dyn Error>>;

/// Set in the processes that tests run in.
const ALONE: &str = "FDB_DOUBLE_TEST_ALONE";
/// The folder of the cluster file, if several processes share it.
const FOLDER: &str = "FDB_DOUBLE_TEST_FOLDER";
/// What a process of a test with several processes does.
const ROLE: &str = "FDB_DOUBLE_TEST_ROLE";

/// A test in a process of its own, with variables of the environment.
macro_rules! rule {
    ($(#[$doc:meta])* $name:ident, $variables:expr, $test:expr) => {
        $(#[$doc])*
        #[test]
        fn $name() -> crate::harness::Tested {
            crate::harness::alone(concat!(module_path!(), "::", stringify!($name)), &$variables, $test)
        }
    };
}
pub(crate) use rule;

/// A cluster file, and the folder that contains only what belongs to it.
pub struct Cluster {
    file: PathBuf,
    _folder: Option<TempDir>,
}

impl Cluster {
    pub fn file(&self) -> &Path {
        &self.file
    }

    pub fn database(&self) -> Result<Database, FdbError> {
        Database::from_path(&self.file.to_string_lossy())
    }

    pub fn transaction(&self) -> Result<Transaction, FdbError> {
        self.database()?.create_trx()
    }

    /// Commits this many keys `key000`, `key001`, … with values of this length.
    pub async fn fill(&self, keys: usize, length: usize) -> Tested {
        let transaction = self.transaction()?;
        for number in 0..keys {
            transaction.set(format!("key{number:03}").as_bytes(), &vec![b'v'; length]);
        }
        transaction.commit().await?;
        Ok(())
    }

    pub async fn set(&self, key: &str, value: &str) -> Tested {
        let transaction = self.transaction()?;
        transaction.set(key.as_bytes(), value.as_bytes());
        transaction.commit().await?;
        Ok(())
    }

    pub async fn get(&self, key: &str) -> Result<Option<String>, Box<dyn Error>> {
        get(&self.transaction()?, key).await
    }
}

pub async fn get(transaction: &Transaction, key: &str) -> Result<Option<String>, Box<dyn Error>> {
    let value = transaction.get(key.as_bytes(), false).await?;
    Ok(value.map(|value| String::from_utf8_lossy(&value).into_owned()))
}

/// What a function of the double returned; a result without error is 0.
pub trait Coded {
    fn code(&self) -> i32;
}

impl<T> Coded for Result<T, FdbError> {
    fn code(&self) -> i32 {
        self.as_ref().err().map_or(0, |error| error.code())
    }
}

impl<T> Coded for Result<T, TransactionCommitError> {
    fn code(&self) -> i32 {
        self.as_ref().err().map_or(0, |error| error.code())
    }
}

/// Lets the clock of versions jump. The library is loaded already: the same file is opened again.
pub fn advance(versions: i64) -> Tested {
    let path = fdb_client::load()?.path();
    // SAFETY: the library has been loaded from this path, so nothing is initialised again.
    let library = unsafe { libloading::Library::new(path)? };
    // SAFETY: the double exports this function with this type.
    let advance = unsafe { library.get::<unsafe extern "C" fn(i64)>(b"fdb_double_advance")? };
    // SAFETY: it takes any number.
    unsafe { advance(versions) };
    Ok(())
}

pub fn with(transaction: Transaction, options: &[TransactionOption]) -> Result<Transaction, FdbError> {
    for option in options {
        transaction.set_option(option.clone())?;
    }
    Ok(transaction)
}

/// Runs the test in a process of its own, or here if this is that process.
pub fn alone<F: Future<Output = Tested>>(
    name: &str,
    variables: &[(&str, &str)],
    test: impl FnOnce(Cluster) -> F,
) -> Tested {
    if std::env::var_os(ALONE).is_some() {
        return here(test);
    }
    let output = process(name, variables, None, None)?.output()?;
    assert!(output.status.success(), "{}", said(&output));
    Ok(())
}

/// Runs the test here, with a network.
pub fn here<F: Future<Output = Tested>>(test: impl FnOnce(Cluster) -> F) -> Tested {
    fdb_client::load()?;
    // SAFETY: the network is stopped below, also if the test panics, by unwinding.
    let network = unsafe { FdbApiBuilder::default().build()?.boot()? };
    let shared = std::env::var_os(FOLDER).map(PathBuf::from);
    let folder = if shared.is_none() { Some(tempfile::tempdir()?) } else { None };
    let path = shared.as_deref().or(folder.as_ref().map(TempDir::path)).ok_or("no folder")?;
    let cluster = Cluster { file: cluster_file(path)?, _folder: folder };
    let tested = block_on(test(cluster));
    drop(network);
    tested
}

fn cluster_file(folder: &Path) -> std::io::Result<PathBuf> {
    let file = folder.join("fdb.cluster");
    if !file.exists() {
        std::fs::write(&file, "test:test@127.0.0.1:4500\n")?;
    }
    Ok(file)
}

/// What this process does in a test with several.
pub fn role() -> Option<String> {
    std::env::var(ROLE).ok()
}

/// A process that runs one test of this program.
pub fn process(
    name: &str,
    variables: &[(&str, &str)],
    folder: Option<&Path>,
    role: Option<&str>,
) -> Result<Command, Box<dyn Error>> {
    // Without the name of this program.
    let name = name.split_once("::").map_or(name, |(_, name)| name);
    let mut command = Command::new(std::env::current_exe()?);
    command.args([name, "--exact", "--nocapture", "--test-threads=1"]);
    command.env(ALONE, "1").env("FDB_CLIENT_LIBRARY", library()?).envs(variables.iter().copied());
    if let Some(folder) = folder {
        cluster_file(folder)?;
        command.env(FOLDER, folder);
    }
    if let Some(role) = role {
        command.env(ROLE, role);
    }
    Ok(command)
}

pub fn said(output: &Output) -> String {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    format!("{}\n{}{}", output.status, text(&output.stdout), text(&output.stderr))
}

/// The double. cargo puts it beside this program. It is copied, because `fdb-client` does not load a library that
/// others may write to, and the folder of cargo may be shared.
fn library() -> Result<&'static Path, Box<dyn Error>> {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    if LIBRARY.get().is_none() {
        let program = std::env::current_exe()?;
        let built = program.parent().ok_or("no folder")?.join("libfdb_double.so");
        let folder = tempfile::Builder::new().prefix("fdb-double").tempdir()?;
        let copy = folder.path().canonicalize()?.join("libfdb_c.so");
        std::fs::copy(&built, &copy).map_err(|error| format!("{}: {error}", built.display()))?;
        std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
        // Of several threads the first one's copy is taken; the others remove theirs.
        let _ = LIBRARY.set((folder, copy));
    }
    Ok(&LIBRARY.get().ok_or("no library")?.1)
}
