//! A database that an installation moves to.

use std::ops::ControlFlow;

use super::conn::Purpose;
use super::leases::HeldRow;
use super::session::rows::Rows;
use super::streams::each_row;
use super::transaction::{Tx, is_in_doubt};
use super::{Postgres, sql, views};
use crate::config::{Memory, PostgresSettings};
use crate::error::{Error, Result};
use crate::repository::Repository;
use crate::repository::sqlite::Leaving;
use crate::repository::transfer::{Cell, Compared, Objects, Origin, TABLES, Table, Tally, tally, verify};
use crate::schema::{TypeName, starter_definitions};

/// What the database knows of itself while an installation moves to it. It keeps everybody else out.
pub(super) const MOVING: &str = "moving in";

/// The lease of who fills it.
const LEASE: &str = "moving in";

/// Bytes that are sent at a time.
const SENT_AT_ONCE: usize = 8 << 20;

/// What a database has in it that is used: nobody's installation has any of it.
const USED: [&str; 8] =
    ["object", "import", "failure", "token", "idempotency", "drop_folder", "drop_folder_state", "run"];

/// See the module's head.
pub(in crate::repository) struct Arriving {
    repository: Repository,
    lease: HeldRow,
}

impl Arriving {
    pub(in crate::repository) fn prepare(settings: &PostgresSettings, memory: Memory) -> Result<Arriving> {
        let postgres = Postgres::open_to_move_in(settings, memory)?;
        let taken = postgres.leases.take(LEASE)?;
        let lease = taken.ok_or_else(|| Error::conflict("another 'rollbook migrate' is filling this database"))?;
        postgres.write(|tx| {
            refuse_used(tx)?;
            let mark = "INSERT INTO installation (name, value) VALUES ($1, '') ON CONFLICT DO NOTHING";
            tx.run(mark, &[&MOVING]).map(drop)
        })?;
        // Whoever came before the mark was there is still connected.
        let alone = postgres.read(|conn| {
            let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                          AND application_name LIKE 'rollbook %' AND NOT starts_with(application_name, $1)";
            let ours = super::conn::whose(conn.pool().owner());
            match conn.first(others, &[&ours], |row| sql::get::<i64>(row, 0))? {
                Some(0) | None => Ok(()),
                Some(_) => Err(Error::conflict("another rollbook works with this database: stop it first")),
            }
        });
        if alone.is_err() {
            // They are to go on.
            postgres.write(|tx| tx.run("DELETE FROM installation WHERE name = $1", &[&MOVING]).map(drop))?;
        }
        alone?;
        Ok(Arriving { repository: Repository::Postgres(postgres), lease })
    }

    pub(in crate::repository) fn repository(&self) -> &Repository {
        &self.repository
    }

    /// Whether everything may be there although filling failed so: nobody could be asked.
    pub(in crate::repository) fn may_be_filled(error: &Error) -> bool {
        is_in_doubt(error)
    }

    pub(in crate::repository) fn fill(&self, source: &Leaving<'_>) -> Result<Vec<Compared>> {
        let Repository::Postgres(postgres) = &self.repository else {
            return Err(Error::internal("an installation moves to a database only"));
        };
        let mut tx = Tx::begin(postgres.pool.connect(Purpose::Long("moving in"))?)?;
        tx.batch("SET LOCAL idle_in_transaction_session_timeout = 0")?;
        refuse_used(&mut tx)?;
        // What a fresh start makes.
        for table in ["key_pair", "key_index", "counter", "object_type"] {
            tx.batch(&format!("DELETE FROM {table}"))?;
        }
        tx.run("DELETE FROM installation WHERE name IN ('secret', $1)", &[&MOVING])?;
        TABLES.iter().try_for_each(|table| copy(&mut tx, source, table))?;
        let compared = TABLES.iter().map(|table| {
            let (sent, arrived) = (tally(source, table)?, arrived(&mut tx, table)?);
            Ok(Compared { table: table.name, source: sent, target: arrived })
        });
        let compared: Vec<Compared> = compared.collect::<Result<_>>()?;
        verify(&compared)?;
        if self.lease.is_lost() {
            return Err(Error::conflict("the database was not heard of for too long; move again"));
        }
        let names =
            tx.all("SELECT name FROM object_type", &[], |row| sql::get::<String>(row, 0)?.parse::<TypeName>())?;
        postgres.leases.fence(&mut tx, LEASE)?;
        tx.commit()?.give_back();
        // From here on it is moved, and nothing may fail.
        names.iter().for_each(|name| views::make_view(&postgres.pool, name));
        Ok(compared)
    }
}

/// # Errors
/// `Conflict` if there is more in the database than a fresh start makes.
fn refuse_used(tx: &mut Tx) -> Result<()> {
    let mut used = Vec::new();
    for table in USED {
        if tx.first(&format!("SELECT 1 FROM {table} LIMIT 1"), &[], |_| Ok(()))?.is_some() {
            used.push(table.replace('_', " ").replace("drop folder state", "drop folder") + "s");
        }
    }
    let starters: Vec<String> =
        starter_definitions().iter().filter_map(|it| Some(it["name"].as_str()?.to_owned())).collect();
    let types = tx.all("SELECT name, version FROM object_type", &[], |row| {
        Ok((sql::get::<String>(row, 0)?, sql::get::<i64>(row, 1)?))
    })?;
    if types.iter().any(|(name, version)| *version > 1 || !starters.iter().any(|starter| name.ends_with(starter))) {
        used.push("object types of its own".to_owned());
    }
    used.dedup();
    match used.as_slice() {
        [] => Ok(()),
        used => Err(Error::conflict(format!(
            "the database that everything is to be moved to is an installation already, with {}: make a new database",
            used.join(", ")
        ))),
    }
}

fn copy(tx: &mut Tx, source: &Leaving<'_>, table: &Table) -> Result<()> {
    let copy = format!("COPY {} ({}) FROM STDIN BINARY", table.name, table.columns);
    let mut rows = Rows::default();
    source.rows(table, &mut |cells| {
        rows.begin(i16::try_from(cells.len()).unwrap_or(i16::MAX));
        for cell in cells {
            match *cell {
                Cell::Null => rows.null(),
                Cell::Number(number) => {
                    rows.number(number);
                }
                Cell::Text(text) => rows.text(text),
                Cell::Bytes(bytes) => rows.bytes(bytes),
                Cell::Flag(flag) => rows.bytes(&[u8::from(flag)]),
                Cell::Id(id) => rows.uuid(id),
            }
        }
        if rows.len() >= SENT_AT_ONCE {
            tx.copy(&copy, &std::mem::take(&mut rows).finished())?;
        }
        Ok(())
    })?;
    if !rows.is_empty() {
        tx.copy(&copy, &rows.finished())?;
    }
    Ok(())
}

fn arrived(tx: &mut Tx, table: &Table) -> Result<Tally> {
    if let Origin::Objects = table.origin {
        let mut objects = Objects::default();
        let select = "SELECT object_type, coalesce(chosen_id, CAST(id AS text)), revision, document FROM object \
                      ORDER BY object_type, number";
        each_row(tx, select, &[], |row| {
            let (id, document): (String, String) = (sql::get(row, 1)?, sql::get(row, 3)?);
            objects.add(sql::get(row, 0)?, &id, sql::get(row, 2)?, &document);
            Ok(ControlFlow::Continue(()))
        })?;
        return Ok(objects.tally());
    }
    let count = match table.name {
        "installation" => "SELECT count(*) FROM installation WHERE name = 'secret'".to_owned(),
        name => format!("SELECT count(*) FROM {name}"),
    };
    let count = tx.first(&count, &[], |row| sql::get::<i64>(row, 0))?.unwrap_or(0);
    Ok(Tally { count: count.unsigned_abs(), digest: None })
}
