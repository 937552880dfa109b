//! Moving an installation into a PostgreSQL database, with its spooled bytes.
//!
//! The source stays as it is. Until the last step is done the target is nobody's installation, and what was copied of the
//! spool belongs to no import and goes again.

use std::fs;
use std::path::{Path, PathBuf};

use crate::app::known_key;
use crate::config::{Config, RepositorySettings, SpoolSettings};
use crate::drop_folder::signing_secret_of;
use crate::error::{Error, Result};
use crate::import::{Import, ImportId};
pub use crate::repository::{Compared, Tally};
use crate::repository::{Repository, Source, Target};
use crate::secret::Seal;
use crate::spool::{self, Incoming, Spool};

/// An embedded installation that is moved.
#[derive(Clone, Debug)]
pub struct From {
    /// Its settings; those of its spool count if it has ever had another one than the data directory's.
    pub config: Config,
    /// Its database.
    pub path: PathBuf,
}

/// What was moved.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Every table, on both sides.
    pub tables: Vec<Compared>,
    /// How many imports had spooled bytes that are still needed.
    pub files: usize,
    /// The imports whose bytes are needed and were not there.
    pub lost: Vec<ImportId>,
}

/// Moves an installation into the database of these settings.
///
/// # Errors
/// `Conflict` if the source or the target is in use, if the target is an installation already, or if it has another key.
/// Whatever goes wrong, the source is as it was, and nothing is kept of the target.
pub fn move_in(from: &From, to: &Config) -> Result<Moved> {
    let RepositorySettings::Postgres(settings) = &to.repository else {
        return Err(Error::request("an installation is moved into a PostgreSQL database: write --to 'postgres://...'"));
    };
    let data = &from.config.data;
    let repository = Repository::open_source(&from.path, &data.join("run"), from.config.memory)?;
    let source = repository.leave()?;
    check_key(&source, from, to)?;
    let target = Target::prepare(settings, to.memory)?;
    let bytes = Bytes::between(from, &repository, to, &target)?;
    let (incoming, lost) = bytes.copy(&source.imports()?)?;
    let filled = target.fill(&source);
    let files = incoming.len();
    // What may be an installation needs its bytes; those that nobody needs go again.
    if filled.as_ref().err().is_none_or(|error| target.may_be_filled(error)) {
        incoming.into_iter().flatten().for_each(Incoming::keep);
    }
    let tables = filled?;
    Ok(Moved { tables, files, lost })
}

/// What the source has sealed must be opened by the key of the target.
fn check_key(source: &Source<'_>, from: &From, to: &Config) -> Result<()> {
    let Some((drop_folder, sealed)) = source.sealed()? else { return Ok(()) };
    let opens = |key| Seal::new(&key).open(&signing_secret_of(&drop_folder), &sealed).is_ok();
    match known_key(to)? {
        Some(key) if opens(key) => Ok(()),
        _ => Err(Error::conflict(format!(
            "the installation in '{}' has secrets that are sealed with its key, and the target has not that key: write it \
             into [secrets] key of the target's settings, or into ROLLBOOK_SECRETS_KEY; it is in [secrets] key of the \
             source's settings, or else in the file '{}'",
            from.config.data.display(),
            from.config.data.join("secret.key").display()
        ))),
    }
}

/// The spools on both sides.
struct Bytes {
    source: Spool,
    target: Spool,
    /// Whether the files lie where they are to be already.
    is_same: bool,
}

impl Bytes {
    fn between(from: &From, repository: &Repository, to: &Config, target: &Target) -> Result<Bytes> {
        let identity = spool::known_identity(repository)?;
        // Without an identity the spool was never elsewhere, whatever the settings say by now.
        let settings = if identity.is_some() { &from.config.spool } else { &SpoolSettings::Own };
        let source = Spool::open(settings, &from.config.data, repository)?;
        let is_same = is_same(settings, &from.config.data, &to.spool, &to.data);
        if let Some(identity) = identity.filter(|_| is_same) {
            spool::put_identity(target.repository(), &identity)?;
        }
        let target = Spool::open(&to.spool, &to.data, target.repository())?;
        target.check()?;
        Ok(Bytes { source, target, is_same })
    }

    /// Copies what imports still need. Gives what came in, and the imports of which the bytes are lost.
    fn copy(&self, imports: &[Import]) -> Result<(Vec<Option<Incoming>>, Vec<ImportId>)> {
        let (mut incoming, mut lost) = (Vec::new(), Vec::new());
        for import in imports.iter().filter(|import| !import.spool_purged) {
            if !self.source.is_whole(import.id, import.size)? {
                lost.push(import.id);
            } else if self.is_same {
                incoming.push(None);
            } else {
                let mut copy = self.target.accept(import.id, &mut self.source.read(import.id)?)?;
                copy.sync()?;
                copy.publish()?;
                incoming.push(Some(copy));
            }
        }
        self.target.sync()?;
        Ok((incoming, lost))
    }
}

/// Whether two spools are one place.
fn is_same(one: &SpoolSettings, data: &Path, other: &SpoolSettings, other_data: &Path) -> bool {
    let place = |settings: &SpoolSettings, data: &Path| match settings {
        SpoolSettings::Own => fs::canonicalize(data.join("spool")).ok(),
        SpoolSettings::Directory(directory) => fs::canonicalize(directory).ok(),
        SpoolSettings::Bucket(_) => None,
    };
    match (one, other) {
        (SpoolSettings::Bucket(one), SpoolSettings::Bucket(other)) => {
            one.name == other.name && one.folders == other.folders && one.s3.endpoint == other.s3.endpoint
        }
        _ => place(one, data).is_some_and(|place_of_one| place(other, other_data) == Some(place_of_one)),
    }
}
