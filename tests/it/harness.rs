//! What tests share: stores, servers, disks that fail, and the program run on them.

#![cfg_attr(
    not(all(
        feature = "rocksdb",
        feature = "sqlite",
        feature = "postgres",
        feature = "mysql",
        feature = "s3",
        feature = "azure"
    )),
    allow(dead_code, reason = "used by tests that need other features")
)]

#[cfg(any(feature = "sqlite", all(feature = "s3", feature = "azure")))]
pub mod alone;
pub mod program;

#[cfg(feature = "sqlite")]
pub mod database_servers;
#[cfg(feature = "sqlite")]
pub mod digests;
#[cfg(feature = "sqlite")]
pub mod generate;
#[cfg(feature = "sqlite")]
pub mod large;
pub mod measure;
pub mod preload;
pub mod seed;
#[cfg(feature = "sqlite")]
pub mod site;
#[cfg(feature = "sqlite")]
pub mod started;

#[cfg(all(feature = "s3", feature = "azure"))]
pub mod blob_servers;
pub mod impostor;
pub mod proxy;
#[cfg(all(feature = "s3", feature = "azure"))]
pub mod stub;

type AnyError = Box<dyn std::error::Error>;
