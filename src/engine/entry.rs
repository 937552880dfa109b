//! Entries: records with typed values, or with all that is wrong with them.
//!
//! The entries of a round lie one behind the other: the JSON texts of their values in one string, and for each bound
//! column where its text lies. One validator serves every door: cells are read and checked by their properties.

use super::layout::{Layout, Slot};
use super::reader::RecordRef;
use crate::failure::too_few_cells;
use crate::plan::BlankCells;
use crate::schema::{PropertyKind, Violation};

/// What one cell says about its property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said<'a> {
    /// Nothing: the property stays as it is.
    Nothing,
    /// That it has no value, or its default.
    Blank,
    /// That it has no value.
    Removed,
    /// This value, as JSON.
    Value(&'a str),
    /// Something that the property does not accept; see the entry's violations.
    Wrong,
}

#[derive(Clone, Copy, Debug)]
enum Cell {
    Nothing,
    Blank,
    Removed,
    Value { start: u32, end: u32 },
    Wrong,
}

/// The entries of a round.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    json: String,
    cells: Vec<Cell>,
    width: usize,
    /// Entries that have any, in order.
    violations: Vec<(usize, Vec<Violation>)>,
    count: usize,
}

/// One entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    entries: &'a Entries,
    index: usize,
}

impl Entries {
    pub(crate) fn clear(&mut self, layout: &Layout) {
        self.json.clear();
        self.cells.clear();
        self.violations.clear();
        self.width = layout.slots.len();
        self.count = 0;
    }

    /// Reads and checks a record, which must be as wide as the header, as the next entry; gives its index.
    pub(crate) fn push(&mut self, record: RecordRef<'_>, layout: &Layout) -> usize {
        let mut violations = Vec::new();
        for slot in &layout.slots {
            let cell = self.read(record, slot, layout, &mut violations);
            self.cells.push(cell);
        }
        if !violations.is_empty() {
            self.violations.push((self.count, violations));
        }
        self.count += 1;
        self.count - 1
    }

    /// Appends an entry that says nothing, in place of a record that cannot be one.
    pub(crate) fn push_nothing(&mut self) -> usize {
        self.cells.extend(std::iter::repeat_n(Cell::Nothing, self.width));
        self.count += 1;
        self.count - 1
    }

    /// One entry that says what `newer` says and, where that says nothing, what `older` says.
    pub(crate) fn folded(older: Option<Entry<'_>>, newer: Entry<'_>) -> Entries {
        let mut folded = Entries { width: newer.entries.width, count: 1, ..Entries::default() };
        for slot in 0..folded.width {
            let said = match (newer.said(slot), older) {
                (Said::Nothing, Some(older)) => older.said(slot),
                (said, _) => said,
            };
            let cell = match said {
                Said::Nothing => Cell::Nothing,
                Said::Blank => Cell::Blank,
                Said::Removed => Cell::Removed,
                Said::Wrong => Cell::Wrong,
                Said::Value(json) => folded.keep(|text| text.push_str(json)),
            };
            folded.cells.push(cell);
        }
        folded
    }

    pub(crate) fn get(&self, index: usize) -> Entry<'_> {
        Entry { entries: self, index }
    }

    fn read(&mut self, record: RecordRef<'_>, slot: &Slot, layout: &Layout, out: &mut Vec<Violation>) -> Cell {
        let property = layout.property(slot);
        let cell = cell_text(record, slot, layout);
        if layout.is_null(cell) {
            return Cell::Removed;
        }
        if cell.is_empty() || (property.kind != PropertyKind::String && cell.trim().is_empty()) {
            return match layout.blank_cells {
                BlankCells::Keep => Cell::Nothing,
                BlankCells::Clear => Cell::Blank,
            };
        }
        let value = match property.read(cell, &layout.dates) {
            Ok(value) => value,
            Err(violation) => {
                out.push(violation);
                return Cell::Wrong;
            }
        };
        let before = out.len();
        let sibling = |path: &str| {
            let slot = layout.slots.iter().find(|slot| layout.property(slot).path == path)?;
            Some(cell_text(record, slot, layout)).filter(|text| !layout.is_null(text))
        };
        property.check(&value, &sibling, out);
        if out.len() > before {
            return Cell::Wrong;
        }
        self.keep(|json| value.write_json(json))
    }

    fn keep(&mut self, write: impl FnOnce(&mut String)) -> Cell {
        let start = self.json.len() as u32;
        write(&mut self.json);
        Cell::Value { start, end: self.json.len() as u32 }
    }
}

impl<'a> Entry<'a> {
    pub(crate) fn said(self, slot: usize) -> Said<'a> {
        match self.entries.cells[self.index * self.entries.width + slot] {
            Cell::Nothing => Said::Nothing,
            Cell::Blank => Said::Blank,
            Cell::Removed => Said::Removed,
            Cell::Value { start, end } => Said::Value(&self.entries.json[start as usize..end as usize]),
            Cell::Wrong => Said::Wrong,
        }
    }

    pub(crate) fn violations(self) -> &'a [Violation] {
        let found = self.entries.violations.binary_search_by_key(&self.index, |(index, _)| *index);
        found.map_or(&[], |at| &self.entries.violations[at].1)
    }
}

/// The text of a cell as it was meant: without its formula guard if the file carries guards, without outer blanks if
/// it is part of a key.
pub(crate) fn cell_text<'a>(record: RecordRef<'a>, slot: &Slot, layout: &Layout) -> &'a str {
    let text = meant(record, slot.column, layout);
    if slot.trimmed { text.trim() } else { text }
}

/// A cell without its formula guard, if the file carries guards and the record does not say otherwise.
pub(crate) fn meant<'a>(record: RecordRef<'a>, column: usize, layout: &Layout) -> &'a str {
    layout.guards.remove(record.cell(column), |escape| (escape < record.width()).then(|| record.cell(escape)))
}

/// Whether a record can be no entry: it has too few cells, too many, or a NUL.
pub(crate) fn is_misshapen(record: RecordRef<'_>, layout: &Layout) -> bool {
    record.width() != layout.width || record.has_nul() || is_still_short(record, layout)
}

/// Whether a record of a failures file had too few cells, and those that were added to it are still empty.
fn is_still_short(record: RecordRef<'_>, layout: &Layout) -> bool {
    let Some(column) = layout.import_error_column else { return false };
    let Some((cells, _)) = too_few_cells(record.cell(column)) else { return false };
    let mut added = layout.slots.iter().map(|slot| slot.column).filter(|column| *column >= cells).peekable();
    added.peek().is_some() && added.all(|column| record.cell(column).is_empty())
}
