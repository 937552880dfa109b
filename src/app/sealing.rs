//! The key of the installation, with which stored secrets are sealed.
//!
//! The settings say where it is; otherwise it lies in a file of the data directory, which is made when it is first
//! needed. In a repository that several processes share it has to be set, and is the same for all. Whoever has the database
//! alone cannot read the secrets in it.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::App;
use crate::config::{Config, RepositorySettings, parse_key};
use crate::error::{Error, Result};
use crate::secret::{KEY_LENGTH, Seal, Secret};

const FILE: &str = "secret.key";

impl App {
    /// The seal of this installation, whose key is made if there is none yet.
    ///
    /// # Errors
    /// `Request` if the key is not where the settings say, or is none.
    pub fn seal(&self) -> Result<Arc<Seal>> {
        let mut known = self.seal.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seal) = &*known {
            return Ok(Arc::clone(seal));
        }
        let key = match (self.config.secrets.key()?, &self.config.repository) {
            (Some(key), RepositorySettings::Postgres(_)) => {
                self.check_key(&key)?;
                key
            }
            (None, RepositorySettings::Postgres(_)) => {
                return Err(Error::request(
                    "secrets.key is not set: with PostgreSQL all processes have to seal secrets with the same key; write \
                     key = { env = \"NAME\" } or key = { file = \"PATH\" } below [secrets], or set ROLLBOOK_SECRETS_KEY",
                ));
            }
            (Some(key), RepositorySettings::Sqlite(_)) => key,
            (None, RepositorySettings::Sqlite(_)) => key_in(&self.config.data)?,
        };
        Ok(Arc::clone(known.insert(Arc::new(Seal::new(&key)))))
    }
}

/// The key of an installation with these settings, if there is one.
///
/// # Errors
/// `Request` if the key is not where the settings say, or is none.
pub(crate) fn known_key(config: &Config) -> Result<Option<[u8; KEY_LENGTH]>> {
    match config.secrets.key()? {
        None if config.data.join(FILE).exists() => key_in(&config.data).map(Some),
        key => Ok(key),
    }
}

impl App {
    /// Refuses a key that is not that of the installation's other processes: nobody could open what another one sealed.
    fn check_key(&self, key: &[u8; KEY_LENGTH]) -> Result<()> {
        let id = blake3::derive_key("Rollbook 2026 id of the key of stored secrets", key);
        if self.repository.put_installation_value("key", &id)? == id {
            return Ok(());
        }
        Err(Error::conflict(
            "secrets.key is not the key that the secrets of this installation are sealed with: set the one that its other \
             processes have",
        ))
    }
}

/// The key in the file of the data directory.
fn key_in(data: &Path) -> Result<[u8; KEY_LENGTH]> {
    let path = data.join(FILE);
    let failed = |error| Error::storage(format!("the key '{}' could not be read", path.display()), error);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            make_key(data)?;
            fs::read_to_string(&path).map_err(failed)?
        }
        other => other.map_err(failed)?,
    };
    parse_key(&Secret::new(text)).ok_or_else(|| {
        Error::request(format!(
            "'{}' is not a key: bring back the one that was there, or remove the file and set all secrets again",
            path.display()
        ))
    })
}

/// Makes the file with a new key, unless another process has made it meanwhile. It is there whole or not at all, and for
/// nobody but us to read.
fn make_key(data: &Path) -> Result<()> {
    let mut key = [0; KEY_LENGTH];
    getrandom::fill(&mut key).map_err(|error| Error::storage("no random numbers could be had", error))?;
    let incoming = data.join(format!("{FILE}.{}.incoming", uuid::Uuid::new_v4()));
    let made =
        write_new(&incoming, &STANDARD.encode(key)).and_then(|()| match fs::hard_link(&incoming, data.join(FILE)) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            linked => linked.and_then(|()| File::open(data)?.sync_all()),
        });
    let _ = fs::remove_file(&incoming);
    made.map_err(|error| Error::storage(format!("the key '{}' could not be made", data.join(FILE).display()), error))
}

fn write_new(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{text}")?;
    file.sync_all()
}
