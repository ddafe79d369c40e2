//! Functions of transactions.

use std::ffi::c_int;
use std::ptr;
use std::time::Instant;

use super::{bytes, code, destroyed, handle, object};
use crate::code::Code;
use crate::future::Future;
use crate::network::NETWORK;
use crate::transaction::{Query, Transaction};
use crate::view::Selector;

fn unsupported() -> *mut Future {
    let future = Future::new();
    NETWORK.deliver(&future, Instant::now(), Err(Code::UNSUPPORTED));
    handle(future)
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_destroy(tr: *mut Transaction) {
    // SAFETY: see the documentation of `exports`.
    if let Some(transaction) = unsafe { destroyed(tr) } {
        transaction.destroy();
    }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_cancel(tr: *mut Transaction) {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(tr) }.cancel();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_reset(tr: *mut Transaction) {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(tr) }.reset();
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_set_option(
    tr: *mut Transaction,
    option: u32,
    value: *const u8,
    value_length: c_int,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    let (transaction, value) = unsafe { (object(tr), bytes(value, value_length)) };
    code(transaction.set_option(option, value))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_set_read_version(tr: *mut Transaction, version: i64) {
    // SAFETY: see the documentation of `exports`.
    unsafe { object(tr) }.set_read_version(version);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_read_version(tr: *mut Transaction) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    handle(unsafe { object(tr) }.get_read_version())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get(
    tr: *mut Transaction,
    key_name: *const u8,
    key_name_length: c_int,
    snapshot: c_int,
) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    let (transaction, key) = unsafe { (object(tr), bytes(key_name, key_name_length)) };
    handle(transaction.get(key, snapshot != 0))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_key(
    tr: *mut Transaction,
    key_name: *const u8,
    key_name_length: c_int,
    or_equal: c_int,
    offset: c_int,
    snapshot: c_int,
) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    let (transaction, key) = unsafe { (object(tr), bytes(key_name, key_name_length)) };
    let selector = Selector { key: key.to_vec(), or_equal: or_equal != 0, offset };
    handle(transaction.get_key(&selector, snapshot != 0))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_addresses_for_key(
    tr: *mut Transaction,
    _key_name: *const u8,
    _key_name_length: c_int,
) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    handle(unsafe { object(tr) }.get_addresses_for_key())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_range(
    tr: *mut Transaction,
    begin_key_name: *const u8,
    begin_key_name_length: c_int,
    begin_or_equal: c_int,
    begin_offset: c_int,
    end_key_name: *const u8,
    end_key_name_length: c_int,
    end_or_equal: c_int,
    end_offset: c_int,
    limit: c_int,
    target_bytes: c_int,
    mode: c_int,
    iteration: c_int,
    snapshot: c_int,
    reverse: c_int,
) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    let (begin, end) =
        unsafe { (bytes(begin_key_name, begin_key_name_length), bytes(end_key_name, end_key_name_length)) };
    let query = Query {
        begin: Selector { key: begin.to_vec(), or_equal: begin_or_equal != 0, offset: begin_offset },
        end: Selector { key: end.to_vec(), or_equal: end_or_equal != 0, offset: end_offset },
        limit,
        target_bytes,
        mode,
        iteration,
        snapshot: snapshot != 0,
        reverse: reverse != 0,
    };
    // SAFETY: see the documentation of `exports`.
    handle(unsafe { object(tr) }.get_range(&query))
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_transaction_get_mapped_range(
    _tr: *mut Transaction,
    _begin_key_name: *const u8,
    _begin_key_name_length: c_int,
    _begin_or_equal: c_int,
    _begin_offset: c_int,
    _end_key_name: *const u8,
    _end_key_name_length: c_int,
    _end_or_equal: c_int,
    _end_offset: c_int,
    _mapper_name: *const u8,
    _mapper_name_length: c_int,
    _limit: c_int,
    _target_bytes: c_int,
    _mode: c_int,
    _iteration: c_int,
    _snapshot: c_int,
    _reverse: c_int,
) -> *mut Future {
    unsupported()
}

#[unsafe(no_mangle)]
pub extern "C" fn fdb_transaction_watch(
    _tr: *mut Transaction,
    _key_name: *const u8,
    _key_name_length: c_int,
) -> *mut Future {
    unsupported()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_estimated_range_size_bytes(
    tr: *mut Transaction,
    begin_key_name: *const u8,
    begin_key_name_length: c_int,
    end_key_name: *const u8,
    end_key_name_length: c_int,
) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    let (transaction, begin, end) = unsafe {
        (object(tr), bytes(begin_key_name, begin_key_name_length), bytes(end_key_name, end_key_name_length))
    };
    handle(transaction.get_estimated_range_size(begin, end))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_range_split_points(
    tr: *mut Transaction,
    begin_key_name: *const u8,
    begin_key_name_length: c_int,
    end_key_name: *const u8,
    end_key_name_length: c_int,
    chunk_size: i64,
) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    let (transaction, begin, end) = unsafe {
        (object(tr), bytes(begin_key_name, begin_key_name_length), bytes(end_key_name, end_key_name_length))
    };
    handle(transaction.get_range_split_points(begin, end, chunk_size))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_set(
    tr: *mut Transaction,
    key_name: *const u8,
    key_name_length: c_int,
    value: *const u8,
    value_length: c_int,
) {
    // SAFETY: see the documentation of `exports`.
    let (transaction, key, value) =
        unsafe { (object(tr), bytes(key_name, key_name_length), bytes(value, value_length)) };
    transaction.set(key, value);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_atomic_op(
    tr: *mut Transaction,
    key_name: *const u8,
    key_name_length: c_int,
    param: *const u8,
    param_length: c_int,
    operation_type: u32,
) {
    // SAFETY: see the documentation of `exports`.
    let (transaction, key, param) =
        unsafe { (object(tr), bytes(key_name, key_name_length), bytes(param, param_length)) };
    transaction.atomic(key, param, operation_type);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_clear(
    tr: *mut Transaction,
    key_name: *const u8,
    key_name_length: c_int,
) {
    // SAFETY: see the documentation of `exports`.
    let (transaction, key) = unsafe { (object(tr), bytes(key_name, key_name_length)) };
    transaction.clear(key);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_clear_range(
    tr: *mut Transaction,
    begin_key_name: *const u8,
    begin_key_name_length: c_int,
    end_key_name: *const u8,
    end_key_name_length: c_int,
) {
    // SAFETY: see the documentation of `exports`.
    let (transaction, begin, end) = unsafe {
        (object(tr), bytes(begin_key_name, begin_key_name_length), bytes(end_key_name, end_key_name_length))
    };
    transaction.clear_range(begin, end);
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_add_conflict_range(
    tr: *mut Transaction,
    begin_key_name: *const u8,
    begin_key_name_length: c_int,
    end_key_name: *const u8,
    end_key_name_length: c_int,
    kind: u32,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    let (transaction, begin, end) = unsafe {
        (object(tr), bytes(begin_key_name, begin_key_name_length), bytes(end_key_name, end_key_name_length))
    };
    if kind > 1 {
        return Code::INVALID_OPERATION.0;
    }
    code(transaction.add_conflict_range(begin, end, kind == 1))
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_commit(tr: *mut Transaction) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    handle(unsafe { object(tr) }.commit())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_committed_version(
    tr: *mut Transaction,
    out_version: *mut i64,
) -> c_int {
    // SAFETY: see the documentation of `exports`.
    unsafe { ptr::write(out_version, object(tr).committed_version()) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_approximate_size(tr: *mut Transaction) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    handle(unsafe { object(tr) }.get_approximate_size())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_get_versionstamp(tr: *mut Transaction) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    handle(unsafe { object(tr) }.get_versionstamp())
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn fdb_transaction_on_error(tr: *mut Transaction, error: c_int) -> *mut Future {
    // SAFETY: see the documentation of `exports`.
    handle(unsafe { object(tr) }.on_error(Code(error)))
}
