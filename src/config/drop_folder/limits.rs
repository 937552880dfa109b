//! `[drop_folders]`: how far those may go who are not the operator; and all else that drop folders are read with.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::config::environment::Environment;

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

impl DropFoldersSection {
    pub(in crate::config) fn read(self) -> DropFolderLimits {
        DropFolderLimits {
            local_roots: self.local_roots.unwrap_or_else(|| vec![PathBuf::from("drop")]),
            allow_private: self.allow_private.unwrap_or(false),
        }
    }
}
