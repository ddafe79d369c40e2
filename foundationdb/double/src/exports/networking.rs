//! Functions of versions, errors, the network and databases.

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::ptr;
use std::time::Instant;

use super::{bytes, code, counted, destroyed, handle, object};
use crate::code::{self as codes, Code};
use crate::database::Database;
use crate::future::{Future, Value};
use crate::network::NETWORK;
use crate::transaction::Transaction;
use crate::{cluster_file, settings, store};

#[unsafe(no_mangle)]
pub extern "C" fn fdb_get_error(code: c_int) -> *const c_char {
    codes::text(code).as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_error_predicate(predicate_test: c_int, code: c_int) -> c_int {
    c_int::from(codes::predicate(predicate_test, code))
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_select_api_version_impl(runtime_version: c_int, header_version: c_int) -> c_int {
    code(NETWORK.select(runtime_version, header_version))
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_get_max_api_version() -> c_int {
    crate::API_VERSION
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_get_client_version() -> *const c_char {
    c"7.3.27,double,fdb00b073000000".as_ptr()
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_network_set_option(_option: c_int, _value: *const u8, _value_length: c_int) -> c_int {
    code(NETWORK.may_set_option())
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_setup_network() -> c_int {
    code(NETWORK.set_up())
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_run_network() -> c_int {
    code(NETWORK.run())
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_stop_network() -> c_int {
    code(NETWORK.stop())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_create_database(
    cluster_file_path: *const c_char,
    out_database: *mut *mut Database,
) -> c_int {
    if let Err(code) = NETWORK.is_set_up() {
        return code.0;
    }
    let path = if cluster_file_path.is_null() {
        &[]
    } else {
        // SAFETY: the path is not null and ends with a zero byte.
        unsafe { CStr::from_ptr(cluster_file_path) }.to_bytes()
    };
    let path =
        if path.is_empty() { cluster_file::default_path() } else { PathBuf::from(OsStr::from_bytes(path)) };
    // SAFETY: `out_database` may be written to.
    unsafe { ptr::write(out_database, handle(Database::open(&path))) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_database_destroy(d: *mut Database) {
    // SAFETY: see the documentation of `exports`. Transactions have counts of their own.
    drop(unsafe { destroyed(d) });
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_database_set_option(
    d: *mut Database,
    option: u32,
    value: *const u8,
    value_length: c_int,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    let (database, value) = unsafe { (object(d), bytes(value, value_length)) };
    code(database.set_option(option, value))
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_database_open_tenant(
    _d: *mut Database,
    _tenant_name: *const u8,
    _tenant_name_length: c_int,
    _out_tenant: *mut *mut c_void,
) -> c_int {
    Code::TENANTS_DISABLED.0
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_tenant_create_transaction(
    _tenant: *mut c_void,
    _out_transaction: *mut *mut Transaction,
) -> c_int {
    Code::TENANTS_DISABLED.0
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_tenant_destroy(_tenant: *mut c_void) {}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_database_create_transaction(
    d: *mut Database,
    out_transaction: *mut *mut Transaction,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    let database = unsafe { counted(d) };
    // SAFETY: `out_transaction` may be written to.
    unsafe { ptr::write(out_transaction, handle(Transaction::new(&database))) };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_database_get_main_thread_busyness(_db: *mut Database) -> f64 {
    0.0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_database_get_client_status(db: *mut Database) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    let status = unsafe { object(db) }.client_status();
    let future = Future::new();
    NETWORK.deliver(&future, Instant::now(), Ok(Value::Key(status)));
    handle(future)
}

/// Lets the clock of versions jump ahead, so that transactions become too old without waiting.
#[unsafe(no_mangle)]
pub extern "C" fn fdb_double_advance(versions: i64) {
    store::advance(versions);
}

/// Writes the counts of operations and injected errors to the log.
#[unsafe(no_mangle)]
pub extern "C" fn fdb_double_write_counts() {
    if let Ok(settings) = settings::get() {
        settings.faults.write_counts();
    }
}

/// Tells a test that it does not talk to FoundationDB.
#[unsafe(no_mangle)]
pub extern "C" fn fdb_double_is_double() -> c_int {
    1
}
