//! The survey of a file's keys, for plans where the last record of a key wins: how often each repeated key occurs.
//!
//! Memory is 10 to 20 bytes a record, which the plan's limit of records bounds.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::round::{Key, Rounds};
use crate::error::Result;

/// Reads a whole file; gives for each key hash that occurs more than once how often.
pub(crate) fn survey<R: Read>(rounds: Rounds<'_, R>) -> Result<HashMap<u64, u32>> {
    let mut seen = HashSet::new();
    let mut repeated = HashMap::new();
    rounds.each(|round| {
        for hash in round.keys.iter().filter_map(Key::hash) {
            if !seen.insert(hash) {
                *repeated.entry(hash).or_insert(1) += 1;
            }
        }
    })?;
    Ok(repeated)
}
