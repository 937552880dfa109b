//! Which drop folders there are: those of `rollbook.toml`, and those that were set otherwise.
//!
//! What was set otherwise is stored as it is shown, with its secrets sealed beside it, and is read anew whenever it is
//! asked for: what `rollbook.toml` allows now counts, and not what it allowed when the drop folder was set.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::DropFolders;
use crate::app::Condition;
use crate::clock;
use crate::config::{DropFolder, Ground, KEY, SetBy, WrittenDropFolder, filled};
use crate::error::{Error, Kind, Result};
use crate::repository::{DropFolderChange, DropFolderState, Remains, StoredDropFolder};
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

impl Registered {
    /// The revision as clients see revisions: 16 hexadecimal digits, of one in `rollbook.toml` by its settings.
    pub fn rev(&self) -> String {
        match self.set_by {
            SetBy::File => blake3::hash(self.settings.to_string().as_bytes()).to_hex()[..16].to_owned(),
            SetBy::Operator | SetBy::Administrator => format!("{:016x}", self.revision),
        }
    }
}

/// What became of a drop folder that was put.
#[derive(Debug)]
pub enum FolderPut {
    /// It is new.
    Created(Registered),
    /// It was there, and is now as it was put.
    Stored(Registered),
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
        let mut grounds: Vec<Ground> = grounds(&all).collect();
        for stored in self.app.repository.drop_folders()? {
            let mut registered = self.stored(stored);
            if let Ok(folder) = &registered.folder {
                let ground = folder.ground();
                match grounds.iter().find_map(|other| ground.clash(other)) {
                    Some(clash) => registered.folder = Err(Error::conflict(clash)),
                    None => grounds.push(ground),
                }
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

    /// The settings of a drop folder, and what we say of it, in members with an underscore in front. No secrets.
    pub fn shown(&self, registered: &Registered) -> Result<Value> {
        let mut shown = json!({ "_id": registered.name, "_rev": registered.rev(), "_setBy": registered.set_by.name() });
        match &registered.folder {
            Ok(folder) => {
                shown["_externalId"] = self.state(folder)?.external_id.into();
                shown["_place"] = folder.place().into();
            }
            Err(error) => shown["_problem"] = error.to_string().into(),
        }
        if let (Value::Object(members), Value::Object(settings)) = (&mut shown, &registered.settings) {
            members.extend(settings.iter().map(|(name, value)| (name.clone(), value.clone())));
        }
        Ok(shown)
    }

    /// Sets a drop folder. Secrets that are not written are those that it had; see [`WrittenDropFolder::keep_secrets`].
    ///
    /// # Errors
    /// `Request` with everything that is wrong with it; `Outdated` if the condition does not hold; `Conflict` if it is set
    /// in `rollbook.toml`.
    pub fn put(&self, written: WrittenDropFolder, set_by: SetBy, condition: &Condition) -> Result<FolderPut> {
        let name = written.name().unwrap_or_default().to_owned();
        let is_new = self.put_all(vec![written], set_by, condition)?;
        let registered = self.find(&name)?;
        Ok(if is_new.contains(&name) { FolderPut::Created(registered) } else { FolderPut::Stored(registered) })
    }

    /// Sets drop folders, all or none, under a condition that holds for each. Gives the names of those that are new.
    ///
    /// # Errors
    /// See [`DropFolders::put`]: everything that is wrong with any of them.
    pub fn put_all(
        &self,
        written: Vec<WrittenDropFolder>,
        set_by: SetBy,
        condition: &Condition,
    ) -> Result<Vec<String>> {
        loop {
            let known = self.registered()?;
            let folders = self.read_all(written.clone(), set_by, &known, condition)?;
            let change = |folder: &DropFolder| {
                let seen = known.iter().find(|known| known.name == folder.name).map(|known| known.revision);
                Ok(DropFolderChange { folder: self.sealed(folder)?, seen, made_up: self.made_up(folder)? })
            };
            let changes = folders.iter().map(change).collect::<Result<Vec<_>>>()?;
            if self.app.repository.put_drop_folders(&changes)? {
                let new = changes.into_iter().filter(|change| change.seen.is_none());
                return Ok(new.map(|change| change.folder.name).collect());
            }
            // Somebody else has changed one of them since it was read.
        }
    }

    /// What a drop folder would be if it were put; nothing is stored.
    ///
    /// # Errors
    /// See [`DropFolders::put`].
    pub fn would_be(&self, written: WrittenDropFolder, set_by: SetBy, condition: &Condition) -> Result<DropFolder> {
        let mut read = self.read_all(vec![written], set_by, &self.registered()?, condition)?;
        read.pop().ok_or_else(|| Error::internal("a drop folder was neither read nor refused"))
    }

    /// What drop folders mean that are to be set beside those that are known.
    fn read_all(
        &self,
        written: Vec<WrittenDropFolder>,
        set_by: SetBy,
        known: &[Registered],
        condition: &Condition,
    ) -> Result<Vec<DropFolder>> {
        let names: Vec<String> = written.iter().filter_map(|written| written.name().map(str::to_owned)).collect();
        let stays = known.iter().filter(|known| !names.contains(&known.name));
        let mut grounds: Vec<Ground> = grounds(stays).collect();
        let (mut folders, mut mistakes) = (Vec::with_capacity(written.len()), Vec::new());
        for mut written in written {
            if let Some(name) = written.name() {
                let earlier = known.iter().find(|known| known.name == name);
                check_condition(condition, name, earlier)?;
                if let Some(earlier) = earlier.and_then(|earlier| earlier.folder.as_ref().ok()) {
                    written.keep_secrets(earlier);
                }
            }
            match self.app.config.drop_folder(written, set_by) {
                Err(error) => mistakes.extend(error.parts().map_or_else(Vec::new, |(_, parts)| parts.to_vec())),
                Ok(folder) => {
                    let ground = folder.ground();
                    mistakes.extend(self.type_mistake(&folder)?);
                    mistakes.extend(grounds.iter().filter_map(|other| ground.clash(other)));
                    grounds.push(ground);
                    folders.push(folder);
                }
            }
        }
        match mistakes.is_empty() {
            true => Ok(folders),
            false => Err(not_set_right(mistakes)),
        }
    }

    /// What is wrong with what the records of a drop folder are to become, if anything is.
    fn type_mistake(&self, folder: &DropFolder) -> Result<Option<String>> {
        let whose = format!("drop folder '{}': object_type", folder.name);
        match self.app.object_type(&folder.object_type) {
            Ok(stored) if stored.object_type.property(KEY).is_some() || stored.object_type.is_open() => Ok(None),
            Ok(_) => {
                Ok(Some(format!("{whose}: {} has no property '{KEY}', by which objects are found", folder.object_type)))
            }
            Err(error) if error.kind() == Kind::NotFound => Ok(Some(format!("{whose}: {error}"))),
            Err(error) => Err(error),
        }
    }

    fn sealed(&self, folder: &DropFolder) -> Result<StoredDropFolder> {
        Ok(StoredDropFolder {
            name: folder.name.clone(),
            settings: folder.to_json(),
            secrets: self.app.seal()?.seal(&secrets_of(&folder.name), &folder.secrets().to_string())?,
            set_by: folder.set_by,
            revision: 0,
        })
    }

    /// Has a drop folder looked at only when somebody asks, or by its schedule again. A callback that is off stays off.
    ///
    /// # Errors
    /// `NotFound`, with the names there are; `Conflict` if it is set in `rollbook.toml`.
    pub fn pause(&self, name: &str, paused: bool) -> Result<Registered> {
        if self.find(name)?.set_by == SetBy::File {
            return Err(set_in_file(name, &format!("write paused = {paused} there")));
        }
        self.app.repository.pause_drop_folder(name, paused)?;
        self.find(name)
    }

    /// Removes a drop folder, with its ExternalId, and gives what it was. The ledger of its runs stays, so that nothing is
    /// imported again should it come back.
    ///
    /// # Errors
    /// `NotFound`, with the names there are; `Outdated` if the condition does not hold; `Conflict` if it is set in
    /// `rollbook.toml`.
    pub fn remove(&self, name: &str, condition: &Condition) -> Result<Registered> {
        loop {
            let registered = self.find(name)?;
            let Some(stored) = self.app.repository.drop_folder(name)? else {
                return Err(set_in_file(name, "remove it there"));
            };
            // One that was moved into rollbook.toml is still assumed and signed for as before.
            let remains = if registered.set_by == SetBy::File { Remains::State } else { Remains::Nothing };
            condition.check(&whose(name), Some(registered.rev()), || no_drop_folder(name, []))?;
            if self.app.repository.remove_drop_folder(name, stored.revision, remains)? {
                return Ok(registered);
            }
        }
    }

    /// Checks everything that the drop folders of `rollbook.toml` need, as far as it can be seen here. Of others that
    /// cannot be worked with, the log says why.
    ///
    /// # Errors
    /// `Request` with everything that is wrong with any of them.
    pub fn check(&self) -> Result<()> {
        let settings = &self.app.config.drop_folders;
        let mut mistakes = Vec::new();
        for folder in settings.sound() {
            mistakes.extend(self.type_mistake(folder)?);
        }
        settings.check(mistakes)?;
        for registered in self.registered()? {
            if let Err(error) = registered.folder {
                tracing::warn!(drop_folder = registered.name, %error, "a drop folder cannot be worked with");
            }
        }
        Ok(())
    }

    fn in_file(&self, folder: &DropFolder) -> Registered {
        let secrets = self.app.config.drop_folders.check_secrets_of(&folder.name);
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

    /// Makes up for all drop folders what they lack; see [`DropFolders::make_up`]. To be done by whoever begins to work with
    /// them, since nobody sets those of `rollbook.toml`. Of what cannot be made up the log says why.
    pub fn make_up_all(&self) -> Result<()> {
        for folder in self.all()? {
            if let Err(error) = self.make_up(&folder) {
                tracing::warn!(drop_folder = folder.name, %error, "what a drop folder needs could not be made up yet");
            }
        }
        Ok(())
    }

    /// Makes up for a drop folder what nobody chooses, its ExternalId and its signing secret, unless that was done. What is
    /// stored first counts, whichever process made it up.
    pub(super) fn make_up(&self, folder: &DropFolder) -> Result<()> {
        let repository = &self.app.repository;
        match repository.drop_folder_state(&folder.name)? {
            Some(_) => Ok(()),
            None => repository.add_drop_folder_state(&folder.name, &self.made_up(folder)?),
        }
    }

    fn made_up(&self, folder: &DropFolder) -> Result<DropFolderState> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(|error| Error::storage("no random numbers could be had", error))?;
        let secret = format!("whsec_{}", STANDARD.encode(secret));
        Ok(DropFolderState {
            external_id: uuid::Uuid::new_v4().to_string(),
            signing_secret: self.app.seal()?.seal(&signing_secret_of(&folder.name), &secret)?,
            since: clock::now(),
            last_poll: None,
            trouble: None,
            notices: Vec::new(),
            callback_off: false,
        })
    }

    /// How a drop folder stands. Nothing is made up for it, whoever asks.
    ///
    /// # Errors
    /// What keeps from being made up what it needs; `Busy` if nothing does, so that it is there in a moment.
    pub fn state(&self, folder: &DropFolder) -> Result<DropFolderState> {
        match self.app.repository.drop_folder_state(&folder.name)? {
            Some(state) => Ok(state),
            None => {
                self.app.seal()?;
                Err(Error::new(Kind::Busy, format!("the drop folder '{}' is not made ready yet", folder.name)))
            }
        }
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

/// Where those work that can be worked with.
fn grounds<'r>(all: impl IntoIterator<Item = &'r Registered>) -> impl Iterator<Item = Ground> {
    all.into_iter().filter_map(|registered| registered.folder.as_ref().ok()).map(DropFolder::ground)
}

/// Refuses what is set in `rollbook.toml`, and what is not as the caller knows it.
fn check_condition(condition: &Condition, name: &str, earlier: Option<&Registered>) -> Result<()> {
    if earlier.is_some_and(|earlier| earlier.set_by == SetBy::File) {
        return Err(set_in_file(name, "change it there"));
    }
    condition.check(&whose(name), earlier.map(Registered::rev), || no_drop_folder(name, []))
}

fn set_in_file(name: &str, help: &str) -> Error {
    Error::conflict(format!("drop folder '{name}' is set in rollbook.toml: {help}"))
}

fn not_set_right(mistakes: Vec<String>) -> Error {
    Error::listing(Kind::Request, "the drop folder is not set right", mistakes)
}

fn whose(name: &str) -> String {
    format!("drop folder '{name}'")
}

fn secrets_of(name: &str) -> String {
    format!("set of secrets of drop folder '{name}'")
}

/// What the signing secret of a drop folder is sealed for.
pub(crate) fn signing_secret_of(name: &str) -> String {
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
