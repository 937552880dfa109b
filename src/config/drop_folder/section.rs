//! `[drop_folders]` and `[[drop_folder]]`: what the operator has set, and how far others may go.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::place::Ground;
use super::reading::{Read, read};
use super::written::WrittenDropFolder;
use super::{DropFolder, SetBy};
use crate::config::environment::Environment;
use crate::error::{Error, Kind, Result};

/// `[drop_folders]` as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::config) struct DropFoldersSection {
    local_roots: Option<Vec<PathBuf>>,
    allow_private: Option<bool>,
}

/// How far administrators may go with the drop folders that they set: what `[drop_folders]` means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropFolderLimits {
    /// The directories that their directories lie in, relative to the data directory.
    pub local_roots: Vec<PathBuf>,
    /// Whether their endpoints and callbacks may be private addresses.
    pub allow_private: bool,
}

/// What a drop folder is read with.
#[derive(Clone, Copy)]
pub(in crate::config) struct Surroundings<'a> {
    pub(in crate::config) data: &'a Path,
    pub(in crate::config) environment: &'a Environment,
    pub(in crate::config) limits: &'a DropFolderLimits,
    /// The time zone of dates that name none.
    pub(in crate::config) time_zone: &'a str,
}

/// The drop folders of `rollbook.toml`. A command that has nothing to do with them is not held up by what is wrong with
/// them.
#[derive(Clone, Debug, Default)]
pub struct DropFolderSettings {
    folders: Vec<DropFolder>,
    mistakes: Vec<String>,
    lacks: Vec<(String, String)>,
    file: String,
}

impl DropFoldersSection {
    pub(in crate::config) fn read(self) -> DropFolderLimits {
        DropFolderLimits {
            local_roots: self.local_roots.unwrap_or_else(|| vec![PathBuf::from("drop")]),
            allow_private: self.allow_private.unwrap_or(false),
        }
    }
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
