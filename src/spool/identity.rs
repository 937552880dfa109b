//! Whose spool it is.
//!
//! Processes that work with one repository must work with one spool. Where they could do otherwise, the spool has a file
//! `rollbook.spool`, with one line of text that the repository knows too: `UUID` and a line end.

use std::fs::{self, File};
use std::io::{self, Write as _};

use uuid::Uuid;

use super::{NEW, Place, Spool};
use crate::error::{Error, Result, unwritten};
use crate::repository::Repository;

/// The name of the file.
pub(super) const IDENTITY: &str = "rollbook.spool";

/// What the repository keeps of a spool whose file was written.
const MADE: &str = "spool";

/// What it keeps of one whose file may still have to be.
const CHOSEN: &str = "spool chosen";

/// What the file has to say; nothing where there is no need for it.
pub(super) type Identity = Option<String>;

impl Spool {
    /// Learns from the repository which spool is expected. The first process that asks has the file written.
    pub(super) fn identify(&mut self, repository: &Repository) -> Result<()> {
        if matches!(self.place, Place::Own) && !repository.is_shared() {
            return Ok(());
        }
        if let Some(made) = repository.installation_value(MADE)? {
            return self.expect(text(made));
        }
        // The word is there before the file, so that however many do this at once, all write the same.
        let chosen = repository.put_installation_value(CHOSEN, Uuid::new_v4().to_string().as_bytes())?;
        let chosen = text(chosen);
        match self.found_identity()? {
            Some(found) if found.trim_end() == chosen => {}
            Some(_) => {
                return Err(Error::conflict(format!(
                    "the spool '{}' is that of another installation: set [spool] url to a place of this one's own",
                    self.name()
                )));
            }
            None => self.write_identity(&format!("{chosen}\n"))?,
        }
        repository.put_installation_value(MADE, chosen.as_bytes())?;
        self.expect(chosen)
    }

    fn expect(&mut self, identity: String) -> Result<()> {
        match &self.place {
            Place::Own | Place::Shared => {
                self.identity = Some(identity);
                self.expect_identity()
            }
            // Asking the network has time until something is needed there.
            Place::Bucket(remote) => {
                remote.expect(&identity);
                Ok(())
            }
        }
    }

    /// Makes sure that a directory is the spool that it is taken for.
    pub(super) fn expect_identity(&self) -> Result<()> {
        match &self.identity {
            None => Ok(()),
            Some(expected) => expect(&self.name(), self.found_identity()?.as_deref(), expected),
        }
    }

    fn found_identity(&self) -> Result<Option<String>> {
        if let Place::Bucket(remote) = &self.place {
            return remote.read_identity();
        }
        match fs::read_to_string(self.directory.join(IDENTITY)) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::storage(format!("the spool '{}' could not be read", self.name()), error)),
        }
    }

    fn write_identity(&self, content: &str) -> Result<()> {
        if let Place::Bucket(remote) = &self.place {
            return remote.write_identity(content);
        }
        let path = self.own.join(format!("{}.{NEW}", Uuid::new_v4()));
        let path = match self.place {
            Place::Own => path,
            _ => self.directory.join(path.file_name().unwrap_or_default()),
        };
        let write = || {
            let mut file = File::create_new(&path)?;
            file.write_all(content.as_bytes())?;
            file.sync_all()?;
            fs::rename(&path, self.directory.join(IDENTITY))?;
            File::open(&self.directory)?.sync_all()
        };
        write().map_err(|error| unwritten(&format!("the spool '{}' could not be written", self.name()), error))
    }
}

/// What the repository says that the spool is known by, if it is.
pub(crate) fn known_identity(repository: &Repository) -> Result<Option<Vec<u8>>> {
    repository.installation_value(MADE)
}

/// Has another repository work with the same spool.
pub(crate) fn put_identity(repository: &Repository, identity: &[u8]) -> Result<()> {
    repository.put_installation_value(MADE, identity).map(drop)
}

/// Compares what was found in a spool with what has to be there.
pub(super) fn expect(name: &str, found: Option<&str>, expected: &str) -> Result<()> {
    let is = match found.map(str::trim_end) {
        Some(found) if found == expected => return Ok(()),
        Some(_) => "is that of another installation",
        None => "has no file 'rollbook.spool'",
    };
    Err(Error::conflict(format!(
        "the spool '{name}' {is}, so it is not the one that the other processes of this installation use: set [spool] url \
         to theirs; if all of it was moved here, move its file 'rollbook.spool', which says '{expected}', too"
    )))
}

fn text(value: Vec<u8>) -> String {
    String::from_utf8_lossy(&value).into_owned()
}
