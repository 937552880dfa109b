//! Whether a drop folder can be worked with: each right is tried on its own.

use super::DropFolders;
use crate::error::Result;

/// What a drop folder needs to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// The role can be assumed with the ExternalId.
    Assume,
    /// The role cannot be assumed without the ExternalId, or with another one.
    Guard,
    /// Listing `current` and `processed`.
    List,
    /// Reading a file.
    Read,
    /// Writing under `processed`.
    Write,
    /// Deleting in `current`.
    Delete,
}

/// What trying one right showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    /// The right.
    pub right: Right,
    /// What is wrong and what would help, if anything is; of what was not tried because of another, that.
    pub problem: Option<String>,
}

/// What trying a drop folder showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Where it looks: `s3://ABC123/export/users_import`.
    pub place: String,
    /// Each right that was tried.
    pub rights: Vec<Probed>,
}

impl DropFolders {
    /// Tries each right that a drop folder needs.
    pub fn test(&self, _name: &str) -> Result<Probe> {
        todo!()
    }
}
