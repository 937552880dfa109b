//! The policies that a customer puts into AWS, filled in.

use serde_json::Value;

use super::DropFolders;
use crate::error::Result;

/// What `policy` shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Policies {
    /// The ExternalId with which the role is assumed.
    pub external_id: String,
    /// Who may assume the role, under the condition of the ExternalId.
    pub trust: Value,
    /// What the role may do: no more than is needed.
    pub role: Value,
}

impl DropFolders {
    /// The policies for the role of a drop folder. `principal` is the ARN of our own AWS identity, if it is known.
    pub fn policies(&self, _name: &str) -> Result<Policies> {
        todo!()
    }
}
