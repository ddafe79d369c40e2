//! The functions of the C API, defined here instead of linked: each calls the loaded library.
//!
//! Every function that the header of API version 730 declares is here, not only those that the crate
//! `foundationdb` calls today, so that no version of it can fail to link. Until a library is loaded, a function
//! that returns `fdb_error_t` returns [`NOT_LOADED`], `fdb_get_error` returns a text, every other one returns
//! null or zero, and one that returns nothing does nothing. None of them loads the library itself: what is
//! loaded, and from where, is decided by one call of [`crate::load`].
//!
//! rustc makes the linker keep every `no_mangle` function of a crate that a program uses, whatever the order
//! of the crates on its command line, so neither a linker that reads archives once nor `--gc-sections` loses one.

// Functions that return nothing are in the same lists as all others.
#![allow(clippy::unused_unit)]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use foundationdb_sys::{self as sys, *};

/// What a function returns before a library is loaded: `api_function_missing`, which says just that.
pub(crate) const NOT_LOADED: fdb_error_t = 2204;

const NOT_LOADED_TEXT: &CStr = c"The FoundationDB client library is not loaded";

/// A function of the library: its name, and where its address is kept.
#[derive(Debug)]
pub(crate) struct Function {
    /// The name that the library exports.
    pub(crate) name: &'static str,
    address: &'static AtomicPtr<c_void>,
}

impl Function {
    /// From now on the forwarder calls `address`.
    ///
    /// # Safety
    ///
    /// `address` is that of the function `name` of API version 730, in a library that stays loaded.
    pub(crate) unsafe fn set(&self, address: *mut c_void) {
        self.address.store(address, Ordering::Release);
    }
}

macro_rules! forward {
    ($(#[$doc:meta])* $list:ident in $addresses:ident:
     $(fn $name:ident($($arg:ident: $of:ty),* $(,)?) -> $returned:ty, or $otherwise:expr;)*) => {
        mod $addresses {
            #![allow(non_upper_case_globals)]
            use super::*;
            $(pub(super) static $name: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());)*
        }

        $(
            #[unsafe(no_mangle)]
            unsafe extern "C" fn $name($($arg: $of),*) -> $returned {
                let address = $addresses::$name.load(Ordering::Acquire);
                if address.is_null() {
                    return $otherwise;
                }
                // SAFETY: by `Function::set`, this is the function of this name, and the type is
                // that of its declaration, which is compared below.
                let function: unsafe extern "C" fn($($of),*) -> $returned =
                    unsafe { std::mem::transmute(address) };
                // SAFETY: the caller keeps the rules of the C API, which are those of the function called.
                unsafe { function($($arg),*) }
            }

            // Compiles only if the declaration in foundationdb-sys has this type.
            const _: unsafe extern "C" fn($($of),*) -> $returned = sys::$name;
        )*

        $(#[$doc])*
        pub(crate) static $list: &[Function] =
            &[$(Function { name: stringify!($name), address: &$addresses::$name }),*];
    };
}

forward! {
    /// Functions that the crate `foundationdb` calls: a library without one of them cannot be used.
    REQUIRED in required:
    fn fdb_get_error(code: fdb_error_t) -> *const c_char, or NOT_LOADED_TEXT.as_ptr();
    fn fdb_error_predicate(predicate_test: c_int, code: fdb_error_t) -> fdb_bool_t, or 0;
    fn fdb_network_set_option(
        option: FDBNetworkOption, value: *const u8, value_length: c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_setup_network() -> fdb_error_t, or NOT_LOADED;
    fn fdb_run_network() -> fdb_error_t, or NOT_LOADED;
    fn fdb_stop_network() -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_destroy(f: *mut FDBFuture) -> (), or ();
    fn fdb_future_is_ready(f: *mut FDBFuture) -> fdb_bool_t, or 0;
    fn fdb_future_set_callback(
        f: *mut FDBFuture, callback: FDBCallback, callback_parameter: *mut c_void,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_error(f: *mut FDBFuture) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_int64(f: *mut FDBFuture, out: *mut i64) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_key(
        f: *mut FDBFuture, out_key: *mut *const u8, out_key_length: *mut c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_value(
        f: *mut FDBFuture, out_present: *mut fdb_bool_t, out_value: *mut *const u8,
        out_value_length: *mut c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_keyvalue_array(
        f: *mut FDBFuture, out_kv: *mut *const FDBKeyValue, out_count: *mut c_int, out_more: *mut fdb_bool_t,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_mappedkeyvalue_array(
        f: *mut FDBFuture, out_kv: *mut *const FDBMappedKeyValue, out_count: *mut c_int,
        out_more: *mut fdb_bool_t,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_key_array(
        f: *mut FDBFuture, out_key_array: *mut *const FDBKey, out_count: *mut c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_string_array(
        f: *mut FDBFuture, out_strings: *mut *mut *const c_char, out_count: *mut c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_create_database(
        cluster_file_path: *const c_char, out_database: *mut *mut FDBDatabase,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_database_destroy(d: *mut FDBDatabase) -> (), or ();
    fn fdb_database_set_option(
        d: *mut FDBDatabase, option: FDBDatabaseOption, value: *const u8, value_length: c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_database_create_transaction(
        d: *mut FDBDatabase, out_transaction: *mut *mut FDBTransaction,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_database_get_main_thread_busyness(db: *mut FDBDatabase) -> f64, or 0.0;
    fn fdb_database_get_client_status(db: *mut FDBDatabase) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_destroy(tr: *mut FDBTransaction) -> (), or ();
    fn fdb_transaction_cancel(tr: *mut FDBTransaction) -> (), or ();
    fn fdb_transaction_set_option(
        tr: *mut FDBTransaction, option: FDBTransactionOption, value: *const u8, value_length: c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_transaction_set_read_version(tr: *mut FDBTransaction, version: i64) -> (), or ();
    fn fdb_transaction_get_read_version(tr: *mut FDBTransaction) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get(
        tr: *mut FDBTransaction, key_name: *const u8, key_name_length: c_int, snapshot: fdb_bool_t,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_key(
        tr: *mut FDBTransaction, key_name: *const u8, key_name_length: c_int, or_equal: fdb_bool_t,
        offset: c_int, snapshot: fdb_bool_t,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_addresses_for_key(
        tr: *mut FDBTransaction, key_name: *const u8, key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_range(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        begin_or_equal: fdb_bool_t, begin_offset: c_int, end_key_name: *const u8, end_key_name_length: c_int,
        end_or_equal: fdb_bool_t, end_offset: c_int, limit: c_int, target_bytes: c_int,
        mode: FDBStreamingMode, iteration: c_int, snapshot: fdb_bool_t, reverse: fdb_bool_t,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_mapped_range(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        begin_or_equal: fdb_bool_t, begin_offset: c_int, end_key_name: *const u8, end_key_name_length: c_int,
        end_or_equal: fdb_bool_t, end_offset: c_int, mapper_name: *const u8, mapper_name_length: c_int,
        limit: c_int, target_bytes: c_int, mode: FDBStreamingMode, iteration: c_int, snapshot: fdb_bool_t,
        reverse: fdb_bool_t,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_set(
        tr: *mut FDBTransaction, key_name: *const u8, key_name_length: c_int, value: *const u8,
        value_length: c_int,
    ) -> (), or ();
    fn fdb_transaction_atomic_op(
        tr: *mut FDBTransaction, key_name: *const u8, key_name_length: c_int, param: *const u8,
        param_length: c_int, operation_type: FDBMutationType,
    ) -> (), or ();
    fn fdb_transaction_clear(
        tr: *mut FDBTransaction, key_name: *const u8, key_name_length: c_int,
    ) -> (), or ();
    fn fdb_transaction_clear_range(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int,
    ) -> (), or ();
    fn fdb_transaction_watch(
        tr: *mut FDBTransaction, key_name: *const u8, key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_commit(tr: *mut FDBTransaction) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_committed_version(
        tr: *mut FDBTransaction, out_version: *mut i64,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_transaction_get_approximate_size(tr: *mut FDBTransaction) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_versionstamp(tr: *mut FDBTransaction) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_on_error(
        tr: *mut FDBTransaction, error: fdb_error_t,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_reset(tr: *mut FDBTransaction) -> (), or ();
    fn fdb_transaction_add_conflict_range(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, kind: FDBConflictRangeType,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_transaction_get_estimated_range_size_bytes(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_range_split_points(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, chunk_size: i64,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_select_api_version_impl(
        runtime_version: c_int, header_version: c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_get_max_api_version() -> c_int, or 0;
    fn fdb_get_client_version() -> *const c_char, or ptr::null();
}

forward! {
    /// Functions that it does not call without the experimental feature for tenants. A library may lack them.
    OPTIONAL in optional:
    fn fdb_database_open_tenant(
        d: *mut FDBDatabase, tenant_name: *const u8, tenant_name_length: c_int,
        out_tenant: *mut *mut FDBTenant,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_tenant_create_transaction(
        tenant: *mut FDBTenant, out_transaction: *mut *mut FDBTransaction,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_tenant_destroy(tenant: *mut FDBTenant) -> (), or ();
    fn fdb_add_network_thread_completion_hook(
        hook: Option<unsafe extern "C" fn(*mut c_void)>, hook_parameter: *mut c_void,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_cancel(f: *mut FDBFuture) -> (), or ();
    fn fdb_future_release_memory(f: *mut FDBFuture) -> (), or ();
    fn fdb_future_block_until_ready(f: *mut FDBFuture) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_bool(f: *mut FDBFuture, out: *mut fdb_bool_t) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_uint64(f: *mut FDBFuture, out: *mut u64) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_double(f: *mut FDBFuture, out: *mut f64) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_keyrange_array(
        f: *mut FDBFuture, out_ranges: *mut *const FDBKeyRange, out_count: *mut c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_get_granule_summary_array(
        f: *mut FDBFuture, out_summaries: *mut *const FDBGranuleSummary, out_count: *mut c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_future_readbg_get_descriptions(
        f: *mut FDBFuture, out: *mut *mut FDBBGFileDescription, desc_count: *mut c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_readbg_parse_snapshot_file(
        file_data: *const u8, file_len: c_int, tenant_prefix: *const FDBBGTenantPrefix,
        encryption_ctx: *const FDBBGEncryptionCtx,
    ) -> *mut FDBResult, or ptr::null_mut();
    fn fdb_readbg_parse_delta_file(
        file_data: *const u8, file_len: c_int, tenant_prefix: *const FDBBGTenantPrefix,
        encryption_ctx: *const FDBBGEncryptionCtx,
    ) -> *mut FDBResult, or ptr::null_mut();
    fn fdb_result_destroy(r: *mut FDBResult) -> (), or ();
    fn fdb_result_get_keyvalue_array(
        r: *mut FDBResult, out_kv: *mut *const FDBKeyValue, out_count: *mut c_int, out_more: *mut fdb_bool_t,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_result_get_bg_mutations_array(
        r: *mut FDBResult, out_mutations: *mut *const FDBBGMutation, out_count: *mut c_int,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_create_database_from_connection_string(
        connection_string: *const c_char, out_database: *mut *mut FDBDatabase,
    ) -> fdb_error_t, or NOT_LOADED;
    fn fdb_database_reboot_worker(
        db: *mut FDBDatabase, address: *const u8, address_length: c_int, check: fdb_bool_t, duration: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_force_recovery_with_data_loss(
        db: *mut FDBDatabase, dcid: *const u8, dcid_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_create_snapshot(
        db: *mut FDBDatabase, uid: *const u8, uid_length: c_int, snap_command: *const u8,
        snap_command_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_get_server_protocol(
        db: *mut FDBDatabase, expected_version: u64,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_purge_blob_granules(
        db: *mut FDBDatabase, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, purge_version: i64, force: fdb_bool_t,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_wait_purge_granules_complete(
        db: *mut FDBDatabase, purge_key_name: *const u8, purge_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_blobbify_range(
        db: *mut FDBDatabase, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_blobbify_range_blocking(
        db: *mut FDBDatabase, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_unblobbify_range(
        db: *mut FDBDatabase, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_list_blobbified_ranges(
        db: *mut FDBDatabase, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, range_limit: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_verify_blob_range(
        db: *mut FDBDatabase, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, version: i64,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_database_flush_blob_range(
        db: *mut FDBDatabase, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, compact: fdb_bool_t, version: i64,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_purge_blob_granules(
        db: *mut FDBTenant, begin_key_name: *const u8, begin_key_name_length: c_int, end_key_name: *const u8,
        end_key_name_length: c_int, purge_version: i64, force: fdb_bool_t,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_wait_purge_granules_complete(
        db: *mut FDBTenant, purge_key_name: *const u8, purge_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_blobbify_range(
        tenant: *mut FDBTenant, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_blobbify_range_blocking(
        tenant: *mut FDBTenant, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_unblobbify_range(
        tenant: *mut FDBTenant, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_list_blobbified_ranges(
        tenant: *mut FDBTenant, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, range_limit: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_verify_blob_range(
        tenant: *mut FDBTenant, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, version: i64,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_flush_blob_range(
        tenant: *mut FDBTenant, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, compact: fdb_bool_t, version: i64,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_tenant_get_id(tenant: *mut FDBTenant) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_tag_throttled_duration(
        tr: *mut FDBTransaction,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_total_cost(tr: *mut FDBTransaction) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_get_blob_granule_ranges(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, range_limit: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_read_blob_granules(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, begin_version: i64, read_version: i64,
        granules: FDBReadBlobGranuleContext,
    ) -> *mut FDBResult, or ptr::null_mut();
    fn fdb_transaction_summarize_blob_granules(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, summary_version: i64, range_limit: c_int,
    ) -> *mut FDBFuture, or ptr::null_mut();
    fn fdb_transaction_read_blob_granules_description(
        tr: *mut FDBTransaction, begin_key_name: *const u8, begin_key_name_length: c_int,
        end_key_name: *const u8, end_key_name_length: c_int, begin_version: i64, read_version: i64,
        read_version_out: *mut i64,
    ) -> *mut FDBFuture, or ptr::null_mut();
}
