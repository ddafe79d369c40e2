//! Options of transactions, as `fdb_c_options.g.h` describes them, and the defaults that a database gives them.

use std::time::Duration;

use crate::code::Code;
use crate::limits;

/// The options of a transaction that have an effect here. All others are accepted.
#[derive(Debug, Clone)]
pub(crate) struct Options {
    /// Kept by `on_error`.
    pub(crate) lasting: Lasting,
    pub(crate) size_limit: usize,
    pub(crate) own_writes: bool,
    pub(crate) own_writes_in_snapshots: bool,
    /// The next write adds no conflict range.
    pub(crate) next_write_without_conflict: bool,
    pub(crate) write_system_keys: bool,
    pub(crate) read_system_keys: bool,
    pub(crate) lock_aware: bool,
    pub(crate) read_lock_aware: bool,
    pub(crate) causal_write_risky: bool,
}

/// Options that `on_error` keeps since API version 610.
#[derive(Debug, Clone)]
pub(crate) struct Lasting {
    pub(crate) timeout: Option<Duration>,
    pub(crate) retry_limit: Option<u64>,
    pub(crate) max_retry_delay: Duration,
}

/// Which option, and its parameter if it is a number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Setting {
    code: u32,
    number: Option<i64>,
}

/// Codes of `FDBTransactionOption` whose parameter is a number.
const NUMBERS: [u32; 4] = [500, 501, 502, 503];

/// The codes of `FDBTransactionOption` of version 730.
const KNOWN: &[u32] = &[
    10, 20, 21, 23, 30, 40, 50, 51, 52, 110, 120, 130, 200, 201, 300, 301, 302, 303, 304, 400, 401, 402, 403,
    404, 405, 406, 500, 501, 502, 503, 504, 505, 507, 508, 509, 510, 511, 600, 601, 700, 701, 702, 710, 711,
    712, 713, 714, 800, 801, 900, 1000, 1100, 1101, 1102, 2000,
];

/// The codes of `FDBDatabaseOption`, with the option of transactions that each sets the default of.
const DATABASE: &[(u32, Option<u32>)] = &[
    (10, None),
    (20, None),
    (21, None),
    (22, None),
    (26, Some(600)),
    (27, Some(601)),
    (405, None),
    (500, Some(500)),
    (501, Some(501)),
    (502, Some(502)),
    (503, Some(503)),
    (504, None),
    (505, None),
    (506, None),
    (700, None),
    (701, None),
    (702, None),
    (800, None),
    (900, None),
];

impl Setting {
    /// An option of a transaction. Only an unknown one is an error at once, as in the real client.
    pub(crate) fn of_transaction(code: u32, parameter: &[u8]) -> Result<Self, Code> {
        if !KNOWN.contains(&code) {
            return Err(Code::INVALID_OPTION);
        }
        Ok(Self { code, number: number(code, parameter) })
    }

    /// An option of a database, as that of its transactions, if it is one here.
    pub(crate) fn of_database(code: u32, parameter: &[u8]) -> Result<Option<Self>, Code> {
        let (_, code) = DATABASE.iter().find(|(known, _)| *known == code).ok_or(Code::INVALID_OPTION)?;
        Ok(code.map(|code| Self { code, number: number(code, parameter) }))
    }

    /// Own writes are not read. Too late once the transaction has read or written.
    pub(crate) fn hides_own_writes(self) -> bool {
        self.code == 51
    }

    pub(crate) fn is_timeout(self) -> bool {
        self.code == 500
    }
}

fn number(code: u32, parameter: &[u8]) -> Option<i64> {
    let bytes = parameter.try_into().ok()?;
    NUMBERS.contains(&code).then(|| i64::from_le_bytes(bytes))
}

impl Options {
    /// Applies an option.
    pub(crate) fn set(&mut self, setting: Setting) -> Result<(), Code> {
        let wrong = Code::INVALID_OPTION_VALUE;
        let number = setting.number.filter(|number| *number <= i64::from(i32::MAX)).ok_or(wrong);
        let natural = || number.and_then(|number| u64::try_from(number).map_err(|_| wrong));
        match setting.code {
            10 => self.causal_write_risky = true,
            30 => self.next_write_without_conflict = true,
            51 => self.own_writes = false,
            301 => (self.read_system_keys, self.write_system_keys) = (true, true),
            302 => self.read_system_keys = true,
            500 => self.lasting.timeout = Some(Duration::from_millis(natural()?)).filter(|t| !t.is_zero()),
            501 => {
                self.lasting.retry_limit = match number? {
                    -1 => None,
                    limit => Some(u64::try_from(limit).map_err(|_| wrong)?),
                }
            }
            502 => self.lasting.max_retry_delay = Duration::from_millis(natural()?),
            503 => {
                let limit = usize::try_from(natural()?).map_err(|_| wrong)?;
                self.size_limit =
                    Some(limit).filter(|limit| (32..=limits::TRANSACTION).contains(limit)).ok_or(wrong)?;
            }
            600 => self.own_writes_in_snapshots = true,
            601 => self.own_writes_in_snapshots = false,
            700 => (self.lock_aware, self.read_lock_aware) = (true, true),
            702 => self.read_lock_aware = true,
            _ => {}
        }
        Ok(())
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            lasting: Lasting { timeout: None, retry_limit: None, max_retry_delay: Duration::from_secs(1) },
            size_limit: limits::TRANSACTION,
            own_writes: true,
            own_writes_in_snapshots: true,
            next_write_without_conflict: false,
            write_system_keys: false,
            read_system_keys: false,
            lock_aware: false,
            read_lock_aware: false,
            causal_write_risky: false,
        }
    }
}
