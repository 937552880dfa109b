//! What only a repository in PostgreSQL does: many processes, connections that are lost, servers that are not there; and that
//! nobody sees the difference. These tests choose their repository themselves.

mod aborted;
mod both;
mod cuts;
mod engines;
mod fleet;
mod leases;
mod migration;
mod proxy;
mod sessions;
mod stores;
mod tls;
mod views;
mod writing;

use crate::database::Backend;
use crate::harness::Folder;

/// A folder whose installation keeps everything in PostgreSQL, with these settings.
fn folder(settings: &str) -> Folder {
    Folder::on(Backend::Postgres).file("rollbook-data/rollbook.toml", settings)
}
