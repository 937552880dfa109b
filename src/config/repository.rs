//! `[repository]`: where all storage is.

use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use reqwest::Url;
use serde::Deserialize;

use super::environment::Environment;
use super::secrets::{NoSecret, WrittenSecret};
use super::values::Values;
use crate::secret::Secret;

/// The variable that stands for `repository.url` in all commands, whatever the file says.
pub(super) const VARIABLE: &str = "ROLLBOOK_REPOSITORY_URL";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RepositorySection {
    url: Option<WrittenSecret>,
    lease: Option<String>,
}

/// How long a lease is good for, unless the settings say otherwise; and the bounds of what they may say.
pub(super) const LEASE: Duration = Duration::from_secs(30);
const SHORTEST_LEASE: Duration = Duration::from_secs(1);
const LONGEST_LEASE: Duration = Duration::from_hours(1);

/// Where all storage is.
#[derive(Clone)]
pub enum RepositorySettings {
    /// In this file of the data directory.
    Sqlite(PathBuf),
    /// In a PostgreSQL database.
    Postgres(PostgresSettings),
}

/// A PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresSettings {
    /// Its address, which may have a password in it.
    pub url: Secret,
    /// For so long a process has what it took for itself without being heard of again.
    pub lease: Duration,
    /// What files that the address names are relative to.
    pub directory: PathBuf,
}

impl fmt::Debug for RepositorySettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RepositorySettings::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            RepositorySettings::Postgres(_) => f.write_str("postgres:..."),
        }
    }
}

impl RepositorySettings {
    /// The file of an embedded repository.
    pub fn file(&self) -> Option<&Path> {
        match self {
            RepositorySettings::Sqlite(path) => Some(path),
            RepositorySettings::Postgres(_) => None,
        }
    }
}

impl PostgresSettings {
    /// Where the database is, without anything that lets somebody in.
    pub fn place(&self) -> String {
        let text = self.url.reveal();
        let authority = text.split_once("://").and_then(|(_, rest)| rest.split(['/', '?', '#']).next());
        // Where readers may disagree on what the password is, nothing is shown.
        let is_plain = authority.is_some_and(|authority| text.matches('@').count() == authority.matches('@').count());
        let Some(url) = Url::parse(text).ok().filter(|_| is_plain) else { return "postgres:...".to_owned() };
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        format!("postgres://{}{port}{}", url.host_str().unwrap_or_default(), url.path())
    }
}

impl RepositorySection {
    pub(super) fn read(self, data: &Path, environment: &Environment, values: &mut Values) -> RepositorySettings {
        let place = match &self.url {
            Some(WrittenSecret::Env(name)) => format!(" (the environment variable '{name}')"),
            Some(WrittenSecret::File(path)) => format!(" (the file '{}')", path.display()),
            Some(WrittenSecret::Literal(_)) | None => String::new(),
        };
        let variable = environment.get(VARIABLE).map(Secret::new);
        let url = match &variable {
            Some(_) => Ok(None),
            None => self.url.map(|written| written.resolve(data, environment)).transpose(),
        };
        let url = url.unwrap_or_else(|no| {
            values.mistake(match no {
                NoSecret::Wrong(why) => format!("repository.url {why}"),
                NoSecret::Lacking(why) => format!("repository.url: {why}"),
            });
            None
        });
        let lease = values.duration("repository.lease", self.lease.as_deref(), LEASE);
        if !(SHORTEST_LEASE..=LONGEST_LEASE).contains(&lease) {
            let lease = self.lease.unwrap_or_default();
            values.mistake(format!("repository.lease = '{lease}' is not between '1s' and '1h'"));
        }
        if let Some(url) = variable {
            return parse(url, lease, data).unwrap_or_else(|wrong| {
                values.mistake_elsewhere(format!("the environment variable {VARIABLE} = {wrong}"));
                RepositorySettings::Sqlite(PathBuf::new())
            });
        }
        parse(url.unwrap_or_else(|| Secret::new("sqlite:rollbook.db")), lease, data).unwrap_or_else(|wrong| {
            values.mistake(format!("repository.url{place} = {wrong}"));
            RepositorySettings::Sqlite(PathBuf::new())
        })
    }
}

/// The repository that an address names; or the address, in quotes, and what is wrong with it.
pub(super) fn parse(url: Secret, lease: Duration, data: &Path) -> Result<RepositorySettings, String> {
    let text = url.reveal();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return Ok(RepositorySettings::Postgres(PostgresSettings { url, lease, directory: data.to_owned() }));
    }
    let Some(path) = text.strip_prefix("sqlite:").map(Path::new) else {
        // Behind the scheme there may be a password.
        let shown = match text.split_once(':') {
            Some((scheme, rest)) if rest.contains('@') => format!("{scheme}:..."),
            _ => text.to_owned(),
        };
        return Err(format!(
            "'{shown}' is not a repository: write for example 'sqlite:rollbook.db' or \
             'postgres://rollbook@db.example.com/rollbook'"
        ));
    };
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        // Leases and the spool lie in the data directory: two of them must not share a database.
        return Err(format!("'{text}' lies outside the data directory: write 'sqlite:rollbook.db'"));
    }
    Ok(RepositorySettings::Sqlite(data.join(path)))
}
