//! Why there is no client library: what is wrong, and what to do next.

use std::fmt;
use std::path::PathBuf;

use crate::search::VARIABLE;

/// Why the client library was not loaded.
///
/// The text of each case ends with what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoadError {
    /// There is no library in any of these places.
    NotFound {
        /// Every path that was looked at, in this order.
        tried: Vec<PathBuf>,
    },
    /// The environment variable names a file that does not exist.
    NamedButMissing {
        /// The path in the variable.
        path: PathBuf,
    },
    /// The environment variable does not contain an absolute path.
    NotAbsolute {
        /// The path in the variable.
        path: PathBuf,
    },
    /// The path leads to something else than a regular file.
    NotAFile {
        /// The path.
        path: PathBuf,
    },
    /// Whether the file can be trusted cannot be found out.
    Unreadable {
        /// The path that could not be looked at.
        path: PathBuf,
        /// The error of the system.
        cause: String,
    },
    /// Others could have replaced the file, and this program would run their code.
    NotTrusted {
        /// The library.
        path: PathBuf,
        /// The file or directory that others can change.
        place: PathBuf,
        /// Why they can.
        reason: Distrust,
    },
    /// The file is no library that this system can load.
    NotLoadable {
        /// The library.
        path: PathBuf,
        /// What the loader of the system said.
        cause: String,
    },
    /// The library lacks a function of API version 730.
    LacksFunction {
        /// The library.
        path: PathBuf,
        /// The first function that it lacks.
        function: &'static str,
    },
    /// The library is of FoundationDB, and older than 7.3.
    TooOld {
        /// The library.
        path: PathBuf,
        /// Its version, as it says itself.
        version: String,
        /// The highest API version that it supports.
        max_api_version: i32,
    },
}

/// Why a file or a directory is not trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Distrust {
    /// It belongs to neither root nor the user of this process.
    Owner {
        /// Whom it belongs to.
        uid: u32,
    },
    /// Its group or everybody may write to it.
    Writable {
        /// Its permissions.
        mode: u32,
    },
}

impl std::error::Error for LoadError {}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound { tried } => {
                f.write_str("the client library of FoundationDB, libfdb_c.so, was not found; tried: ")?;
                for (number, path) in tried.iter().enumerate() {
                    let comma = if number == 0 { "" } else { ", " };
                    write!(f, "{comma}{}", path.display())?;
                }
                write!(
                    f,
                    ". Install the package foundationdb-clients of the cluster's version, or set {VARIABLE} to \
                     the path of the library"
                )
            }
            Self::NamedButMissing { path } => write!(
                f,
                "{VARIABLE} names {}, which does not exist. Set it to the path of libfdb_c.so, or unset it to \
                 search the usual places",
                path.display()
            ),
            Self::NotAbsolute { path } => write!(
                f,
                "{VARIABLE} is \"{}\", which is no absolute path. Set it to the absolute path of libfdb_c.so",
                path.display()
            ),
            Self::NotAFile { path } => write!(
                f,
                "{} is not a regular file. Set {VARIABLE} to the path of libfdb_c.so",
                path.display()
            ),
            Self::Unreadable { path, cause } => write!(
                f,
                "whether {} can be trusted is unknown: {cause}. Give this user access to it and to the \
                 directories above it",
                path.display()
            ),
            Self::NotTrusted { path, place, reason } => {
                write!(f, "{} is not loaded, because others can replace it: ", path.display())?;
                match reason {
                    Distrust::Owner { uid } => write!(
                        f,
                        "{} belongs to user {uid}. Let root or the user of this program own it",
                        place.display()
                    ),
                    Distrust::Writable { mode } => write!(
                        f,
                        "{} has the permissions {mode:04o}. Take write permission from its group and from others \
                         (chmod go-w)",
                        place.display()
                    ),
                }
            }
            Self::NotLoadable { path, cause } => write!(
                f,
                "{} cannot be loaded: {cause}. Install the package foundationdb-clients for this machine's \
                 architecture, or set {VARIABLE} to another library",
                path.display()
            ),
            Self::LacksFunction { path, function } => write!(
                f,
                "{} lacks the function {function}: it is older than FoundationDB 7.3, or another library. Install \
                 the package foundationdb-clients of the cluster's version, 7.3 or newer",
                path.display()
            ),
            Self::TooOld { path, version, max_api_version } => write!(
                f,
                "{} is of FoundationDB {version} and supports API versions up to {max_api_version}; 730 is needed. \
                 Install the package foundationdb-clients of the cluster's version, 7.3 or newer",
                path.display()
            ),
        }
    }
}
