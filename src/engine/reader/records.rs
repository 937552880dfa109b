//! A round's worth of records: the cells in one text, one after the other.
//!
//! There is one allocation for all cells rather than one for each, and it is used again for the next round. The text
//! has been checked for UTF-8 in large pieces before it gets here.

use std::fmt;

use super::scanner::{LARGEST, Outline, Sink};

/// Records in the order of the file, with their cells unquoted.
#[derive(Clone, Debug, Default)]
pub struct Records {
    /// All cells, each followed by a NUL.
    text: String,
    /// Where in the text each cell ends: where its NUL is.
    ends: Vec<u32>,
    records: Vec<Record>,
    /// The cells of the window being scanned, until they are known to be UTF-8.
    pending: Vec<u8>,
}

#[derive(Clone, Copy, Debug)]
struct Record {
    row: u64,
    position: u64,
    /// How many cells there are up to this record's last one.
    cells: u32,
    has_nul: bool,
}

impl Records {
    /// Makes room for nothing; it comes with the records.
    pub fn new() -> Records {
        Records::default()
    }

    /// Makes room for so many records, of so many bytes and cells in all.
    pub fn with_capacity(records: usize, bytes: usize, cells: usize) -> Records {
        Records {
            text: String::with_capacity(bytes),
            ends: Vec::with_capacity(cells),
            records: Vec::with_capacity(records),
            pending: Vec::new(),
        }
    }

    /// Drops the records and keeps their room.
    pub fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
        self.records.clear();
    }

    /// Returns how many records there are.
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Says whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Returns how many bytes the cells take.
    pub fn size(&self) -> usize {
        self.text.len()
    }

    /// Returns the record at an index, which must be smaller than [`len`](Records::len).
    #[inline]
    pub fn get(&self, index: usize) -> RecordRef<'_> {
        let before = match index {
            0 => 0,
            _ => self.records[index - 1].cells as usize,
        };
        let record = &self.records[index];
        RecordRef {
            text: &self.text,
            ends: &self.ends[before..record.cells as usize],
            start: self.start(before),
            record,
        }
    }

    /// Returns the records one after the other.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = RecordRef<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Where in the text the cell of this index begins.
    #[inline]
    fn start(&self, cell: usize) -> usize {
        match cell {
            0 => 0,
            _ => self.ends[cell - 1] as usize + 1,
        }
    }

    fn cells(&self) -> usize {
        self.records.last().map_or(0, |record| record.cells as usize)
    }
}

/// One record among its [`Records`].
#[derive(Clone, Copy)]
pub struct RecordRef<'a> {
    text: &'a str,
    ends: &'a [u32],
    start: usize,
    record: &'a Record,
}

impl<'a> RecordRef<'a> {
    /// Returns the row as a spreadsheet shows it: the header is row 1, and blank lines are rows too.
    pub fn row(&self) -> u64 {
        self.record.row
    }

    /// Returns how many cells there are; at least one.
    pub fn width(&self) -> usize {
        self.ends.len()
    }

    /// Returns the cell of a column, which must be smaller than [`width`](RecordRef::width).
    #[inline]
    pub fn cell(&self, column: usize) -> &'a str {
        let start = match column {
            0 => self.start,
            _ => self.ends[column - 1] as usize + 1,
        };
        &self.text[start..self.ends[column] as usize]
    }

    /// Returns the cells one after the other.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let record = *self;
        (0..self.width()).map(move |column| record.cell(column))
    }

    /// Returns all cells, each followed by a NUL. Two records with the same text have the same cells, unless one
    /// [has a NUL](RecordRef::has_nul) itself.
    pub fn text(&self) -> &'a str {
        let end = self.ends.last().map_or(self.start, |end| *end as usize + 1);
        &self.text[self.start..end]
    }

    /// Says whether a cell contains a NUL byte, which no repository can store.
    pub fn has_nul(&self) -> bool {
        self.record.has_nul
    }

    /// Returns the offset of the record's first byte in the file, after decompression.
    pub fn position(&self) -> u64 {
        self.record.position
    }
}

impl fmt::Debug for RecordRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "row {}: ", self.row())?;
        f.debug_list().entries(self.cells()).finish()
    }
}

/// Collects records from windows.
///
/// Runs of the window whose cells lie in the text just as in the file, and that is nearly everything, are copied as they
/// are; only then their separators become NULs.
pub(super) struct Collector<'a> {
    records: &'a mut Records,
    /// The file position of the window.
    position: u64,
    /// Where in the window the run begins that is not yet copied.
    run: usize,
    /// What to add to a place of that run to get its place in the text, wrapping.
    shift: usize,
    /// How many cells have their NUL.
    separated: usize,
    max_records: usize,
    max_bytes: usize,
}

impl<'a> Collector<'a> {
    /// Collects until there are `max_records` records, or their cells have `max_bytes` bytes; at least one record.
    pub(super) fn new(records: &'a mut Records, max_records: usize, max_bytes: usize) -> Collector<'a> {
        let max_bytes = max_bytes.min(LARGEST);
        Collector { records, position: 0, run: 0, shift: 0, separated: 0, max_records, max_bytes }
    }

    /// Copies the run up to `to`.
    fn copy(&mut self, window: &[u8], to: usize) {
        let Records { text, ends, pending, .. } = &mut *self.records;
        pending.extend_from_slice(&window[self.run..to]);
        for end in &ends[self.separated..] {
            pending[*end as usize - text.len()] = 0;
        }
        self.separated = ends.len();
        self.run = to;
    }
}

impl Sink for Collector<'_> {
    fn begin(&mut self, position: u64) {
        self.position = position;
        self.run = 0;
        self.shift = self.records.text.len();
        self.separated = self.records.ends.len();
        self.records.pending.clear();
    }

    #[inline(always)]
    fn cell(&mut self, at: usize) {
        self.records.ends.push(at.wrapping_add(self.shift) as u32);
    }

    fn skip(&mut self, window: &[u8], from: usize, to: usize) {
        self.copy(window, from);
        self.run = to;
        self.shift = (self.records.text.len() + self.records.pending.len()).wrapping_sub(to);
    }

    #[inline(always)]
    fn record(&mut self, outline: Outline) -> bool {
        let Records { ends, records, .. } = &mut *self.records;
        records.push(Record {
            row: outline.row,
            position: self.position + outline.start as u64,
            cells: ends.len() as u32,
            has_nul: outline.has_nul,
        });
        records.len() >= self.max_records || ends.last().is_some_and(|end| *end as usize + 1 >= self.max_bytes)
    }

    fn end(&mut self, scanned: &[u8]) -> bool {
        let cells = self.records.cells();
        self.records.ends.truncate(cells);
        let size = self.records.start(cells) - self.records.text.len();
        if self.records.pending.len() < size {
            self.copy(scanned, scanned.len());
        }
        let Records { text, pending, .. } = &mut *self.records;
        pending.truncate(size);
        let cells = str::from_utf8(pending);
        text.push_str(cells.unwrap_or_default());
        cells.is_ok()
    }
}
