//! Finds the bytes of a window that can mean something to the scanner, so that it never looks at the others.
//!
//! Sixty-four bytes at a time become a mask with one bit for each special byte. Both steps are plain arithmetic that
//! compilers turn into vector instructions. What a special byte means is the scanner's business.

const BLOCK: usize = 64;

/// The places of the special bytes of a window, in order.
pub(super) struct Specials<'a> {
    window: &'a [u8],
    base: usize,
    mask: u64,
}

impl<'a> Specials<'a> {
    pub(super) fn new(window: &'a [u8]) -> Specials<'a> {
        let mut specials = Specials { window, base: 0, mask: 0 };
        specials.look();
        specials
    }

    fn look(&mut self) {
        let rest = self.window.get(self.base..).unwrap_or_default();
        self.mask = match rest.first_chunk() {
            Some(block) => mask(block),
            None => {
                let mut block = [b'x'; BLOCK];
                block[..rest.len()].copy_from_slice(rest);
                mask(&block)
            }
        };
    }
}

impl Iterator for Specials<'_> {
    type Item = usize;

    #[inline(always)]
    fn next(&mut self) -> Option<usize> {
        while self.mask == 0 {
            if self.base + BLOCK >= self.window.len() {
                return None;
            }
            self.base += BLOCK;
            self.look();
        }
        let at = self.base + self.mask.trailing_zeros() as usize;
        self.mask &= self.mask - 1;
        Some(at)
    }
}

/// Whether a byte is special: a comma, a quote, a line end or NUL. The other control characters up to carriage return
/// are let in because one comparison is cheaper than three; the scanner takes them for data.
fn is_special(byte: u8) -> bool {
    (byte == b',') | (byte == b'"') | (byte <= b'\r')
}

#[inline(always)]
fn mask(block: &[u8; BLOCK]) -> u64 {
    let flags = block.map(|byte| u8::from(is_special(byte)));
    let (words, _) = flags.as_chunks::<8>();
    words.iter().rev().fold(0, |mask, word| mask << 8 | gather(u64::from_le_bytes(*word)))
}

/// Gathers eight bytes that are 0 or 1 into the eight bits of one: each factor's bit moves one byte into its place, and
/// no two products meet.
fn gather(flags: u64) -> u64 {
    flags.wrapping_mul(0x0102_0408_1020_4080) >> 56
}

#[cfg(test)]
mod tests {
    use super::{Specials, is_special};

    #[test]
    fn finds_every_special_byte_of_any_length() {
        let mut state = 1u32;
        let bytes: Vec<u8> = (0..1000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                b"a\0,\"\n\r\t -~\x7f\x80\xac\xa2\xff\x8d"[(state >> 24) as usize % 16]
            })
            .collect();
        for length in 0..300 {
            for start in [0, 1, 7, 63, 500] {
                let window = &bytes[start..start + length];
                let expected: Vec<usize> = (0..length).filter(|&i| is_special(window[i])).collect();
                assert_eq!(Specials::new(window).collect::<Vec<_>>(), expected, "{length} bytes from {start}");
            }
        }
    }
}
