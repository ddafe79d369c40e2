//! Loads the client library of FoundationDB, `libfdb_c.so`, when a program first needs it.
//!
//! The crate `foundationdb` links `libfdb_c`, so that a program with it neither builds nor starts without the
//! library, even if no FoundationDB is ever used. A program that depends on this crate as well does both:
//! `build.rs` satisfies the linker, `forward` defines the functions, and [`load`] finds the library.
//!
//! ```no_run
//! let library = fdb_client::load()?;
//! println!("FoundationDB client {} from {}", library.version(), library.path().display());
//! // From here on the crate `foundationdb` works.
//! # Ok::<(), fdb_client::LoadError>(())
//! ```
//!
//! A program that uses the crate `foundationdb` but no item of this crate says `use fdb_client as _;`, or rustc
//! leaves this crate out.
//!
//! This crate knows neither clusters nor keys. It calls two functions of the library itself, both about versions.

mod error;
mod forward;
mod library;
mod search;
mod trust;

pub use error::{Distrust, LoadError};
pub use library::{Library, load};
pub use search::VARIABLE;
