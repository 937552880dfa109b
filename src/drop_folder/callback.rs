//! Callbacks: telling the customer that a run is over (Gainsight PX's status endpoint, with Standard Webhooks' headers).

use super::DropFolders;
use crate::error::Result;

impl DropFolders {
    /// Makes every attempt at a callback that is due; says how many there were. Those of different drop folders do not
    /// wait for each other.
    pub fn deliver_callbacks(&self) -> Result<usize> {
        todo!()
    }
}
