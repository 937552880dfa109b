//! Moving an installation from the embedded repository to a PostgreSQL database.
//!
//! Everything is copied in one transaction of the target, which also compares what arrived with what is in the source: the
//! counts of all tables, and a digest of all objects. So the target is the whole installation or none; from the first step
//! to the last a mark in it keeps services from using it, and whoever was killed simply begins again. The source is locked
//! and only read.

use blake3::Hasher;
use uuid::Uuid;

use super::Repository;
use super::postgres::Arriving;
use super::sqlite::Leaving;
use crate::config::{Memory, PostgresSettings};
use crate::error::{Error, Kind, Result};
use crate::import::Import;

/// One value on its way.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Null,
    Number(i64),
    Text(&'a str),
    Bytes(&'a [u8]),
    Flag(bool),
    Id(Uuid),
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug)]
pub(super) enum Column {
    Number,
    Text,
    /// A text that may have a NUL: as JSON in the target.
    AnyText,
    Bytes,
    Flag,
    /// A UUID, a text in the source.
    Id,
}

/// Where the rows of a table come from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Origin {
    /// From this query, which gives these columns.
    Query(&'static str, &'static [Column]),
    Objects,
    ChosenIds,
    Pairs,
    Counters,
    CancelMarks,
}

/// A table of the target.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    pub(super) name: &'static str,
    pub(super) columns: &'static str,
    pub(super) origin: Origin,
}

/// All that is copied.
pub(super) const TABLES: [Table; 23] = {
    use Column::{AnyText, Bytes, Flag, Id, Number, Text};
    use Origin::Query;
    [
        Table {
            name: "object_type",
            columns: "number, name, version, definition, positions",
            origin: Query(
                "SELECT number, name, version, definition, positions FROM object_type",
                &[Number, Text, Number, Text, Text],
            ),
        },
        Table {
            name: "object",
            columns: "object_type, number, id, chosen_id, revision, import, fingerprint, document",
            origin: Origin::Objects,
        },
        Table { name: "chosen_id", columns: "object_type, id, folded, object", origin: Origin::ChosenIds },
        Table {
            name: "key_index",
            columns: "number, object_type, properties",
            origin: Query("SELECT number, object_type, properties FROM key_index", &[Number, Number, Text]),
        },
        Table { name: "key_pair", columns: "key_index, hash, tie, object", origin: Origin::Pairs },
        Table { name: "counter", columns: "name, next", origin: Origin::Counters },
        Table {
            name: "import",
            columns: "number, id, object_type, plan, filename, header, state, began, started, ended, problem, size, \
                      structure, cancelled_by, spool_purged, failures_purged, revision, origin",
            origin: Query(
                "SELECT number, id, object_type, plan, filename, header, state, begin, started, \"end\", problem, size, \
                 structure, cancelled_by, spool_purged, failures_purged, revision, origin FROM import",
                &[
                    Number, Id, Text, Text, AnyText, Text, Text, Text, Text, Text, Text, Number, Text, AnyText, Flag,
                    Flag, Number, Text,
                ],
            ),
        },
        Table {
            name: "import_progress",
            columns: "import, total, created, updated, unchanged, failure, settled, warnings, revision, milestones",
            origin: Query(
                "SELECT number, total, created, updated, unchanged, failure, settled, warnings, 0, milestones FROM import",
                &[Number, Number, Number, Number, Number, Number, Number, Text, Number, Text],
            ),
        },
        Table { name: "cancel_mark", columns: "import, who", origin: Origin::CancelMarks },
        Table {
            name: "failure",
            columns: "import, row, cells, problem",
            origin: Query("SELECT import, row, cells, problem FROM failure", &[Number, Number, Text, Text]),
        },
        Table {
            name: "failure_group",
            columns: "import, requirement, property, column_name, failures, first_row, example",
            origin: Query(
                "SELECT import, requirement, property, column_name, failures, first_row, example FROM failure_group",
                &[Number, Text, Text, Text, Number, Number, Text],
            ),
        },
        Table {
            name: "failure_rows",
            columns: "import, requirement, property, last_row, packed",
            origin: Query(
                "SELECT import, requirement, property, last_row, packed FROM failure_rows",
                &[Number, Text, Text, Number, Bytes],
            ),
        },
        Table {
            name: "import_samples",
            columns: "import, samples",
            origin: Query("SELECT import, samples FROM import_samples", &[Number, Text]),
        },
        Table {
            name: "sign_in",
            columns: "digest, token, subject, created, expires",
            origin: Query(
                "SELECT digest, token, subject, created, expires FROM sign_in",
                &[Bytes, Text, Text, Text, Text],
            ),
        },
        Table {
            name: "token",
            columns: "id, name, role, object_types, digest, created, expires",
            origin: Query(
                "SELECT id, name, role, object_types, digest, created, expires FROM token",
                &[Text, Text, Text, Text, Bytes, Text, Text],
            ),
        },
        Table {
            name: "idempotency",
            columns: "caller, key, request, imports, at",
            origin: Query(
                "SELECT caller, key, request, imports, at FROM idempotency",
                &[Text, Text, Bytes, Text, Text],
            ),
        },
        Table {
            name: "drop_folder",
            columns: "name, settings, secrets, set_by, revision",
            origin: Query(
                "SELECT name, settings, secrets, set_by, revision FROM drop_folder",
                &[Text, Text, Bytes, Text, Number],
            ),
        },
        Table {
            name: "drop_folder_state",
            columns: "name, external_id, signing_secret, since, last_poll, trouble, notices, callback_off",
            origin: Query(
                "SELECT name, external_id, signing_secret, since, last_poll, trouble, notices, callback_off \
                 FROM drop_folder_state",
                &[Text, Text, Bytes, Text, Text, Text, Text, Flag],
            ),
        },
        Table {
            name: "run",
            columns: "number, id, drop_folder, place, partition, marker, step, aside, began, ended, success, trouble",
            origin: Query(
                "SELECT number, id, drop_folder, place, partition, marker, step, aside, begin, \"end\", success, trouble \
                 FROM run",
                &[Number, Id, Text, Text, Text, Text, Text, Number, Text, Text, Flag, Text],
            ),
        },
        Table {
            name: "run_file",
            columns: "run, name, version, ignored, import, digest, outcome",
            origin: Query(
                "SELECT run, name, version, ignored, import, digest, outcome FROM run_file",
                &[Number, Text, Text, Text, Id, Bytes, Text],
            ),
        },
        Table {
            name: "callback",
            columns: "run, body, state, due, attempts",
            origin: Query("SELECT run, body, state, due, attempts FROM callback", &[Number, Text, Text, Text, Number]),
        },
        Table {
            name: "callback_attempt",
            columns: "run, number, at, status, problem",
            origin: Query(
                "SELECT run, number, at, status, problem FROM callback_attempt",
                &[Number, Number, Text, Number, Text],
            ),
        },
        Table {
            name: "installation",
            columns: "name, value",
            origin: Query("SELECT name, value FROM installation WHERE name = 'secret'", &[Text, Bytes]),
        },
    ]
};

/// What there is of a table on one side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Its rows.
    pub count: u64,
    /// Of objects: the digest of their types, ids, revisions and documents.
    pub digest: Option<String>,
}

/// A table on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// Its name.
    pub table: &'static str,
    /// What the source has.
    pub source: Tally,
    /// What has arrived.
    pub target: Tally,
}

/// Compares all tables.
///
/// # Errors
/// `Internal` with every table that has not arrived as it is.
pub(super) fn verify(compared: &[Compared]) -> Result<()> {
    let differs = |one: &Compared| one.source != one.target;
    let told = compared.iter().filter(|one| differs(one)).map(|Compared { table, source, target }| {
        match source.count == target.count {
            true => format!("the {} rows of '{table}' are not the same", source.count),
            false => format!("'{table}' has {} rows in the source and {} in the target", source.count, target.count),
        }
    });
    let told: Vec<String> = told.collect();
    match told.as_slice() {
        [] => Ok(()),
        _ => Err(Error::listing(Kind::Internal, "what arrived is not what was sent, and nothing was kept of it", told)),
    }
}

/// The digest of objects, in the order of their types and numbers.
#[derive(Default)]
pub(super) struct Objects {
    hasher: Hasher,
    count: u64,
}

impl Objects {
    pub(super) fn add(&mut self, object_type: i64, id: &str, revision: i64, document: &str) {
        self.hasher.update(&object_type.to_le_bytes()).update(&revision.to_le_bytes());
        for text in [id, document] {
            self.hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
        }
        self.count += 1;
    }

    pub(super) fn tally(&self) -> Tally {
        Tally { count: self.count, digest: Some(self.hasher.finalize().to_hex().to_string()) }
    }
}

/// What an installation has of everything that is copied.
pub(super) fn tally(source: &Leaving<'_>, table: &Table) -> Result<Tally> {
    if let Origin::Objects = table.origin {
        let mut objects = Objects::default();
        source.rows(table, &mut |row| {
            let [
                Cell::Number(object_type),
                _,
                Cell::Id(ours),
                chosen,
                Cell::Number(revision),
                _,
                _,
                Cell::Text(document),
            ] = row
            else {
                return Err(Error::internal("an object has other columns than are known"));
            };
            match chosen {
                Cell::Text(chosen) => objects.add(*object_type, chosen, *revision, document),
                _ => objects.add(*object_type, &ours.to_string(), *revision, document),
            }
            Ok(())
        })?;
        return Ok(objects.tally());
    }
    let mut count = 0;
    source.rows(table, &mut |_| {
        count += 1;
        Ok(())
    })?;
    Ok(Tally { count, digest: None })
}

/// A repository that is moved: locked, and of this program's form.
pub struct Source<'a> {
    leaving: Leaving<'a>,
}

/// A database that an installation moves to. Nobody else can use it until that is done.
pub struct Target {
    arriving: Arriving,
}

impl Repository {
    /// Opens the embedded repository of another installation as it is.
    ///
    /// # Errors
    /// `NotFound` if there is none, `Conflict` if it has another form than this program's.
    pub fn open_source(path: &std::path::Path, run: &std::path::Path, memory: Memory) -> Result<Repository> {
        super::sqlite::Sqlite::open_as_it_is(path, run, memory).map(Repository::Sqlite)
    }

    /// Locks a repository, which nobody must be using, to be moved.
    ///
    /// # Errors
    /// `Conflict` if somebody uses it, or if it is not an embedded one.
    pub fn leave(&self) -> Result<Source<'_>> {
        match self {
            Repository::Sqlite(sqlite) => Ok(Source { leaving: Leaving::begin(sqlite)? }),
            Repository::Postgres(_) => Err(Error::conflict("only an embedded repository can be moved")),
        }
    }
}

impl Source<'_> {
    /// A sealed text of the source, with what it is sealed for, if there is one.
    pub fn sealed(&self) -> Result<Option<(String, Vec<u8>)>> {
        self.leaving.sealed()
    }

    /// All imports.
    pub fn imports(&self) -> Result<Vec<Import>> {
        self.leaving.imports()
    }
}

impl Target {
    /// Takes a database for an installation, which nobody must be using.
    ///
    /// # Errors
    /// `Conflict` if it is an installation already, or if somebody uses it.
    pub fn prepare(settings: &PostgresSettings, memory: Memory) -> Result<Target> {
        Ok(Target { arriving: Arriving::prepare(settings, memory)? })
    }

    /// The database, for what is put into it beforehand.
    pub fn repository(&self) -> &Repository {
        self.arriving.repository()
    }

    /// Whether the database may be the installation although [`fill`](Target::fill) failed so: its connection was lost when
    /// everything was done, and could not be made again.
    pub fn may_be_filled(&self, error: &Error) -> bool {
        Arriving::may_be_filled(error)
    }

    /// Copies everything, and makes the database an installation.
    ///
    /// # Errors
    /// `Internal` if what arrived is not what was sent. Whatever goes wrong, nothing is kept, unless it is not known.
    pub fn fill(&self, source: &Source<'_>) -> Result<Vec<Compared>> {
        self.arriving.fill(&source.leaving)
    }
}

#[cfg(test)]
mod tests {
    use super::{Compared, Objects, Tally, verify};

    fn objects(rows: &[(i64, &str, i64, &str)]) -> Tally {
        let mut objects = Objects::default();
        rows.iter().for_each(|(object_type, id, revision, document)| {
            objects.add(*object_type, id, *revision, document);
        });
        objects.tally()
    }

    #[test]
    fn every_difference_of_objects_is_seen() {
        let sent = [(1, "a", 1, "[1]"), (1, "b", 2, "[2]"), (2, "a", 1, "[3]")];
        assert_eq!(objects(&sent), objects(&sent));
        for arrived in [
            [(1, "a", 1, "[1]"), (1, "b", 2, "[2]"), (2, "a", 1, "[4]")],
            [(1, "a", 1, "[1]"), (1, "b", 3, "[2]"), (2, "a", 1, "[3]")],
            [(1, "a", 1, "[1]"), (2, "b", 2, "[2]"), (2, "a", 1, "[3]")],
            [(1, "b", 1, "[1]"), (1, "a", 2, "[2]"), (2, "a", 1, "[3]")],
            [(1, "a[", 1, "1]"), (1, "b", 2, "[2]"), (2, "a", 1, "[3]")],
        ] {
            assert_ne!(objects(&sent).digest, objects(&arrived).digest, "{arrived:?}");
        }
    }

    #[test]
    fn what_did_not_arrive_is_told() {
        let plain = |count| Tally { count, digest: None };
        let sent = objects(&[(1, "a", 1, "[1]")]);
        let same = Compared { table: "token", source: plain(2), target: plain(2) };
        assert!(
            verify(&[same.clone(), Compared { table: "object", source: sent.clone(), target: sent.clone() }]).is_ok()
        );
        let error = verify(&[
            same,
            Compared { table: "failure", source: plain(3), target: plain(2) },
            Compared { table: "object", source: sent, target: objects(&[(1, "a", 1, "[2]")]) },
        ]);
        insta::assert_snapshot!(error.expect_err("two differences"), @"what arrived is not what was sent, and nothing was kept of it: 'failure' has 3 rows in the source and 2 in the target; the 1 rows of 'object' are not the same");
    }
}
