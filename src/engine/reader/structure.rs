//! The structure of a file without its cells: what there is to know before anything of it may be applied.

use std::io::Read;

use super::scanner::{Outline, Sink};
use super::{Limits, Reader};
use crate::error::Result;

/// What a file consists of, if nothing is wrong with it as a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Structure {
    /// The header's cells without outer blanks.
    pub header: Vec<String>,
    /// The header's row, which is 1 unless blank lines come before it.
    pub header_row: u64,
    /// How many records there are, the header not counted.
    pub records: u64,
    /// How many of them have more or fewer cells than the header.
    pub ragged: u64,
    /// How many of them contain a NUL byte.
    pub with_nul: u64,
    /// How many of them have a quote inside an unquoted cell.
    pub stray_quotes: u64,
    /// The size of the file after decompression.
    pub size: u64,
}

/// Reads a whole file for its structure only, and finds everything that [`Reader::read`] would stop at: damaged gzip
/// data, other encodings, misplaced quotes, and what is over the limits.
pub fn scan<R: Read>(input: R, limits: &Limits) -> Result<Structure> {
    let mut reader = Reader::open(input, limits)?;
    let mut tally = Tally { header_width: reader.header.len(), ..Tally::default() };
    reader.pass(&mut tally)?;
    Ok(Structure {
        records: tally.records,
        ragged: tally.ragged,
        with_nul: tally.with_nul,
        stray_quotes: reader.stray_quotes(),
        size: reader.window.position(),
        header_row: reader.header_row,
        header: reader.header,
    })
}

/// Counts records.
#[derive(Default)]
pub(super) struct Tally {
    header_width: usize,
    records: u64,
    ragged: u64,
    with_nul: u64,
}

impl Sink for Tally {
    fn begin(&mut self, _position: u64) {}

    #[inline(always)]
    fn cell(&mut self, _at: usize) {}

    #[inline(always)]
    fn skip(&mut self, _window: &[u8], _from: usize, _to: usize) {}

    #[inline(always)]
    fn record(&mut self, outline: Outline) -> bool {
        self.records += 1;
        self.ragged += u64::from(outline.width != self.header_width);
        self.with_nul += u64::from(outline.has_nul);
        false
    }

    fn end(&mut self, scanned: &[u8]) -> bool {
        str::from_utf8(scanned).is_ok()
    }
}

/// Finds the row and column of a byte.
pub(super) struct Locator {
    wanted: usize,
    row: u64,
    column: usize,
    found: bool,
}

impl Locator {
    /// Looks for the byte at this offset of the window, which must be in a cell.
    pub(super) fn new(wanted: usize) -> Locator {
        Locator { wanted, row: 0, column: 0, found: false }
    }

    pub(super) fn row(&self) -> u64 {
        self.row
    }

    pub(super) fn column(&self) -> usize {
        self.column
    }
}

impl Sink for Locator {
    fn begin(&mut self, _position: u64) {}

    fn cell(&mut self, at: usize) {
        self.found = self.found || at > self.wanted;
        self.column += usize::from(!self.found);
    }

    fn skip(&mut self, _window: &[u8], _from: usize, _to: usize) {}

    fn record(&mut self, outline: Outline) -> bool {
        self.row = outline.row;
        if !self.found {
            self.column = 0;
        }
        self.found
    }

    fn end(&mut self, _scanned: &[u8]) -> bool {
        true
    }
}
