//! Brings the database to this binary's form, whoever else does the same at the same time.
//!
//! Where tables can be made in a transaction, a migration is one: a kill leaves the form before or the form after. The
//! other engines make them one by one; there every statement can be made again, and the form counts when all are made.

use postgres::Row;
use postgres::error::SqlState;

use super::arriving::MOVING;
use super::conn::{Conn, Engine, Pool, Purpose};
use super::transaction::{Patience, Tx};
use super::{reports, sql, types, views};
use crate::error::{Error, Kind, Result};
use crate::repository::Hashes;
use crate::schema::{TypeName, starter_definitions};

/// The forms of the database: what they are called, how each is made of the one before, and what then completes what was
/// there. Everything may be done again.
const MIGRATIONS: [Migration; 2] = [
    ("first", include_str!("../../../migrations/postgres/001_first.sql"), |_| Ok(())),
    ("console", include_str!("../../../migrations/postgres/002_console.sql"), reports::complete),
];

type Migration = (&'static str, &'static str, fn(&mut Conn) -> Result<()>);

/// What this program knows.
pub(super) const FORM: usize = MIGRATIONS.len();

/// What is known of a database that was looked at.
#[derive(Debug)]
struct Look {
    form: usize,
    secret: Option<Vec<u8>>,
    /// Whether an installation moves in.
    is_moving: bool,
}

/// The form of the database, without changing it: 0 if nothing of ours is there.
pub(super) fn form(pool: &Pool) -> Result<usize> {
    // Without patience: whoever starts is told at once that there is no server.
    let mut conn = pool.connect(Purpose::Short)?;
    look(&mut conn).map(|look| look.form)
}

/// Whose database it is meant to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meant {
    /// That of an installation.
    ToServe,
    /// That of one that moves in.
    ToMoveIn,
}

/// Migrates, and gives the secret of the installation.
///
/// # Errors
/// `Conflict` if a newer program has made it, or while an installation moves in.
pub(super) fn migrate(pool: &Pool, meant: Meant) -> Result<Vec<u8>> {
    let mut conn = pool.connect(Purpose::Short)?;
    let Look { form, secret, is_moving } = look(&mut conn)?;
    check(form)?;
    if is_moving && meant == Meant::ToServe {
        return Err(Error::conflict(
            "an installation is being moved into this database by 'rollbook migrate --from'; if that was interrupted, run \
             it again",
        ));
    }
    if let (FORM, Some(secret)) = (form, secret) {
        return Ok(secret);
    }
    check_encoding(&mut conn)?;
    drop(conn);
    again(|| make_ledger(pool))?;
    loop {
        let done = pool.read(newest)?;
        check(done)?;
        let Some(migration) = MIGRATIONS.get(done) else { break };
        tracing::info!(form = done + 1, name = migration.0, "migrating the repository");
        match pool.engine().makes_tables_in_transactions() {
            true => again(|| migrate_at_once(pool, done, migration))?,
            false => again(|| migrate_one_by_one(pool, done, migration))?,
        }
    }
    found(pool)
}

/// One query, because every start asks it.
fn look(conn: &mut Conn) -> Result<Look> {
    let sql = "SELECT (SELECT max(version) FROM schema_migration), \
               (SELECT value FROM installation WHERE name = 'secret'), version(), \
               EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus'), \
               EXISTS (SELECT 1 FROM installation WHERE name = $1)";
    let pool = conn.pool().clone();
    let known = conn.first(sql, &[&MOVING], |row| {
        note_engine(&pool, row, 2)?;
        Ok(Look { form: form_of(sql::get(row, 0)?), secret: sql::get(row, 1)?, is_moving: sql::get(row, 4)? })
    });
    match known {
        Err(error) if sql::code(&error) == Some(&SqlState::UNDEFINED_TABLE) => {
            let sql = "SELECT version(), EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'citus')";
            conn.first(sql, &[], |row| note_engine(&pool, row, 0))?;
            let form = if has_ledger(conn)? { newest(conn)? } else { 0 };
            Ok(Look { form, secret: None, is_moving: false })
        }
        known => known?.ok_or_else(|| Error::internal("a query without a table has no answer")),
    }
}

fn note_engine(pool: &Pool, row: &Row, column: usize) -> Result<()> {
    let version: String = sql::get(row, column)?;
    pool.note_engine(Engine::of(&version, sql::get(row, column + 1)?));
    Ok(())
}

fn has_ledger(conn: &mut Conn) -> Result<bool> {
    let sql = "SELECT to_regclass('schema_migration') IS NOT NULL";
    Ok(conn.first(sql, &[], |row| sql::get(row, 0))?.unwrap_or(false))
}

fn newest(conn: &mut Conn) -> Result<usize> {
    let newest = conn.first("SELECT max(version) FROM schema_migration", &[], |row| sql::get(row, 0))?;
    Ok(form_of(newest.flatten()))
}

fn form_of(version: Option<i64>) -> usize {
    usize::try_from(version.unwrap_or(0)).unwrap_or(usize::MAX)
}

/// # Errors
/// `Conflict` if a newer program has made it.
fn check(form: usize) -> Result<()> {
    if form <= FORM {
        return Ok(());
    }
    let why = format!("the repository has form {form}, this program knows forms up to {FORM}: use a newer rollbook");
    Err(Error::new(Kind::Conflict, why))
}

/// Texts are compared and cut by bytes, and files are in UTF-8.
fn check_encoding(conn: &mut Conn) -> Result<()> {
    let encoding: Option<String> = conn.first("SHOW server_encoding", &[], |row| sql::get(row, 0))?;
    match encoding.as_deref() {
        Some("UTF8" | "UTF-8" | "utf8") | None => Ok(()),
        Some(other) => Err(Error::request(format!(
            "repository.url names a database with the encoding '{other}': make one with the encoding 'UTF8'"
        ))),
    }
}

/// Makes the table of migrations, and its row 0: who holds it migrates.
fn make_ledger(pool: &Pool) -> Result<()> {
    pool.read(|conn| {
        conn.batch(
            "CREATE TABLE IF NOT EXISTS schema_migration \
             (version bigint PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL)",
        )?;
        note(conn, 0, "nothing")
    })
}

fn note(conn: &mut Conn, version: usize, name: &str) -> Result<()> {
    let version = i64::try_from(version).unwrap_or(i64::MAX);
    let sql = "INSERT INTO schema_migration (version, name, at) VALUES ($1, $2, now()) ON CONFLICT DO NOTHING";
    conn.run(sql, &[&version, &name]).map(drop)
}

fn migrate_at_once(pool: &Pool, done: usize, (name, migration, complete): &Migration) -> Result<()> {
    // An index over millions of objects takes as long as it takes.
    let mut conn = pool.connect(Purpose::Long("migration"))?;
    // Whoever starts meanwhile waits for it.
    conn.batch("SET lock_timeout = 0")?;
    conn.batch("BEGIN")?;
    conn.first("SELECT 1 FROM schema_migration WHERE version = 0 FOR UPDATE", &[], |_| Ok(()))?;
    if newest(&mut conn)? == done {
        conn.batch(migration)?;
        complete(&mut conn)?;
        note(&mut conn, done + 1, name)?;
    }
    // If the answer is lost, it is looked at again what is done.
    conn.batch("COMMIT")
}

fn migrate_one_by_one(pool: &Pool, done: usize, (name, migration, complete): &Migration) -> Result<()> {
    let mut conn = pool.connect(Purpose::Long("migration"))?;
    statements(migration).iter().try_for_each(|statement| conn.batch(statement))?;
    complete(&mut conn)?;
    note(&mut conn, done + 1, name)
}

/// The statements of a migration, without comments. None has a semicolon in a text.
fn statements(migration: &str) -> Vec<String> {
    let without_comments = |line: &str| line.split_once("--").map_or(line, |(sql, _)| sql).trim_end().to_owned();
    let sql: Vec<String> = migration.lines().map(without_comments).collect();
    let statements = sql.join("\n");
    statements.split(';').map(|statement| statement.trim().to_owned()).filter(|text| !text.is_empty()).collect()
}

/// Does again what met another process that makes the same tables.
fn again(mut work: impl FnMut() -> Result<()>) -> Result<()> {
    let mut patience = Patience::new();
    loop {
        match work() {
            Err(error) if meets_others(&error) => patience.pause_anyway(error)?,
            Err(error) => patience.pause(error)?,
            Ok(()) => return Ok(()),
        }
    }
}

/// Two that make one table at the same time are told so in many ways.
fn meets_others(error: &Error) -> bool {
    let ways = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::DUPLICATE_TABLE,
        SqlState::DUPLICATE_OBJECT,
        // 'tuple concurrently updated'
        SqlState::INTERNAL_ERROR,
    ];
    sql::code(error).is_some_and(|code| ways.contains(code))
}

/// Gives the secret of the installation; whoever is first makes it, together with what a new installation has.
fn found(pool: &Pool) -> Result<Vec<u8>> {
    let ours = [*uuid::Uuid::new_v4().as_bytes(), *uuid::Uuid::new_v4().as_bytes()].concat();
    let secret = pool.write(|tx: &mut Tx| {
        let put = "INSERT INTO installation (name, value) VALUES ('secret', $1) ON CONFLICT DO NOTHING";
        if tx.run(put, &[&ours])? > 0 {
            for definition in starter_definitions() {
                types::apply(tx, &definition, Hashes::new(&ours))?;
            }
        }
        let secret = tx.first("SELECT value FROM installation WHERE name = 'secret'", &[], |row| sql::get(row, 0))?;
        secret.ok_or_else(|| Error::internal("the installation has no secret"))
    })?;
    for definition in starter_definitions() {
        views::make_view(pool, &TypeName::of(&definition)?);
    }
    Ok(secret)
}

#[cfg(test)]
mod tests {
    use super::{MIGRATIONS, statements};

    #[test]
    fn a_migration_falls_into_statements_that_can_be_made_again() {
        for (name, migration, _) in MIGRATIONS {
            for statement in statements(migration) {
                let is_harmless = statement.contains("IF NOT EXISTS") && !statement.contains("--");
                assert!(is_harmless, "{name}: {statement}");
            }
        }
        assert_eq!(statements("-- one; two\nA (\n  b -- c\n);\nD;\n"), ["A (\n  b\n)", "D"]);
    }
}
