//! Opens the library, checks that it is one, and connects the functions of `forward` with it.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use libloading::os::unix::{Library as Handle, RTLD_LOCAL, RTLD_NOW};

use crate::error::LoadError;
use crate::forward::{Function, OPTIONAL, REQUIRED};
use crate::{search, trust};

/// The API version that the crate `foundationdb` is built for here.
const API_VERSION: i32 = 730;

/// The loaded client library. It is never unloaded, since its threads may run its code until the process ends.
#[derive(Debug)]
pub struct Library {
    path: PathBuf,
    version: String,
    max_api_version: i32,
}

impl Library {
    /// The file, free of links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The release, such as `7.3.27`.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The highest API version that it supports, at least 730.
    pub fn max_api_version(&self) -> i32 {
        self.max_api_version
    }
}

static LOADED: OnceLock<Library> = OnceLock::new();
static LOADING: Mutex<()> = Mutex::new(());

/// Loads the client library, or returns the one that is loaded already.
///
/// The variable [`search::VARIABLE`] alone decides if it is set. Otherwise the first usable library of the usual
/// places is taken; if there are some and none is usable, the error is about the first. After an error, a further
/// call searches again. Nothing is selected or started: that is left to the crate `foundationdb`.
///
/// # Errors
///
/// If no library is found, trusted, loadable and new enough. Nothing has been connected then.
pub fn load() -> Result<&'static Library, LoadError> {
    if let Some(library) = LOADED.get() {
        return Ok(library);
    }
    // Guards no data, so a panic of its holder leaves nothing half done.
    let _one_at_a_time = LOADING.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = LOADED.get() {
        return Ok(library);
    }
    let opened = find(std::env::var_os(search::VARIABLE).as_deref(), &search::places())?;
    Ok(LOADED.get_or_init(|| opened.connect()))
}

fn find(named: Option<&OsStr>, places: &[PathBuf]) -> Result<Opened, LoadError> {
    if let Some(named) = named {
        let path = PathBuf::from(named);
        if !path.is_absolute() {
            return Err(LoadError::NotAbsolute { path });
        }
        if is_missing(&path) {
            return Err(LoadError::NamedButMissing { path });
        }
        return open(&trust::check(&path)?);
    }
    let mut first = None;
    let mut seen: Vec<PathBuf> = Vec::new();
    for place in places.iter().filter(|place| !is_missing(place)) {
        let opened = match trust::check(place) {
            // Links such as /lib lead to a library twice.
            Ok(real) if seen.contains(&real) => continue,
            Ok(real) => {
                seen.push(real.clone());
                open(&real)
            }
            Err(error) => Err(error),
        };
        match opened {
            Ok(opened) => return Ok(opened),
            Err(error) => first = first.or(Some(error)),
        }
    }
    Err(first.unwrap_or_else(|| LoadError::NotFound { tried: places.to_vec() }))
}

/// Only what certainly does not exist is missing: a path that cannot be looked at is an error of its own.
fn is_missing(path: &Path) -> bool {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    path.symlink_metadata().is_err_and(|error| matches!(error.kind(), NotFound | NotADirectory))
}

/// A library with all its functions, not connected yet.
#[derive(Debug)]
struct Opened {
    handle: Handle,
    functions: Vec<(&'static Function, *mut c_void)>,
    library: Library,
}

impl Opened {
    fn connect(self) -> Library {
        // Never closed, so that the addresses stay valid.
        std::mem::forget(self.handle);
        for (function, address) in self.functions {
            // SAFETY: the address is that of the function of this name, in a library that was found to be a
            // client library of API version 730 or newer, and that stays loaded.
            unsafe { function.set(address) };
        }
        self.library
    }
}

fn open(path: &Path) -> Result<Opened, LoadError> {
    // SAFETY: loading runs the initialisers of the library. `trust::check` has found that only root and the user
    // of this process could have written it, who can run any code in this process anyway.
    let handle = unsafe { Handle::open(Some(path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        LoadError::NotLoadable { path: path.to_path_buf(), cause }
    })?;
    let mut functions = Vec::with_capacity(REQUIRED.len() + OPTIONAL.len());
    for function in REQUIRED {
        let address = address(&handle, function.name)
            .ok_or_else(|| LoadError::LacksFunction { path: path.to_path_buf(), function: function.name })?;
        functions.push((function, address));
    }
    for function in OPTIONAL {
        functions.extend(address(&handle, function.name).map(|address| (function, address)));
    }
    let (version, max_api_version) = versions(&handle).ok_or_else(|| LoadError::LacksFunction {
        path: path.to_path_buf(),
        function: "fdb_get_client_version",
    })?;
    if max_api_version < API_VERSION {
        return Err(LoadError::TooOld { path: path.to_path_buf(), version, max_api_version });
    }
    let library = Library { path: path.to_path_buf(), version, max_api_version };
    Ok(Opened { handle, functions, library })
}

fn address(handle: &Handle, name: &str) -> Option<*mut c_void> {
    // SAFETY: the type is a pointer without a target; nothing is called through it here.
    let symbol = unsafe { handle.get::<*mut c_void>(name.as_bytes()) }.ok()?;
    let address = symbol.into_raw().cast::<c_void>();
    (!address.is_null()).then_some(address)
}

/// The release and the highest API version. Both functions may be called before an API version is selected.
fn versions(handle: &Handle) -> Option<(String, i32)> {
    // SAFETY: both functions have had these types in every release of the C API.
    let (version, max) = unsafe {
        (
            handle.get::<unsafe extern "C" fn() -> *const c_char>(b"fdb_get_client_version").ok()?,
            handle.get::<unsafe extern "C" fn() -> c_int>(b"fdb_get_max_api_version").ok()?,
        )
    };
    // SAFETY: as above, and neither takes an argument.
    let (version, max) = unsafe { (version(), max()) };
    if version.is_null() {
        return None;
    }
    // SAFETY: the text is not null, ends with a zero byte, and belongs to the library, which is still loaded.
    let text = unsafe { CStr::from_ptr(version) }.to_string_lossy();
    // It continues with the commit and the protocol version.
    Some((text.split(',').next().unwrap_or_default().to_owned(), max))
}

#[cfg(test)]
mod tests;
