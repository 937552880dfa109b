//! The ids of objects: version 7 UUIDs whose counter is the object's number, so that an id finds its object without an
//! index of its own.

use uuid::Uuid;

use super::ObjectNumber;

/// Bits of a server-made id that say where its object lies. RFC 9562 calls such a part of a version 7 UUID a counter.
const NUMBER_BITS: u32 = 44;

/// Makes ids.
pub(in crate::repository) struct Ids {
    random: u64,
}

impl Ids {
    pub(in crate::repository) fn new() -> Ids {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        Ids { random: (high ^ low) | 1 }
    }

    pub(in crate::repository) fn next(&mut self, number: ObjectNumber, millis: u64) -> Uuid {
        // xorshift64*: the rest of an id must differ, it need not be secret.
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        let noise = self.random.wrapping_mul(0x2545_F491_4F6C_DD1D) >> (64 - 30);
        let number = number.unsigned_abs() & ((1 << NUMBER_BITS) - 1);
        let (top, rest) = (number >> 32, number & 0xFFFF_FFFF);
        let high = (millis << 16) | 0x7000 | top;
        let low = (0b10 << 62) | (rest << 30) | noise;
        Uuid::from_u64_pair(high, low)
    }
}

/// The number that a server-made id names; any other UUID names none or a wrong one, so the id must be compared.
pub(super) fn number_in(id: Uuid) -> Option<ObjectNumber> {
    let (high, low) = id.as_u64_pair();
    let number = ((high & 0xFFF) << 32) | ((low >> 30) & 0xFFFF_FFFF);
    (id.get_version_num() == 7).then(|| number.cast_signed())
}

/// The object of which this may be the id, if it is one of ours, and the id as it is stored: ours are the same in either
/// case.
pub(super) fn named(id: &str) -> Option<(ObjectNumber, String)> {
    let ours = id.to_ascii_lowercase();
    let uuid = Uuid::parse_str(&ours).ok().filter(|uuid| uuid.to_string() == ours)?;
    Some((number_in(uuid)?, ours))
}

#[cfg(test)]
mod tests {
    use super::{Ids, named, number_in};

    #[test]
    fn an_id_names_its_object() {
        let mut ids = Ids::new();
        for number in [1, 2, 0xFFFF_FFFF, 0x1_0000_0000, (1 << 44) - 1] {
            let id = ids.next(number, 1_700_000_000_000);
            assert_eq!(id.get_version_num(), 7, "{id}");
            assert_eq!(id.get_variant(), uuid::Variant::RFC4122);
            assert_eq!(number_in(id), Some(number));
            assert_ne!(ids.next(number, 1_700_000_000_000), id);
            assert_eq!(named(&id.to_string().to_uppercase()), Some((number, id.to_string())));
            assert_eq!(named(&id.simple().to_string()), None, "it is not written like ours");
        }
    }
}
