//! Connections, with the statements that they have prepared, and the pool that keeps them.
//!
//! The driver's client drives a small runtime of its own: it must be used on plain threads, and in what a runtime keeps
//! for work that blocks, never in async code.

use std::collections::HashMap;
use std::fmt;
use std::io::Write as _;
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

use postgres::types::ToSql;
use postgres::{Client, Row, Statement};
use tokio::runtime::Handle;
use uuid::Uuid;

use super::tls::Server;
use super::{insertion, sql};
use crate::config::PostgresSettings;
use crate::error::Result;

/// Connections kept at most while nobody uses them.
const MAX_IDLE: usize = 8;

/// Connections lent at a time. Whoever needs one more waits. Those of imports and other long work do not count.
const MAX_LENT: usize = 16;

/// How long a short statement waits for what another transaction holds, and how long it may take in all.
const LOCK_TIMEOUT: Duration = Duration::from_secs(15);
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(20);

/// How long somebody waits for a connection to be free.
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of a COPY sent at a time.
const PART: usize = 1 << 16;

/// The values of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection.
pub(super) struct Conn {
    wire: Wire,
    pool: Pool,
    /// Of the connections that are lent.
    lent: Option<Lent>,
}

/// What of a connection is kept while nobody uses it.
struct Wire {
    /// Always there until it is dropped.
    client: Option<Client>,
    prepared: HashMap<String, Statement>,
    is_lost: bool,
    in_transaction: bool,
}

impl Conn {
    /// All rows of an answer.
    pub(super) fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let done = self.client().query(&statement, params);
        self.told(sql, done)
    }

    /// Runs a statement and says how many rows it changed.
    pub(super) fn run(&mut self, sql: &str, params: Params<'_>) -> Result<u64> {
        let statement = self.prepare(sql)?;
        let done = self.client().execute(&statement, params);
        self.told(sql, done)
    }

    /// The first row of an answer, as `read` sees it.
    pub(super) fn first<T>(
        &mut self,
        sql: &str,
        params: Params<'_>,
        read: impl FnOnce(&Row) -> Result<T>,
    ) -> Result<Option<T>> {
        self.query(sql, params)?.first().map(read).transpose()
    }

    /// All rows of an answer, as `read` sees them.
    pub(super) fn all<T>(
        &mut self,
        sql: &str,
        params: Params<'_>,
        read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.query(sql, params)?.iter().map(read).collect()
    }

    /// Runs statements that have no values.
    pub(super) fn batch(&mut self, sql: &str) -> Result<()> {
        // Also if it fails: then nobody knows.
        self.wire.in_transaction |= sql.starts_with("BEGIN");
        let done = self.client().batch_execute(sql);
        self.told(sql, done)?;
        if sql.ends_with("COMMIT") || sql.ends_with("ROLLBACK") {
            self.wire.in_transaction = false;
        }
        Ok(())
    }

    /// Sends rows, in the binary form of COPY, and says how many there were. `sql` is a `COPY TABLE (COLUMNS) FROM STDIN
    /// BINARY`.
    pub(super) fn copy(&mut self, sql: &str, rows: &[u8]) -> Result<u64> {
        if !self.pool.engine().copies() {
            return insertion::insert(self, sql, rows);
        }
        let statement = self.prepare(sql)?;
        let copied = self.client().copy_in(&statement).and_then(|mut writer| {
            // Why sending failed is told at the end.
            let _ = rows.chunks(PART).try_for_each(|part| writer.write_all(part));
            writer.finish()
        });
        self.told(sql, copied)
    }

    /// The driver's own handle, for what is not a statement with an answer. What it says goes to [`Conn::told`].
    pub(super) fn client(&mut self) -> &mut Client {
        self.wire.client.as_mut().expect("a connection has its client until it is dropped")
    }

    /// Whether the connection is gone.
    pub(super) fn is_lost(&self) -> bool {
        self.wire.is_lost || self.wire.client.as_ref().is_none_or(Client::is_closed)
    }

    /// Whether it is one of the pool's, which are for short statements, rather than one of its own.
    pub(super) fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    /// Gives it back to the pool, which keeps it unless it is in a transaction, gone, or one of its own.
    pub(super) fn give_back(self) {
        let is_lost = self.is_lost();
        let Conn { wire, pool, lent } = self;
        let is_good = lent.is_some() && !is_lost && !wire.in_transaction;
        let mut stock = pool.stock();
        if is_good && stock.idle.len() < MAX_IDLE {
            stock.idle.push(wire);
        } else {
            // Of a server that is gone, the others are gone too. Closing takes a moment.
            let lost = if is_lost { mem::take(&mut stock.idle) } else { Vec::new() };
            drop(stock);
            drop(lost);
        }
    }

    /// Where it comes from.
    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.wire.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.client().prepare(sql);
        let statement = self.told(sql, prepared)?;
        self.wire.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// What the driver said, as ours; a loss is remembered.
    pub(super) fn told<T>(&mut self, doing: &str, done: Result<T, postgres::Error>) -> Result<T> {
        done.map_err(|error| {
            self.wire.is_lost |= sql::is_loss(&error);
            sql::failed(doing, error)
        })
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        let Some(client) = self.client.take() else { return };
        if Handle::try_current().is_err() {
            return drop(client);
        }
        // A client says goodbye with a runtime of its own, which cannot be within another one.
        let _ = thread::Builder::new().name("goodbye".to_owned()).spawn(move || drop(client));
    }
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose<'a> {
    /// Short statements.
    Short,
    /// Work that takes as long as it takes, such as an import or an export, and is named so to whoever looks at the
    /// server.
    Long(&'a str),
    /// Statements that are worth nothing if they take longer than this.
    Within(Duration),
}

/// Connections that nobody uses now, and how to make more.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    server: Server,
    /// How its connections are known to others.
    owner: String,
    lease: Duration,
    engine: OnceLock<Engine>,
    stock: Mutex<Stock>,
    given_back: Condvar,
}

#[derive(Default)]
struct Stock {
    idle: Vec<Wire>,
    lent: usize,
}

/// One of the connections that may be lent at a time.
struct Lent(Pool);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.stock().lent -= 1;
        self.0.0.given_back.notify_one();
    }
}

/// What speaks PostgreSQL's protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Engine {
    PostgreSql,
    Citus,
    CockroachDb,
    YugabyteDb,
}

impl Engine {
    /// The engine of a server with this version, and with Citus or not.
    pub(super) fn of(version: &str, has_citus: bool) -> Engine {
        match version {
            _ if version.contains("CockroachDB") => Engine::CockroachDb,
            _ if version.contains("-YB-") => Engine::YugabyteDb,
            _ if has_citus => Engine::Citus,
            _ => Engine::PostgreSql,
        }
    }

    /// Whether it takes COPY as the driver sends it, in a prepared statement.
    fn copies(self) -> bool {
        self != Engine::CockroachDb
    }

    /// Whether tables can be made in a transaction, all or none.
    pub(super) fn makes_tables_in_transactions(self) -> bool {
        matches!(self, Engine::PostgreSql | Engine::Citus)
    }
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("server", &self.server).field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(settings: &PostgresSettings) -> Result<Pool> {
        Ok(Pool(Arc::new(Inner {
            server: Server::new(settings)?,
            owner: Uuid::new_v4().simple().to_string(),
            lease: settings.lease,
            engine: OnceLock::new(),
            stock: Mutex::default(),
            given_back: Condvar::new(),
        })))
    }

    /// How the connections of this process are known to others, see [`Pool::name`].
    pub(super) fn owner(&self) -> &str {
        &self.0.owner
    }

    /// How long a lease is good for.
    pub(super) fn lease(&self) -> Duration {
        self.0.lease
    }

    /// What the server is; known since the repository was opened.
    pub(super) fn engine(&self) -> Engine {
        self.0.engine.get().copied().unwrap_or(Engine::PostgreSql)
    }

    pub(super) fn note_engine(&self, engine: Engine) {
        // It is what it was.
        let _ = self.0.engine.set(engine);
    }

    /// A connection, outside of any transaction.
    ///
    /// # Errors
    /// `Busy` if none comes free for a while.
    pub(super) fn get(&self) -> Result<Conn> {
        let stock = self.stock();
        let waited = self.0.given_back.wait_timeout_while(stock, PATIENCE, |stock| stock.lent >= MAX_LENT);
        let (mut stock, waited) = waited.unwrap_or_else(PoisonError::into_inner);
        if waited.timed_out() {
            return Err(sql::busy());
        }
        stock.lent += 1;
        let idle = stock.idle.pop();
        drop(stock);
        let lent = Lent(self.clone());
        let wire = idle.map_or_else(|| self.wire(Purpose::Short), Ok)?;
        Ok(Conn { wire, pool: self.clone(), lent: Some(lent) })
    }

    /// A connection of its own, which does not go back into the pool.
    pub(super) fn connect(&self, purpose: Purpose<'_>) -> Result<Conn> {
        Ok(Conn { wire: self.wire(purpose)?, pool: self.clone(), lent: None })
    }

    fn wire(&self, purpose: Purpose<'_>) -> Result<Wire> {
        let client = self.0.server.connect(&self.name(purpose)).map_err(sql::unreachable)?;
        let mut wire = Wire { client: Some(client), prepared: HashMap::new(), is_lost: false, in_transaction: false };
        let settings = self.session_settings(purpose);
        let client = wire.client.as_mut().expect("just made");
        client.batch_execute(&settings).map_err(|error| sql::failed(&settings, error))?;
        Ok(wire)
    }

    /// What others know the connection by: whose it is, and for long work what it does.
    fn name(&self, purpose: Purpose<'_>) -> String {
        let whose = whose(&self.0.owner);
        match purpose {
            Purpose::Long(what) => format!("{whose} {what}"),
            Purpose::Short | Purpose::Within(_) => whose,
        }
    }

    fn session_settings(&self, purpose: Purpose<'_>) -> String {
        let (statement, lock) = match purpose {
            Purpose::Short => (STATEMENT_TIMEOUT, LOCK_TIMEOUT),
            Purpose::Long(_) => (Duration::ZERO, LOCK_TIMEOUT),
            Purpose::Within(length) => (length, length),
        };
        // Who is frozen in a transaction has lost it by the time that its lease is over.
        let idle = self.0.lease * 2 / 3;
        format!(
            "SET statement_timeout = {}; SET lock_timeout = {}; SET idle_in_transaction_session_timeout = {}; \
             SET default_transaction_isolation = 'read committed'; SET client_min_messages = warning",
            statement.as_millis(),
            lock.as_millis(),
            idle.as_millis()
        )
    }

    fn stock(&self) -> MutexGuard<'_, Stock> {
        self.0.stock.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the names of all connections of a process begin with.
pub(super) fn whose(owner: &str) -> String {
    format!("rollbook {owner}")
}
