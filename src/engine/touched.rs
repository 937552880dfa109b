//! The objects that a pass has touched: one bit each.

use std::collections::HashMap;

use crate::repository::ObjectNumber;

/// Bits of a page, 8 KiB of memory.
const PAGE: u64 = 1 << 16;

/// A set of object numbers. Objects of one file lie near each other, so a page serves thousands.
#[derive(Default)]
pub(crate) struct Touched {
    pages: HashMap<u64, Box<[u64; 1024]>>,
    /// The page asked for last.
    last: Option<(u64, Box<[u64; 1024]>)>,
}

impl Touched {
    pub(crate) fn insert(&mut self, object: ObjectNumber) {
        let (page, word, bit) = place(object);
        if self.last.as_ref().is_none_or(|(last, _)| *last != page) {
            if let Some((last, bits)) = self.last.take() {
                self.pages.insert(last, bits);
            }
            let bits = self.pages.remove(&page).unwrap_or_else(|| Box::new([0; 1024]));
            self.last = Some((page, bits));
        }
        if let Some((_, bits)) = &mut self.last {
            bits[word] |= bit;
        }
    }

    pub(crate) fn contains(&self, object: ObjectNumber) -> bool {
        let (page, word, bit) = place(object);
        let bits = match &self.last {
            Some((last, bits)) if *last == page => Some(bits),
            _ => self.pages.get(&page),
        };
        bits.is_some_and(|bits| bits[word] & bit != 0)
    }
}

fn place(object: ObjectNumber) -> (u64, usize, u64) {
    let number = object.cast_unsigned();
    let within = number % PAGE;
    (number / PAGE, (within / 64) as usize, 1 << (within % 64))
}

#[cfg(test)]
mod tests {
    use super::Touched;

    #[test]
    fn remembers_what_was_inserted_and_nothing_else() {
        let mut touched = Touched::default();
        let inserted = [1, 2, 65_535, 65_536, 10_000_000, 3, 1 << 43];
        for object in inserted {
            assert!(!touched.contains(object));
            touched.insert(object);
        }
        for object in inserted {
            assert!(touched.contains(object), "{object}");
            assert!(inserted.contains(&(object + 1)) == touched.contains(object + 1), "{object}");
        }
    }
}
