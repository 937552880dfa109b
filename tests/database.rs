//! What the installations of tests keep everything in, and a look into it past Rollbook.
//!
//! `ROLLBOOK_TEST_REPOSITORY` says which it is: `sqlite`, as if it were not set, or `postgres`. Then every installation
//! has a database of its own on the server at `ROLLBOOK_POSTGRES`, which `scripts/test` starts, and which goes with its
//! folder. Tests of behaviour do not know which it is; those that are about SQLite itself are in `tests/sqlite_only`.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::path::Path;
use std::thread;
use std::time::Duration;

use postgres::{Client, NoTls, SimpleQueryMessage};
use rollbook::failure::Failure;
use uuid::Uuid;

/// What a repository is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Backend {
    Sqlite,
    /// The PostgreSQL of the distribution.
    Postgres,
    /// A newer one.
    PostgresNew,
}

impl Backend {
    /// The one that this run of the tests is about.
    pub(crate) fn chosen() -> Backend {
        match env::var("ROLLBOOK_TEST_REPOSITORY").as_deref() {
            Err(_) | Ok("" | "sqlite") => Backend::Sqlite,
            Ok("postgres") => Backend::Postgres,
            Ok(other) => panic!("ROLLBOOK_TEST_REPOSITORY = '{other}': it is 'sqlite' or 'postgres'"),
        }
    }

    /// Where an installation of this data directory is looked for, in the words of who finds none.
    pub(crate) fn place(self, data: &str) -> String {
        match self {
            Backend::Sqlite => format!("'{data}'"),
            Backend::Postgres | Backend::PostgresNew => "the database of repository.url".to_owned(),
        }
    }

    /// A new database for one installation, if that is not a file.
    pub(crate) fn database(self) -> Option<Database> {
        let variable = match self {
            Backend::Sqlite => return None,
            Backend::Postgres => "ROLLBOOK_POSTGRES",
            Backend::PostgresNew => "ROLLBOOK_POSTGRES_NEW",
        };
        let server = env::var(variable);
        let server = server.unwrap_or_else(|_| panic!("this test needs a PostgreSQL server: run scripts/test"));
        Some(Database::new(server))
    }
}

/// A database on a PostgreSQL server, removed when dropped.
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    fn new(server: String) -> Database {
        let name = format!("rollbook_{}", Uuid::new_v4().simple());
        connect(&server).batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        Database { server, name }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // Whoever is connected belongs to a test that is over.
        let gone = connect(&self.server).batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        assert!(gone.is_ok() || thread::panicking(), "{gone:?}");
    }
}

fn connect(url: &str) -> Client {
    Client::connect(url, NoTls).unwrap_or_else(|error| panic!("'{url}': {error}: run scripts/test"))
}

/// A look into the repository of an installation, as people with SQL tools have it.
pub(crate) enum Look {
    Sqlite(rusqlite::Connection),
    Postgres(Client),
}

/// The values of a row, as texts.
pub(crate) type Row = Vec<Option<String>>;

impl Look {
    pub(super) fn at_file(file: &Path) -> Look {
        let conn = rusqlite::Connection::open(file).unwrap();
        conn.busy_timeout(Duration::from_secs(60)).unwrap();
        Look::Sqlite(conn)
    }

    pub(super) fn at(database: &Database) -> Look {
        Look::Postgres(connect(&database.url()))
    }

    /// From now on everything is as of one moment.
    pub(crate) fn stay(&mut self) {
        self.run(match self {
            Look::Sqlite(_) => "BEGIN",
            Look::Postgres(_) => "BEGIN ISOLATION LEVEL REPEATABLE READ",
        });
    }

    /// Holds up whoever writes, as a backup tool might, until this is dropped. Readers are not held up.
    pub(crate) fn hold_writers(mut self) -> Look {
        if let Look::Sqlite(_) = self {
            self.run("BEGIN IMMEDIATE");
            return self;
        }
        // Without leases: who cannot prolong them must stop.
        let tables =
            "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'lease'";
        let tables: Vec<String> = self.rows(tables).into_iter().flatten().flatten().collect();
        self.run(&format!("BEGIN; LOCK TABLE {} IN EXCLUSIVE MODE", tables.join(", ")));
        self
    }

    /// Runs statements.
    pub(crate) fn run(&mut self, sql: &str) {
        match self {
            Look::Sqlite(conn) => conn.execute_batch(sql).unwrap(),
            Look::Postgres(client) => client.batch_execute(sql).unwrap(),
        }
    }

    /// The rows of an answer.
    pub(crate) fn rows(&mut self, sql: &str) -> Vec<Row> {
        match self {
            Look::Sqlite(conn) => {
                let mut statement = conn.prepare(sql).unwrap();
                let columns = statement.column_count();
                let texts = |row: &rusqlite::Row<'_>| (0..columns).map(|at| row.get(at).map(text)).collect();
                statement.query_map([], texts).unwrap().collect::<Result<_, _>>().unwrap()
            }
            Look::Postgres(client) => {
                let told = client.simple_query(sql).unwrap();
                let texts = |told| match told {
                    SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
                    }
                    _ => None,
                };
                told.into_iter().filter_map(texts).collect()
            }
        }
    }

    /// The one number of an answer.
    pub(crate) fn number(&mut self, sql: &str) -> i64 {
        let rows = self.rows(sql);
        rows[0][0].as_deref().unwrap_or_else(|| panic!("{sql}: null")).parse().unwrap()
    }

    /// Groups of failures as they are counted.
    pub(crate) fn groups(&mut self, sql: &str) -> Vec<String> {
        let mut groups: Vec<String> = self.rows(sql).iter().map(|row| format!("{row:?}")).collect();
        groups.sort();
        groups
    }

    /// The same, counted anew.
    pub(crate) fn groups_of_failures(&mut self) -> Vec<String> {
        let mut groups: BTreeMap<[String; 3], (u64, u64)> = BTreeMap::new();
        for row in self.rows("SELECT import, failure.row, problem FROM failure ORDER BY import, failure.row") {
            let [import, number, problem] = [0, 1, 2].map(|at| row[at].clone().unwrap());
            let problem = serde_json::from_str(&problem).unwrap();
            let failure = Failure { row: number.parse().unwrap(), cells: Vec::new(), problem };
            let mut seen = BTreeSet::new();
            for wrong in failure.wrongs() {
                let property = wrong.property.unwrap_or_default().to_owned();
                let group = [import.clone(), wrong.requirement.to_owned(), property];
                if seen.insert(group.clone()) {
                    groups.entry(group).or_insert((0, failure.row)).0 += 1;
                }
            }
        }
        let row = |([import, requirement, property], (failures, first)): ([String; 3], (u64, u64))| {
            let row = [import, requirement, property, failures.to_string(), first.to_string()].map(Some).to_vec();
            format!("{row:?}")
        };
        let mut groups: Vec<String> = groups.into_iter().map(row).collect();
        groups.sort();
        groups
    }

    /// Whether the installation is made.
    pub(crate) fn is_made(&mut self) -> bool {
        let has_types = match self {
            Look::Sqlite(_) => "SELECT count(*) FROM sqlite_schema WHERE name = 'object_type'",
            Look::Postgres(_) => "SELECT count(*) FROM pg_tables WHERE tablename = 'object_type'",
        };
        self.number(has_types) > 0 && self.number("SELECT count(*) FROM object_type") > 0
    }

    /// All imports with their counts, to be selected from.
    pub(crate) fn imports(&self) -> &'static str {
        match self {
            Look::Sqlite(_) => "import",
            Look::Postgres(_) => {
                "(SELECT import.*, total, created, updated, unchanged, failure, settled \
                 FROM import JOIN import_progress ON import_progress.import = number) AS import"
            }
        }
    }

    /// Given that it was not noted that this import is over.
    pub(crate) fn forget_end(&mut self, id: &str) {
        let (end, no) = (self.end(), if matches!(self, Look::Sqlite(_)) { "0" } else { "false" });
        self.run(&format!("UPDATE import SET state = 'running', {end} = NULL, spool_purged = {no} WHERE id = '{id}'"));
    }

    /// Given that an import ended years ago.
    pub(crate) fn age_end(&mut self, id: &str) {
        let end = self.end();
        self.run(&format!("UPDATE import SET {end} = '2020-01-01T00:00:00.000Z' WHERE id = '{id}'"));
    }

    /// What the end of an import or a run is called.
    pub(crate) fn end(&self) -> &'static str {
        match self {
            Look::Sqlite(_) => "\"end\"",
            Look::Postgres(_) => "ended",
        }
    }

    /// All objects of a type as they are, to be selected from.
    pub(crate) fn objects(&mut self, object_type: &str) -> String {
        let number = self.type_number(object_type);
        match self {
            Look::Sqlite(_) => format!("current_{number}"),
            Look::Postgres(_) => format!("(SELECT * FROM object WHERE object_type = {number}) AS current"),
        }
    }

    /// How many keys there are in the index over this property.
    pub(crate) fn keys(&mut self, object_type: &str, property: &str) -> i64 {
        let number = self.type_number(object_type);
        let index = format!("object_type = {number} AND properties = '[\"{property}\"]'");
        self.number(&match self {
            Look::Sqlite(_) => format!("SELECT pairs FROM key_index WHERE {index}"),
            Look::Postgres(_) => {
                format!("SELECT count(*) FROM key_pair WHERE key_index = (SELECT number FROM key_index WHERE {index})")
            }
        })
    }

    fn type_number(&mut self, object_type: &str) -> i64 {
        self.number(&format!("SELECT number FROM object_type WHERE name = '{object_type}'"))
    }

    /// Whether what is stored is sound, as far as who stores it can say.
    #[track_caller]
    pub(crate) fn must_be_sound(&mut self, context: &str) {
        if let Look::Sqlite(_) = self {
            assert_eq!(self.rows("PRAGMA integrity_check")[0][0].as_deref(), Some("ok"), "{context}");
        }
    }

    /// The names of the imports that somebody asked to stop and that do not know yet.
    pub(crate) fn cancel_marks(&mut self) -> Vec<String> {
        match self {
            Look::Sqlite(conn) => {
                let run = Path::new(conn.path().unwrap()).with_file_name("run");
                let files = std::fs::read_dir(run).unwrap().map(|file| file.unwrap().file_name());
                files.map(|name| name.into_string().unwrap()).filter(|name| name.ends_with(".cancel")).collect()
            }
            Look::Postgres(_) => self.rows("SELECT import FROM cancel_mark").into_iter().flatten().flatten().collect(),
        }
    }

    /// Everything that is stored, as far as texts in it can be found.
    pub(crate) fn everything(&mut self) -> Vec<u8> {
        match self {
            Look::Sqlite(conn) => {
                let file = conn.path().unwrap();
                let journal = std::fs::read(format!("{file}-wal")).unwrap_or_default();
                [std::fs::read(file).unwrap(), journal].concat()
            }
            Look::Postgres(client) => {
                // So that a text in them can be read.
                client.batch_execute("SET bytea_output = 'escape'").unwrap();
                let tables = "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'";
                let tables = self.rows(tables).into_iter().flatten().flatten();
                let rows = tables.flat_map(|table| self.rows(&format!("SELECT {table}::text FROM {table}")));
                rows.flatten().flatten().flat_map(String::into_bytes).collect()
            }
        }
    }
}

fn text(value: rusqlite::types::Value) -> Option<String> {
    use rusqlite::types::Value;
    match value {
        Value::Null => None,
        Value::Integer(number) => Some(number.to_string()),
        Value::Real(number) => Some(number.to_string()),
        Value::Text(text) => Some(text),
        Value::Blob(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
    }
}
