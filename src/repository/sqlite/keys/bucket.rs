//! A bucket of pairs, packed and not.

use super::Pair;
use crate::error::{Error, Result};
use crate::repository::{ALIKE, ObjectNumber};

/// Bytes of a pair: a hash of eight and an object's number of four.
pub(in crate::repository::sqlite) const PAIR_SIZE: usize = 12;

/// Pairs in order: the hashes, and the objects that belong to them.
#[derive(Clone, Debug, Default)]
pub(in crate::repository::sqlite) struct Bucket {
    pub(in crate::repository::sqlite) hashes: Box<[u64]>,
    objects: Box<[u32]>,
}

impl Bucket {
    pub(in crate::repository::sqlite) fn new(pairs: &[Pair]) -> Bucket {
        // `pack` has refused numbers that do not fit.
        Bucket {
            hashes: pairs.iter().map(|(hash, _)| *hash).collect(),
            objects: pairs.iter().map(|(_, object)| *object as u32).collect(),
        }
    }

    pub(in crate::repository::sqlite) fn pairs(&self) -> impl Iterator<Item = Pair> + '_ {
        self.hashes.iter().copied().zip(self.objects.iter().map(|object| ObjectNumber::from(*object)))
    }

    /// The objects with this hash, whose first `bits` bits are those of the bucket.
    pub(in crate::repository::sqlite) fn holders(
        &self,
        hash: u64,
        bits: u32,
    ) -> impl Iterator<Item = ObjectNumber> + '_ {
        let start = self.place_of(hash, bits);
        let count = self.hashes[start..].iter().take_while(|other| **other == hash).count();
        self.objects[start..start + count].iter().map(|object| ObjectNumber::from(*object))
    }

    /// The objects with a hash that has this upper half.
    pub(in crate::repository::sqlite) fn alike(
        &self,
        upper: u64,
        bits: u32,
    ) -> impl Iterator<Item = ObjectNumber> + '_ {
        let start = self.place_of(upper, bits);
        let count = self.hashes[start..].iter().take_while(|other| **other & ALIKE == upper).count();
        self.objects[start..start + count].iter().map(|object| ObjectNumber::from(*object))
    }

    /// Where a hash stands, or would stand: about where it stands among all hashes that the bucket can have.
    fn place_of(&self, hash: u64, bits: u32) -> usize {
        let within = (hash << bits) >> 32;
        let mut at = ((within * self.hashes.len() as u64) >> 32) as usize;
        while at > 0 && self.hashes[at - 1] >= hash {
            at -= 1;
        }
        while at < self.hashes.len() && self.hashes[at] < hash {
            at += 1;
        }
        at
    }

    pub(in crate::repository::sqlite) fn unpack(data: &[u8]) -> Bucket {
        let (pairs, _) = data.as_chunks::<PAIR_SIZE>();
        let hash = |pair: &[u8; PAIR_SIZE]| pair.first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes));
        let object = |pair: &[u8; PAIR_SIZE]| pair.last_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        Bucket { hashes: pairs.iter().map(hash).collect(), objects: pairs.iter().map(object).collect() }
    }

    /// How many hashes have several objects.
    pub(in crate::repository::sqlite) fn shared(&self) -> usize {
        self.hashes.chunk_by(|one, next| one == next).filter(|same| same.len() > 1).count()
    }
}

pub(in crate::repository::sqlite) fn pack(pairs: &[Pair]) -> Result<Vec<u8>> {
    let mut data = Vec::with_capacity(pairs.len() * PAIR_SIZE);
    for (hash, object) in pairs {
        let object = u32::try_from(*object)
            .map_err(|_| Error::conflict("an object type holds at most 4,294,967,295 objects in this repository"))?;
        data.extend_from_slice(&hash.to_le_bytes());
        data.extend_from_slice(&object.to_le_bytes());
    }
    Ok(data)
}
