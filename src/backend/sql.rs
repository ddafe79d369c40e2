//! The common part of the database servers: connections that ordinary threads drive, rows turned into pages, and the
//! texts of errors.
//!
//! This module encapsulates sqlx and tokio; it depends neither on an SQL dialect nor on what a table means. Every
//! connection has its own runtime, driven by the thread that uses it: no thread waits for another.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::backend::unlike_any_other;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::page::Page;
use crate::base::stop::{LOOK, Stop, interrupted};
use crate::base::sync::lock;

/// Limit for connecting if the configuration has none: longer than any server needs, shorter than a person waits.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// The cause of a failed statement, with its remedy.
#[derive(Clone, Copy)]
pub(super) struct Cause {
    /// What the caller can do about it.
    pub kind: ErrorKind,
    /// The problem, as a clause.
    pub what: &'static str,
    /// The remedy.
    pub help: &'static str,
}

/// The error of a failed statement; `cause` translates the codes of the engine.
pub(super) fn translate(
    error: sqlx::Error,
    doing: &str,
    place: &str,
    cause: impl FnOnce(&dyn sqlx::error::DatabaseError) -> Option<Cause>,
) -> Error {
    if let sqlx::Error::Io(error) = &error
        && error.get_ref().is_some_and(|cause| cause.is::<Stopped>())
    {
        return interrupted();
    }
    let connecting = doing == CONNECT;
    let lost_or_never = if connecting { NEVER } else { LOST };
    let lost = |error: &std::io::Error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => Cause {
            kind: ErrorKind::Io,
            what: "the connection was refused",
            help: "check host and port in the configuration and that the database server is running",
        },
        std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied => Cause {
            kind: ErrorKind::Io,
            what: "the socket cannot be used",
            help: "check the socket directory in the configuration and that the database server is running",
        },
        // The TLS library reports a certificate that it does not accept in this way.
        std::io::ErrorKind::InvalidData => no_tls(&error.to_string()),
        std::io::ErrorKind::TimedOut
        | std::io::ErrorKind::HostUnreachable
        | std::io::ErrorKind::NetworkUnreachable
        | std::io::ErrorKind::AddrNotAvailable
            if connecting =>
        {
            Cause {
                kind: ErrorKind::Io,
                what: "the host cannot be reached",
                help: "check host and port in the configuration, and the network and firewalls between",
            }
        }
        _ => lost_or_never,
    };
    let cause = match &error {
        sqlx::Error::Database(error) => cause(error.as_ref()),
        sqlx::Error::Io(error) => Some(lost(error)),
        sqlx::Error::Tls(why) if declined(why.as_ref()) => Some(DECLINED),
        sqlx::Error::Tls(why) => Some(no_tls(&why.to_string())),
        sqlx::Error::Protocol(_) => Some(lost_or_never),
        _ => None,
    };
    let kind = cause.as_ref().map_or(ErrorKind::Io, |cause| cause.kind);
    let message = match &cause {
        Some(cause) => format!("cannot {doing}: {}", cause.what),
        None => format!("cannot {doing}"),
    };
    let error = match error {
        sqlx::Error::Database(error) => match error.code() {
            Some(code) => format!("{} [{code}]", error.message()),
            None => error.message().to_string(),
        },
        sqlx::Error::Io(error) => error.to_string(),
        other => other.to_string(),
    };
    let error = Error::new(kind, message).with("database", place).because(error);
    match cause {
        Some(cause) => error.help(cause.help),
        None => error,
    }
}

/// The connection was lost.
pub(super) const LOST: Cause = Cause {
    kind: ErrorKind::Io,
    what: "the connection was lost",
    help: "look into the log of the database server, then start again",
};

/// Whether TLS failed because the database server does not support it.
pub(super) fn declined(why: &(dyn std::error::Error + Send + Sync)) -> bool {
    // sqlx has no other sign of it.
    why.to_string().contains("does not support TLS")
}

const DECLINED: Cause = Cause {
    kind: ErrorKind::Io,
    what: "the database server declines TLS, which the configuration asks for; nothing secret was sent to it",
    help: "turn on TLS on the database server, or check host and port in the configuration",
};

/// The connection was never established.
const NEVER: Cause = Cause {
    kind: ErrorKind::Io,
    what: "what answers closed the connection, or is no such database server",
    help: "check host, port and tls.enable in the configuration, and look into the log of the database server",
};

/// Why the TLS library, with the error `why`, has not accepted the server.
fn no_tls(why: &str) -> Cause {
    let (what, help) = if why.contains("UnknownIssuer") || why.contains("CaUsedAsEndEntity") {
        (
            "TLS cannot be established: no authority that is publicly known has signed the certificate of the database \
             server",
            "give it such a certificate, or set tls.allow-invalid-certs in the configuration if the network between is \
             trusted",
        )
    } else if why.contains("NotValidForName") || why.contains("not valid for name") {
        (
            "TLS cannot be established: the certificate of the database server is for another host",
            "name the host in the configuration as the certificate does, or set tls.allow-invalid-certs if the network \
             between is trusted",
        )
    } else if why.contains("Expired") || why.contains("expired") || why.contains("NotValidYet") {
        (
            "TLS cannot be established: the certificate of the database server has expired or is not valid yet",
            "renew it, and check the clock of this machine",
        )
    } else {
        (
            "TLS cannot be established",
            "check the certificate of the database server, and tls.enable and tls.allow-invalid-certs in the \
             configuration",
        )
    };
    Cause { kind: ErrorKind::Io, what, help }
}

/// What was being done, for errors of connecting.
const CONNECT: &str = "connect";

/// A connection with the runtime that drives it.
pub(super) struct Session<C> {
    runtime: Runtime,
    /// The connection itself.
    pub connection: C,
    // Whether a statement was abandoned: the server may still be executing it.
    left: bool,
}

/// The result of a wait that was ended because the run should end.
#[derive(Debug)]
struct Stopped;

impl std::fmt::Display for Stopped {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("interrupted")
    }
}

impl std::error::Error for Stopped {}

/// The error of a host whose name has no address.
fn unresolved(error: std::io::Error, place: &str) -> Error {
    Error::io("cannot connect: the name of the host cannot be resolved")
        .with("database", place)
        .because(error)
        .help(
            "check the host in the configuration, and whether this machine or container can resolve it \
             (getent hosts NAME); start again if the failure is a temporary one",
        )
}

impl<C> Session<C> {
    /// Connects, within `limit`. `reach` is host and port, if the connection goes over TCP.
    pub fn open<F: Future<Output = sqlx::Result<C>>>(
        reach: Option<(&str, u16)>,
        connect: F,
        limit: Option<Duration>,
        place: &str,
        translate: impl FnOnce(sqlx::Error) -> Error,
    ) -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(|error| {
            Error::io("cannot prepare a connection").with("database", place).because(error)
        })?;
        let limit = limit.filter(|limit| !limit.is_zero()).unwrap_or(CONNECT_LIMIT);
        let attempt = async {
            // Only here is an error certainly one of resolving the host.
            if let Some(reach) = reach
                && let Err(error) = tokio::net::lookup_host(reach).await
            {
                return Err(unresolved(error, place));
            }
            connect.await.map_err(translate)
        };
        let connected =
            runtime.block_on(async { unless_stopped(tokio::time::timeout(limit, attempt)).await })?;
        match connected {
            Ok(Ok(connection)) => Ok(Session { runtime, connection, left: false }),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(Error::io(format!(
                "cannot connect: the database server did not answer within {} ms",
                limit.as_millis()
            ))
            .with("database", place)
            .help("check host and port in the configuration and that the database server is running")),
        }
    }

    /// Runs `work` on the connection, on this thread, unless the run is asked to end: a server may wait for a lock of
    /// another session for an unlimited time. A session that was abandoned like this cannot be used again. Its
    /// uncommitted changes are rolled back once the server notices that the connection is closed.
    pub fn run<T>(&mut self, work: impl AsyncFnOnce(&mut C) -> sqlx::Result<T>) -> sqlx::Result<T> {
        if std::mem::replace(&mut self.left, true) {
            return Err(sqlx::Error::Io(std::io::Error::other(Stopped)));
        }
        let ended = self.runtime.block_on(unless_stopped(work(&mut self.connection)));
        let done = ended.map_err(|_| sqlx::Error::Io(std::io::Error::other(Stopped)))?;
        self.left = false;
        done
    }

    /// Closes the session cleanly, so that the server does not log a lost connection.
    pub fn close<F: Future>(self, close: impl FnOnce(C) -> F) {
        if self.left {
            return;
        }
        // A failure to close is ignored.
        let _ = self
            .runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(1), close(self.connection)).await });
    }
}

/// Waits for an answer of the server, unless the run is asked to end.
async fn unless_stopped<F: Future>(work: F) -> Result<F::Output> {
    let mut work = std::pin::pin!(work);
    loop {
        match tokio::time::timeout(LOOK, work.as_mut()).await {
            Ok(output) => return Ok(output),
            Err(_) => Stop::of_process().check()?,
        }
    }
}

/// Connections that are not in use.
pub(super) struct Idle<C>(Mutex<Vec<Session<C>>>);

impl<C> Idle<C> {
    pub fn new() -> Self {
        Idle(Mutex::default())
    }

    pub fn take(&self) -> Option<Session<C>> {
        lock(&self.0).pop()
    }

    pub fn give_back(&self, session: Session<C>) {
        lock(&self.0).push(session);
    }

    pub fn drain(&self) -> Vec<Session<C>> {
        std::mem::take(&mut *lock(&self.0))
    }
}

/// The name of the sessions of this process, where a server asks for one; another run has another name.
pub(super) fn own_name() -> &'static str {
    static NAME: OnceLock<String> = OnceLock::new();
    NAME.get_or_init(|| format!("{} {:016x}", env!("CARGO_PKG_NAME"), unlike_any_other()))
}

/// Calls `ask` for other sessions until there are none, for at most a second: a session that has just ended is still
/// listed for a moment.
pub(super) fn without_leavers(mut ask: impl FnMut() -> Result<Vec<String>>) -> Result<Vec<String>> {
    let mut others = ask()?;
    for _ in 0..10 {
        if others.is_empty() {
            break;
        }
        Stop::of_process().sleep(Duration::from_millis(100))?;
        others = ask()?;
    }
    Ok(others)
}

/// Receives the rows of a query: fills a page, hands it over and suspends the query until the next page is wanted.
pub(super) struct PageFeed {
    slot: Arc<Mutex<Slot>>,
    page: Page,
    budget: usize,
}

#[derive(Default)]
struct Slot {
    wanted: Option<(Page, usize)>,
    full: Option<Page>,
    stop: bool,
}

impl PageFeed {
    /// Adds a record; true if the page is full and should be handed over.
    #[inline]
    pub fn push(&mut self, key: &[u8], value: &[u8]) -> bool {
        self.page.push(key, value);
        self.page.size() >= self.budget
    }

    /// The same for a value that can be moved.
    pub fn push_owned(&mut self, key: &[u8], value: Vec<u8>) -> bool {
        self.page.push_owned(key, value);
        self.page.size() >= self.budget
    }

    /// The last key in the page.
    pub fn last(&self) -> Option<&[u8]> {
        self.page.last().map(|(key, _)| key)
    }

    /// Hands the page over and waits for an empty one; false if no more are wanted.
    pub async fn hand_over(&mut self) -> bool {
        lock(&self.slot).full = Some(std::mem::take(&mut self.page));
        self.refill().await
    }

    async fn refill(&mut self) -> bool {
        // The task that sets what is waited for also polls again: no waker is needed.
        let wanted = poll_fn(|_| {
            let mut slot = lock(&self.slot);
            match slot.wanted.take() {
                Some(wanted) => Poll::Ready(Some(wanted)),
                None if slot.stop => Poll::Ready(None),
                None => Poll::Pending,
            }
        });
        match wanted.await {
            Some((page, budget)) => {
                (self.page, self.budget) = (page, budget);
                true
            }
            None => false,
        }
    }
}

type AsyncQuery<C> = Pin<Box<dyn Future<Output = (C, Result<()>)> + Send>>;

/// A running query, read page by page.
pub(super) struct QueryDriver<C> {
    state: QueryState<C>,
    slot: Arc<Mutex<Slot>>,
}

enum QueryState<C> {
    Running(Runtime, AsyncQuery<C>),
    Done,
    Failed(String),
}

impl<C: Send + 'static> QueryDriver<C> {
    /// Starts `work`, which feeds pages until it has no more rows or no more are wanted.
    pub fn start<W>(session: Session<C>, work: W) -> Self
    where
        W: AsyncWork<C>,
    {
        let slot = Arc::new(Mutex::new(Slot::default()));
        let mut feed = PageFeed { slot: Arc::clone(&slot), page: Page::new(), budget: 0 };
        let mut connection = session.connection;
        let work = async move {
            let result =
                if feed.refill().await { work.run(&mut connection, &mut feed).await } else { Ok(()) };
            let mut slot = lock(&feed.slot);
            slot.full = slot.full.take().or_else(|| Some(std::mem::take(&mut feed.page)));
            drop(slot);
            (connection, result)
        };
        QueryDriver { state: QueryState::Running(session.runtime, Box::pin(work)), slot }
    }

    /// As [`crate::backend::Pages::next`]. A connection whose query has ended goes to `idle`.
    pub fn next(&mut self, page: &mut Page, budget: usize, idle: &Idle<C>) -> Result<bool> {
        page.clear();
        let (runtime, work) = match &mut self.state {
            QueryState::Done => return Ok(false),
            QueryState::Failed(why) => return Err(Error::io(why.clone())),
            QueryState::Running(runtime, work) => (runtime, work),
        };
        lock(&self.slot).wanted = Some((std::mem::take(page), budget));
        let polled = poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(ended) => Poll::Ready(Some(ended)),
            Poll::Pending if lock(&self.slot).full.is_some() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        });
        let ended = runtime.block_on(unless_stopped(polled))?;
        *page = lock(&self.slot).full.take().unwrap_or_default();
        match ended {
            None => Ok(!page.is_empty()),
            Some((connection, Ok(()))) => {
                if let QueryState::Running(runtime, _) = std::mem::replace(&mut self.state, QueryState::Done)
                {
                    idle.give_back(Session { runtime, connection, left: false });
                }
                Ok(!page.is_empty())
            }
            Some((_, Err(error))) => {
                page.clear();
                self.state = QueryState::Failed(error.to_string());
                Err(error)
            }
        }
    }

    /// Ends a query before its last row; `None` if its connection is lost or already idle.
    pub fn stop(&mut self) -> Option<Session<C>> {
        let QueryState::Running(runtime, mut work) = std::mem::replace(&mut self.state, QueryState::Done)
        else {
            return None;
        };
        lock(&self.slot).stop = true;
        // The query is suspended where it handed over its last page, so it ends at once or not at all.
        let ended = runtime.block_on(poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready((connection, result)) => Poll::Ready(result.ok().map(|()| connection)),
            Poll::Pending => Poll::Ready(None),
        }));
        ended.map(|connection| Session { runtime, connection, left: false })
    }
}

/// A query that feeds pages.
pub(super) trait AsyncWork<C>: Send + 'static {
    fn run(self, connection: &mut C, feed: &mut PageFeed) -> impl Future<Output = Result<()>> + Send;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Numbers {
        until: u32,
        fail: bool,
    }

    impl AsyncWork<()> for Numbers {
        async fn run(self, (): &mut (), feed: &mut PageFeed) -> Result<()> {
            for n in 0..self.until {
                if feed.push(&n.to_be_bytes(), b"") {
                    // Waits for something else in between, as for a socket.
                    tokio::time::sleep(Duration::from_micros(10)).await;
                    if !feed.hand_over().await {
                        return Ok(());
                    }
                }
            }
            if self.fail { Err(Error::io("cut")) } else { Ok(()) }
        }
    }

    fn session() -> Session<()> {
        Session::open(None, async { Ok(()) }, None, "", |e| Error::io(e.to_string())).unwrap()
    }

    #[test]
    fn a_pump_delivers_every_record_and_gives_its_connection_back() {
        for (until, fail) in [(0, false), (1, false), (100, false), (99, true)] {
            let idle = Idle::new();
            let mut driver = QueryDriver::start(session(), Numbers { until, fail });
            let (mut page, mut seen) = (Page::new(), Vec::new());
            let end = loop {
                match driver.next(&mut page, 64, &idle) {
                    Ok(true) => seen.extend(page.iter().map(|(k, _)| k.to_vec())),
                    end => break end,
                }
            };
            if fail {
                assert!(end.is_err() && driver.next(&mut page, 64, &idle).is_err(), "an error stays");
                continue;
            }
            assert_eq!(seen, (0..until).map(|n| n.to_be_bytes().to_vec()).collect::<Vec<_>>());
            assert!(!driver.next(&mut page, 64, &idle).unwrap() && driver.stop().is_none());
            assert_eq!(idle.drain().len(), 1);
        }
    }

    #[test]
    fn a_pump_can_be_stopped_before_and_between_pages() {
        for pages in [0, 1, 3] {
            let idle = Idle::new();
            let mut driver = QueryDriver::start(session(), Numbers { until: 1000, fail: false });
            for _ in 0..pages {
                assert!(driver.next(&mut Page::new(), 64, &idle).unwrap());
            }
            assert!(driver.stop().is_some(), "{pages}");
        }
    }
}
