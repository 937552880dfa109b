//! The structure of a file without its cells: what there is to know before anything of it may be applied.

use std::io::Read;

use super::scanner::{Outline, Sink};
use super::{Limits, Reader};
use crate::error::Result;
use crate::import::Structure;

/// Reads a whole file for its structure only, and finds everything that [`Reader::read`] would stop at: damaged gzip
/// data, other encodings, misplaced quotes, and what is over the limits.
pub fn scan<R: Read>(input: R, limits: &Limits) -> Result<Structure> {
    Reader::open(input, limits)?.into_structure()
}

impl<R: Read> Reader<R> {
    /// Reads the file, of which nothing but the header was read, to its end for its structure only. See [`scan`].
    pub fn into_structure(mut self) -> Result<Structure> {
        let mut tally = Tally { header_width: self.header.len(), ..Tally::default() };
        self.pass(&mut tally)?;
        Ok(Structure {
            header_row: self.header_row,
            records: tally.records,
            ragged: tally.ragged,
            with_nul: tally.with_nul,
            stray_quotes: self.stray_quotes(),
            size: self.window.position(),
        })
    }
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
