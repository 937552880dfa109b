//! Which drop folders there are: those of `rollbook.toml`, and those that were set otherwise.
//!
//! What was set otherwise is stored as it is shown, with its secrets sealed beside it, and is read anew whenever it is
//! asked for: what `rollbook.toml` allows now counts, and not what it allowed when the drop folder was set.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::DropFolders;
use crate::clock;
use crate::config::{DropFolder, SetBy, WrittenDropFolder, filled};
use crate::error::{Error, Result};
use crate::repository::{DropFolderState, StoredDropFolder};
use crate::secret::Secret;

/// A drop folder that is known by its name, whether or not it can be worked with.
#[derive(Debug)]
pub struct Registered {
    /// Its name.
    pub name: String,
    /// Who has set it.
    pub set_by: SetBy,
    /// Rises with every change; 0 of one in `rollbook.toml`.
    pub revision: u64,
    /// All its settings, without secrets; see [`DropFolder::to_json`].
    pub settings: Value,
    /// What it means; or why it cannot be worked with: its secrets are sealed with a key that is gone, say.
    pub folder: Result<DropFolder>,
}

impl DropFolders {
    /// All drop folders that can be worked with, by name.
    ///
    /// # Errors
    /// `Request` with everything that is wrong with those of `rollbook.toml`.
    pub fn all(&self) -> Result<Vec<DropFolder>> {
        Ok(self.registered()?.into_iter().filter_map(|registered| registered.folder.ok()).collect())
    }

    /// The drop folder of this name.
    ///
    /// # Errors
    /// `NotFound`, with the names there are; or why it cannot be worked with.
    pub fn get(&self, name: &str) -> Result<DropFolder> {
        self.find(name)?.folder
    }

    /// All drop folders, by name.
    ///
    /// # Errors
    /// `Request` with everything that is wrong with those of `rollbook.toml`.
    pub fn registered(&self) -> Result<Vec<Registered>> {
        let mut all: Vec<Registered> = self.app.config.drop_folders.all()?.iter().map(|f| self.in_file(f)).collect();
        for stored in self.app.repository.drop_folders()? {
            let mut registered = self.stored(stored);
            let clash = registered.folder.as_ref().ok().and_then(|folder| {
                all.iter().filter_map(|other| other.folder.as_ref().ok()).find_map(|other| folder.clashes_with(other))
            });
            if let Some(clash) = clash {
                registered.folder = Err(Error::conflict(clash));
            }
            all.push(registered);
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    /// The drop folder of this name, whether or not it can be worked with.
    ///
    /// # Errors
    /// `NotFound`, with the names there are.
    pub fn find(&self, name: &str) -> Result<Registered> {
        let mut all = self.registered()?;
        match all.iter().position(|registered| registered.name == name) {
            Some(at) => Ok(all.swap_remove(at)),
            None => Err(no_drop_folder(name, all.iter().map(|registered| registered.name.as_str()))),
        }
    }

    fn in_file(&self, folder: &DropFolder) -> Registered {
        let secrets = self.app.config.drop_folders.check_secrets(Some(&folder.name));
        Registered {
            name: folder.name.clone(),
            set_by: SetBy::File,
            revision: 0,
            settings: folder.to_json(),
            folder: secrets.map(|()| folder.clone()),
        }
    }

    fn stored(&self, stored: StoredDropFolder) -> Registered {
        let folder = self.read(&stored);
        let StoredDropFolder { name, settings, set_by, revision, .. } = stored;
        Registered { name, set_by, revision, settings, folder }
    }

    fn read(&self, stored: &StoredDropFolder) -> Result<DropFolder> {
        let opened = self.app.seal()?.open(&secrets_of(&stored.name), &stored.secrets)?;
        let secrets = serde_json::from_str(&opened).map_err(|error| Error::internal(error.to_string()))?;
        let written = WrittenDropFolder::from_json(filled(stored.settings.clone(), secrets))?;
        self.app.config.drop_folder(written, stored.set_by)
    }

    /// How a drop folder stands. What has to be made up for it is, when this is first asked.
    pub fn state(&self, folder: &DropFolder) -> Result<DropFolderState> {
        self.app.repository.drop_folder_state(&folder.name, || {
            let mut secret = [0; 32];
            getrandom::fill(&mut secret).map_err(|error| Error::storage("no random numbers could be had", error))?;
            let secret = format!("whsec_{}", STANDARD.encode(secret));
            Ok(DropFolderState {
                external_id: uuid::Uuid::new_v4().to_string(),
                signing_secret: self.app.seal()?.seal(&signing_secret_of(&folder.name), &secret)?,
                since: clock::now(),
                last_poll: None,
                trouble: None,
                callback_off: false,
            })
        })
    }

    /// What the callbacks of a drop folder are signed with: `whsec_` and base64.
    ///
    /// # Errors
    /// `Conflict` if it was sealed with another key than there is now.
    pub fn signing_secret(&self, folder: &DropFolder) -> Result<Secret> {
        let state = self.state(folder)?;
        self.app.seal()?.open(&signing_secret_of(&folder.name), &state.signing_secret).map(Secret::new)
    }
}

fn secrets_of(name: &str) -> String {
    format!("secrets of drop folder '{name}'")
}

fn signing_secret_of(name: &str) -> String {
    format!("signing secret of drop folder '{name}'")
}

/// The error about a name that none of the `known` drop folders has.
pub(crate) fn no_drop_folder<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Error {
    let known: Vec<&str> = known.into_iter().collect();
    let there_are = match known.as_slice() {
        [] => "there are none".to_owned(),
        known => format!("there are {}", known.join(", ")),
    };
    Error::not_found(format!("there is no drop folder '{name}'; {there_are}"))
}
