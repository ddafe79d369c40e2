//! Error codes of the C API, with their texts and what they allow.
//!
//! Codes and texts are those of the page "Error Codes" of FoundationDB's documentation; which of them may be
//! retried is what `fdb_error_predicate` answers in the C binding. Codes of releases after 7.3 are left out.

use std::ffi::{CStr, c_int};

/// An error code of FoundationDB, which is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Code(pub(crate) c_int);

macro_rules! codes {
    ($($name:ident = $code:literal $text:literal;)*) => {
        impl Code {
            $(#[doc = concat!("`", stringify!($code), "`")] pub(crate) const $name: Code = Code($code);)*
        }

        /// The text of a code, as a user sees it.
        pub(crate) fn text(code: c_int) -> &'static CStr {
            match code {
                0 => c"Success",
                $($code => $text,)*
                _ => c"An unknown error occurred",
            }
        }
    };
}

codes! {
    TOO_OLD = 1007 c"Transaction is too old to perform reads or be committed";
    FUTURE_VERSION = 1009 c"Request for future version";
    NOT_COMMITTED = 1020 c"Transaction not committed due to conflict with another transaction";
    COMMIT_UNKNOWN_RESULT = 1021 c"Transaction may or may not have committed";
    TRANSACTION_CANCELLED = 1025 c"Operation aborted because the transaction was cancelled";
    TIMED_OUT = 1031 c"Operation aborted because the transaction timed out";
    ACCESSED_UNREADABLE = 1036 c"Read or wrote an unreadable key";
    PROCESS_BEHIND = 1037 c"Storage process does not have recent mutations";
    DATABASE_LOCKED = 1038 c"Database is locked";
    CLUSTER_VERSION_CHANGED = 1039 c"The protocol version of the cluster has changed";
    PROXY_MEMORY = 1042 c"CommitProxy commit memory limit exceeded";
    BATCH_THROTTLED = 1051 c"Batch GRV request rate limit exceeded";
    GRV_PROXY_MEMORY = 1078 c"GetReadVersion proxy memory limit exceeded";
    OPERATION_CANCELLED = 1101 c"Asynchronous operation cancelled";
    FUTURE_RELEASED = 1102 c"Future has been released";
    TAG_THROTTLED = 1213 c"Transaction tag is being throttled";
    IO_ERROR = 1510 c"Disk i/o operation failed";
    NO_CLUSTER_FILE = 1515 c"No cluster file found in current directory or default location";
    FILE_CORRUPT = 1522 c"A structurally corrupt data file was detected";
    INVALID_OPERATION = 2000 c"Invalid API call";
    KEY_OUTSIDE_RANGE = 2004 c"Key outside legal range";
    INVERTED_RANGE = 2005 c"Range begin key larger than end key";
    INVALID_OPTION_VALUE = 2006 c"Option set with an invalid value";
    INVALID_OPTION = 2007 c"Option not valid in this context";
    NETWORK_NOT_SETUP = 2008 c"Action not possible before the network is configured";
    NETWORK_ALREADY_SETUP = 2009 c"Network can be configured only once";
    READ_VERSION_SET = 2010 c"Transaction already has a read version set";
    VERSION_INVALID = 2011 c"Version not valid";
    RANGE_LIMITS_INVALID = 2012 c"Range limits not valid";
    FUTURE_NOT_SET = 2015 c"Future not ready";
    USED_DURING_COMMIT = 2017 c"Operation issued while a commit was outstanding";
    INVALID_MUTATION = 2018 c"Unrecognized atomic mutation type";
    NO_COMMIT_VERSION = 2021 c"Transaction is read-only and therefore does not have a commit version";
    NETWORK_ONCE = 2025 c"Network can only be started once";
    ON_NETWORK_THREAD = 2026 c"Detected a deadlock in a callback called from the network thread";
    TOO_LARGE = 2101 c"Transaction exceeds byte limit";
    KEY_TOO_LARGE = 2102 c"Key length exceeds limit";
    VALUE_TOO_LARGE = 2103 c"Value length exceeds limit";
    CLUSTER_FILE_INVALID = 2104 c"Connection string invalid";
    UNSUPPORTED = 2108 c"Operation is not supported";
    NO_SPECIAL_KEY = 2113 c"Special key space range read does not intersect a module. Refer to the `special_key_space_relaxed' transaction option for more details.";
    SPECIAL_KEY_WRITE = 2114 c"Special Key space is not allowed to write by default. Refer to the `special_key_space_enable_writes` transaction option for more details.";
    TENANTS_DISABLED = 2136 c"Tenants have been disabled in the cluster";
    API_VERSION_UNSET = 2200 c"API version is not set";
    API_VERSION_SET = 2201 c"API version may be set only once";
    API_VERSION_INVALID = 2202 c"API version not valid";
    API_VERSION_UNSUPPORTED = 2203 c"API version not supported";
    EXACT_WITHOUT_LIMITS = 2210 c"EXACT streaming mode requires limits, but none were given";
}

impl Code {
    /// The transaction may have been committed all the same.
    pub(crate) fn is_maybe_committed(self) -> bool {
        matches!(self, Self::COMMIT_UNKNOWN_RESULT | Self::CLUSTER_VERSION_CHANGED)
    }

    /// The transaction was certainly not committed, and may succeed when it is tried again.
    pub(crate) fn is_retryable_not_committed(self) -> bool {
        matches!(
            self,
            Self::NOT_COMMITTED
                | Self::TOO_OLD
                | Self::FUTURE_VERSION
                | Self::DATABASE_LOCKED
                | Self::GRV_PROXY_MEMORY
                | Self::PROXY_MEMORY
                | Self::BATCH_THROTTLED
                | Self::PROCESS_BEHIND
                | Self::TAG_THROTTLED
        )
    }

    /// `fdb_transaction_on_error` waits and resets the transaction.
    pub(crate) fn is_retryable(self) -> bool {
        self.is_maybe_committed() || self.is_retryable_not_committed()
    }
}

/// `fdb_error_predicate`.
pub(crate) fn predicate(test: c_int, code: c_int) -> bool {
    match test {
        50000 => Code(code).is_retryable(),
        50001 => Code(code).is_maybe_committed(),
        50002 => Code(code).is_retryable_not_committed(),
        _ => false,
    }
}
