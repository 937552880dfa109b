//! Brings the database to this binary's form, whoever else does the same at the same time.

use super::conn::Pool;
use super::sql;
use crate::error::{Error, Result};

const MIGRATIONS: [&str; 1] = [include_str!("../../../migrations/postgres/001_first.sql")];

/// Migrates, and gives the secret of the installation.
pub(super) fn migrate(pool: &Pool) -> Result<Vec<u8>> {
    pool.write(|tx| {
        for migration in MIGRATIONS {
            tx.batch(migration)?;
        }
        let secret = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
        tx.run("INSERT INTO installation (name, value) VALUES ('secret', $1) ON CONFLICT DO NOTHING", &[&secret])?;
        let found = tx.first("SELECT value FROM installation WHERE name = 'secret'", &[], |row| sql::get(row, 0))?;
        found.ok_or_else(|| Error::internal("the installation has no secret"))
    })
}
