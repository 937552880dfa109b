//! `[repository]`: where all storage is.

use std::fmt;
use std::path::{Component, Path, PathBuf};

use serde::Deserialize;

use super::environment::Environment;
use super::secrets::{NoSecret, WrittenSecret};
use super::values::Values;
use crate::secret::Secret;

/// The variable that stands for `repository.url` in all commands, whatever the file says.
const VARIABLE: &str = "ROLLBOOK_REPOSITORY_URL";

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct RepositorySection {
    url: Option<WrittenSecret>,
}

/// Where all storage is.
#[derive(Clone)]
pub enum RepositorySettings {
    /// In this file of the data directory.
    Sqlite(PathBuf),
    /// In a PostgreSQL database with this address, which may have a password in it.
    Postgres(Secret),
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

impl RepositorySection {
    pub(super) fn read(self, data: &Path, environment: &Environment, values: &mut Values) -> RepositorySettings {
        let written = environment.get(VARIABLE).map(|url| WrittenSecret::Literal(Secret::new(url))).or(self.url);
        let url = written.map(|written| written.resolve(data, environment)).transpose();
        let url = url.unwrap_or_else(|no| {
            values.mistake(match no {
                NoSecret::Wrong(why) => format!("repository.url {why}"),
                NoSecret::Lacking(why) => format!("repository.url: {why}"),
            });
            None
        });
        parse(url.unwrap_or_else(|| Secret::new("sqlite:rollbook.db")), data, values)
    }
}

fn parse(url: Secret, data: &Path, values: &mut Values) -> RepositorySettings {
    let text = url.reveal();
    if text.starts_with("postgres://") || text.starts_with("postgresql://") {
        return RepositorySettings::Postgres(url);
    }
    let Some(path) = text.strip_prefix("sqlite:").map(Path::new) else {
        values.mistake(format!(
            "repository.url = '{text}' is not a repository: write for example 'sqlite:rollbook.db' or \
             'postgres://rollbook@db.example.com/rollbook'"
        ));
        return RepositorySettings::Sqlite(PathBuf::new());
    };
    if !path.components().all(|part| matches!(part, Component::Normal(_))) {
        // Leases and the spool lie in the data directory: two of them must not share a database.
        values
            .mistake(format!("repository.url = '{text}' lies outside the data directory: write 'sqlite:rollbook.db'"));
    }
    RepositorySettings::Sqlite(data.join(path))
}
