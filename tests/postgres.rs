//! What only a repository in PostgreSQL does: many processes, connections that are lost, servers that are not there.

mod leases;

use std::sync::atomic::{AtomicU32, Ordering};

use postgres::{Client, NoTls};
use rollbook::app::App;
use rollbook::config::{Config, Environment};
use tempfile::TempDir;

/// A database that nobody else knows. It goes with the test.
#[must_use]
pub(crate) struct Database {
    server: String,
    name: String,
}

impl Database {
    /// An empty database on the server of the tests.
    pub(crate) fn new() -> Database {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let server = std::env::var("ROLLBOOK_POSTGRES").expect("ROLLBOOK_POSTGRES is the address of a server");
        let name = format!("rollbook_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let database = Database { server, name };
        database.maintain(&format!("DROP DATABASE IF EXISTS {}", database.name));
        database.maintain(&format!("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0", database.name));
        database
    }

    fn maintain(&self, sql: &str) {
        Client::connect(&self.server, NoTls).unwrap().batch_execute(sql).unwrap();
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        let (base, query) = self.server.split_once('?').unwrap_or((&self.server, ""));
        let host =
            base.rsplit_once('/').filter(|(before, _)| !before.ends_with('/')).map_or(base, |(before, _)| before);
        format!("{host}/{}?{query}", self.name)
    }

    /// A connection to it that knows nothing of us.
    pub(crate) fn client(&self) -> Client {
        Client::connect(&self.url(), NoTls).unwrap()
    }

    /// An installation that has it, in a directory of its own, with these further settings.
    pub(crate) fn installation(&self, settings: &str) -> (TempDir, App) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("rollbook.toml"), settings).unwrap();
        let environment = Environment::new([("ROLLBOOK_REPOSITORY_URL".to_owned(), self.url())]);
        let app = App::open(Config::load(folder.path(), None, environment).unwrap()).unwrap();
        (folder, app)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        self.maintain(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name));
    }
}
