//! Connections, with the statements that they have prepared, and the pool that keeps them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use postgres::error::SqlState;
use postgres::types::ToSql;
use postgres::{Client, Config, NoTls, Row, Statement};

use super::sql;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// Connections kept at most.
const MAX_IDLE: usize = 8;

/// The values of a statement.
pub(super) type Params<'a> = &'a [&'a (dyn ToSql + Sync)];

/// A connection.
pub(super) struct Conn {
    client: Client,
    prepared: HashMap<String, Statement>,
    /// Why the last statement failed, if the server said why.
    last_failure: Option<SqlState>,
}

impl Conn {
    /// All rows of an answer.
    pub(super) fn query(&mut self, sql: &str, params: Params<'_>) -> Result<Vec<Row>> {
        let statement = self.prepare(sql)?;
        let done = self.client.query(&statement, params);
        self.told(sql, done)
    }

    /// Runs a statement and says how many rows it changed.
    pub(super) fn run(&mut self, sql: &str, params: Params<'_>) -> Result<u64> {
        let statement = self.prepare(sql)?;
        let done = self.client.execute(&statement, params);
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
        let done = self.client.batch_execute(sql);
        self.told(sql, done)
    }

    /// The driver's own handle, for what is not a statement with an answer.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Whether the connection is gone.
    pub(super) fn is_lost(&self) -> bool {
        self.client.is_closed()
    }

    /// Why the last statement failed, if the server said why.
    pub(super) fn last_failure(&self) -> Option<&SqlState> {
        self.last_failure.as_ref()
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.prepared.get(sql) {
            return Ok(statement.clone());
        }
        let prepared = self.client.prepare(sql);
        let statement = self.told(sql, prepared)?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// What the driver said, as ours; the reason of a failure is kept.
    pub(super) fn told<T>(&mut self, doing: &str, done: Result<T, postgres::Error>) -> Result<T> {
        done.map_err(|error| {
            self.last_failure = error.code().cloned();
            sql::failed(doing, error)
        })
    }
}

/// Connections that nobody uses now, and how to make more.
#[derive(Clone, Debug)]
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    config: Config,
    idle: Mutex<Vec<Conn>>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("hosts", &self.config.get_hosts()).finish_non_exhaustive()
    }
}

impl Pool {
    pub(super) fn new(url: &Secret) -> Result<Pool> {
        let config: Config = url
            .reveal()
            .parse()
            .map_err(|error| Error::request(format!("repository.url is not the address of a database: {error}")))?;
        Ok(Pool(Arc::new(Inner { config, idle: Mutex::default() })))
    }

    /// A connection, outside of any transaction.
    pub(super) fn get(&self) -> Result<Conn> {
        let idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        idle.map_or_else(|| self.connect(), Ok)
    }

    /// Keeps a connection that is outside of any transaction.
    pub(super) fn put(&self, conn: Conn) {
        let mut idle = self.0.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !conn.is_lost() && idle.len() < MAX_IDLE {
            idle.push(conn);
        }
    }

    /// A new connection.
    pub(super) fn connect(&self) -> Result<Conn> {
        let client = self.0.config.connect(NoTls);
        let client = client.map_err(|error| Error::storage("the repository could not be reached", error))?;
        Ok(Conn { client, prepared: HashMap::new(), last_failure: None })
    }
}
