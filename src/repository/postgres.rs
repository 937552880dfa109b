//! A PostgreSQL server, or what speaks its protocol: the same promises for any number of processes.
//!
//! All SQL keeps to what PostgreSQL, Citus, CockroachDB and YugabyteDB share. Nothing here judges, as in the embedded
//! backend; what differs is how things are kept apart: instead of one write lock there are leases in rows, with tokens
//! that are checked in the transactions they protect, and a write that finds another state than was seen is made again.

mod arriving;
mod conn;
mod drop_folders;
mod idempotency;
mod imports;
mod insertion;
mod leases;
mod migrate;
mod objects;
mod prefix;
mod reports;
mod runs;
mod search;
mod session;
mod sign_ins;
mod sql;
mod streams;
mod tls;
mod tokens;
mod transaction;
mod types;
mod views;
mod writing;

use std::sync::Arc;

pub(super) use self::arriving::Arriving;
use self::conn::Pool;
pub(super) use self::leases::HeldRow;
use self::leases::Leases;
use self::migrate::Meant;
pub(super) use self::search::Moment;
pub(super) use self::session::Session;
pub(super) use self::transaction::is_in_doubt;
use super::long_looks::LongLooks;
use super::{Hashes, Lease, Mode, StoredType};
use crate::config::{Memory, PostgresSettings};
use crate::error::Result;
use crate::import::Import;
use crate::schema::TypeName;

/// See the module's head.
#[derive(Debug)]
pub struct Postgres {
    pool: Pool,
    leases: Arc<Leases>,
    memory: Memory,
    hashes: Hashes,
    long_looks: LongLooks,
}

impl Postgres {
    /// Opens the database, making what is not there yet.
    pub(in crate::repository) fn open(settings: &PostgresSettings, memory: Memory) -> Result<Postgres> {
        let pool = Pool::new(settings)?;
        let secret = migrate::migrate(&pool, Meant::ToServe)?;
        Ok(Postgres::with(pool, &secret, memory))
    }

    /// The same for an installation that moves in.
    fn open_to_move_in(settings: &PostgresSettings, memory: Memory) -> Result<Postgres> {
        let pool = Pool::new(settings)?;
        let secret = migrate::migrate(&pool, Meant::ToMoveIn)?;
        Ok(Postgres::with(pool, &secret, memory))
    }

    fn with(pool: Pool, secret: &[u8], memory: Memory) -> Postgres {
        let leases = Arc::new(Leases::new(&pool));
        Postgres { pool, leases, memory, hashes: Hashes::new(secret), long_looks: LongLooks::default() }
    }

    /// The form that the database has, and the one that this program knows.
    pub(in crate::repository) fn forms(settings: &PostgresSettings) -> Result<(usize, usize)> {
        Ok((migrate::form(&Pool::new(settings)?)?, migrate::FORM))
    }

    pub(in crate::repository) fn hashes(&self) -> Hashes {
        self.hashes
    }

    pub(in crate::repository) fn installation_value(&self, name: &str) -> Result<Option<Vec<u8>>> {
        self.read(|conn| conn.first("SELECT value FROM installation WHERE name = $1", &[&name], |row| sql::get(row, 0)))
    }

    pub(in crate::repository) fn put_installation_value(&self, name: &str, value: &[u8]) -> Result<Vec<u8>> {
        self.write(|tx| {
            let sql = "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
            tx.run(sql, &[&name, &value])?;
            let found = tx.first("SELECT value FROM installation WHERE name = $1", &[&name], |row| sql::get(row, 0))?;
            Ok(found.unwrap_or_default())
        })
    }

    pub(in crate::repository) fn session(&self, stored: &StoredType, import: &Import, mode: Mode) -> Result<Session> {
        Session::open(self, stored, import, mode)
    }

    pub(in crate::repository) fn lease(&self, object_type: &TypeName) -> Result<Option<Lease>> {
        Ok(self.leases.take(&leases::of_type(object_type))?.map(Lease::of_row))
    }

    /// Any number of services work with one database.
    pub(in crate::repository) fn claim_service(&self) -> Result<Option<Lease>> {
        Ok(Some(Lease::of_nothing()))
    }

    pub(in crate::repository) fn lease_place(&self, place: &str) -> Result<Option<Lease>> {
        Ok(self.leases.take(&leases::of_place(place))?.map(Lease::of_row))
    }
}
