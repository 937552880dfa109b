//! `[[drop_folder]]`: what the operator has set in `rollbook.toml`; and any drop folder that somebody sets elsewhere.

use super::limits::Surroundings;
use super::place::Ground;
use super::reading::{Read, read};
use super::written::WrittenDropFolder;
use super::{DropFolder, SetBy};
use crate::error::{Error, Kind, Result};

/// The drop folders of `rollbook.toml`. A command that has nothing to do with them is not held up by what is wrong with
/// them.
#[derive(Clone, Debug, Default)]
pub struct DropFolderSettings {
    folders: Vec<DropFolder>,
    mistakes: Vec<String>,
    lacks: Vec<(String, String)>,
    file: String,
}

impl DropFolderSettings {
    /// Reads all `[[drop_folder]]` of a file.
    pub(in crate::config) fn read(
        written: Vec<WrittenDropFolder>,
        around: &Surroundings<'_>,
        file: String,
    ) -> DropFolderSettings {
        if written.is_empty() {
            return DropFolderSettings::default();
        }
        let mut settings = DropFolderSettings { file, ..DropFolderSettings::default() };
        let mut grounds: Vec<Ground> = Vec::with_capacity(written.len());
        for (written, number) in written.into_iter().zip(1..) {
            let Read { folder, mistakes, lacks } = read(written, &format!("drop folder {number}"), SetBy::File, around);
            settings.mistakes.extend(mistakes);
            let Some(folder) = folder else { continue };
            settings.lacks.extend(lacks.into_iter().map(|lack| (folder.name.clone(), lack)));
            let ground = folder.ground();
            settings.mistakes.extend(grounds.iter().filter_map(|other| ground.clash(other)));
            grounds.push(ground);
            settings.folders.push(folder);
        }
        settings
    }

    /// Everything that is wrong with them.
    pub(in crate::config) fn mistakes(&self) -> &[String] {
        &self.mistakes
    }

    /// All of them.
    ///
    /// # Errors
    /// `Request` with everything that is wrong with any of them.
    pub fn all(&self) -> Result<&[DropFolder]> {
        self.refuse(self.mistakes.clone()).map(|()| self.folders.as_slice())
    }

    /// Refuses a drop folder whose secrets are not where the settings say.
    ///
    /// # Errors
    /// `Request` with everything that is not there.
    pub fn check_secrets_of(&self, name: &str) -> Result<()> {
        let lacks = self.lacks.iter().filter(|(whose, _)| whose == name).map(|(_, lack)| lack.clone());
        self.refuse(lacks.collect())
    }

    /// Those that are set right for themselves, whatever is wrong with others.
    pub fn sound(&self) -> &[DropFolder] {
        &self.folders
    }

    /// Refuses all of them if anything is wrong, or secrets are not where the settings say.
    ///
    /// # Errors
    /// `Request` with all mistakes, these others among them, and everything that is not there.
    pub fn check(&self, others: Vec<String>) -> Result<()> {
        let lacks = self.lacks.iter().map(|(_, lack)| lack.clone());
        self.refuse(self.mistakes.iter().cloned().chain(others).chain(lacks).collect())
    }

    fn refuse(&self, mistakes: Vec<String>) -> Result<()> {
        match mistakes.is_empty() {
            true => Ok(()),
            false => Err(self.refusal(mistakes)),
        }
    }

    fn refusal(&self, mistakes: Vec<String>) -> Error {
        Error::listing(Kind::Request, "the drop folders are not set right", mistakes).in_file(&self.file)
    }
}

impl DropFolder {
    /// What a drop folder means that somebody sets.
    ///
    /// # Errors
    /// `Request` with everything that is wrong with it.
    pub(in crate::config) fn read(
        written: WrittenDropFolder,
        set_by: SetBy,
        around: &Surroundings<'_>,
    ) -> Result<DropFolder> {
        let Read { folder, mut mistakes, lacks } = read(written, "the drop folder", set_by, around);
        mistakes.extend(lacks);
        match folder.filter(|_| mistakes.is_empty()) {
            Some(folder) => Ok(folder),
            None => Err(Error::listing(Kind::Request, "the drop folder is not set right", mistakes)),
        }
    }
}
