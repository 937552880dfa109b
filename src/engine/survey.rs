//! The survey of a file's keys, for plans where the last record of a key wins: how often each repeated key occurs.
//!
//! Memory is 10 to 20 bytes a record, which the plan's limit of records bounds.

use std::collections::{HashMap, HashSet};
use std::io::Read;

use super::header::Binding;
use super::progress::Progress;
use super::reader::Reader;
use super::round::{Key, RoundReader};
use crate::error::Result;
use crate::repository::Hashes;

/// Reads a whole file in rounds of `size`; gives the number of its records, and for each key hash that occurs more than once how often.
pub(crate) fn survey<R: Read>(
    reader: Reader<R>,
    size: usize,
    binding: &Binding,
    hashes: Hashes,
    progress: &Progress,
) -> Result<(u64, HashMap<u64, u32>)> {
    let mut seen = HashSet::new();
    let mut repeated = HashMap::new();
    let mut records = 0;
    RoundReader { reader, size, binding, hashes, progress, settled: u64::MAX, eager: &false.into() }.each(|round| {
        records += round.len() as u64;
        for key in &round.keys {
            if let Key::Complete { hash, .. } = key
                && !seen.insert(*hash)
            {
                *repeated.entry(*hash).or_insert(1) += 1;
            }
        }
    })?;
    Ok((records, repeated))
}
