//! References to objects of other types: which records refer to an object that does not exist.
//!
//! Nothing is refused for that, because files come in any order (Gainsight PX's users may come before their accounts). It
//! is looked at in one more reading of a file that is known to be sound, with the keys of the other type a round at a
//! time, and told in one warning for each column.

use std::io::Read;

use super::entry::{cell_text, is_misshapen};
use super::layout::{Layout, Slot};
use super::reader::{Reader, RecordRef, Records};
use crate::error::{Result, shown};
use crate::object::write_key_value;
use crate::repository::{Hashes, Session};
use crate::schema::TypeName;
use crate::schema::value::write_json_string;

/// Text read together, unless a single record is longer.
const MAX_BYTES: usize = 8 << 20;

/// How much of the first value is shown.
const VALUE: usize = 60;

/// The objects that a column refers to.
pub(crate) struct Target {
    /// The place of the column's slot.
    pub(crate) slot: usize,
    pub(crate) object_type: TypeName,
    /// Of that type; begun, so that it sees one moment.
    pub(crate) session: Session,
    /// The index that has what the column holds.
    pub(crate) index: usize,
    pub(crate) unresolved: Unresolved,
}

/// What was found so far.
#[derive(Default)]
pub(crate) struct Unresolved {
    count: u64,
    /// The row and the value of the first.
    first: Option<(u64, String)>,
}

/// A reading of a file.
pub(crate) struct Referring<'a, R: Read> {
    pub(crate) layout: &'a Layout,
    /// Behind the header.
    pub(crate) reader: Reader<R>,
    pub(crate) hashes: Hashes,
    /// Records looked at together.
    pub(crate) round: usize,
    /// Asked once a round; what was found by then is told.
    pub(crate) is_stopped: &'a dyn Fn() -> bool,
}

impl<R: Read> Referring<'_, R> {
    /// A warning for each of the columns that refers to what does not exist.
    pub(crate) fn warnings(mut self, mut targets: Vec<Target>) -> Result<Vec<String>> {
        let mut records = Records::new();
        while !(self.is_stopped)() && self.reader.read(&mut records, self.round, MAX_BYTES)? {
            targets.iter_mut().try_for_each(|target| self.look_up(&records, target))?;
        }
        Ok(targets.iter().filter_map(|target| target.warning(&self.layout.slots[target.slot], self.layout)).collect())
    }

    fn look_up(&self, records: &Records, target: &mut Target) -> Result<()> {
        let slot = &self.layout.slots[target.slot];
        let mut key = String::new();
        let mut referring = Vec::new();
        for (record, at) in records.iter().zip(0..) {
            if let Some(value) = self.value(record, slot) {
                key.clear();
                write_key_value(&mut key, |key| write_json_string(key, value));
                referring.push((self.hashes.key(&key), at));
            }
        }
        let mut wanted: Vec<u64> = referring.iter().map(|(hash, _)| *hash).collect();
        wanted.sort_unstable();
        wanted.dedup();
        target.session.begin_round(records.len())?;
        target.session.prefetch(target.index, &mut wanted)?;
        for (hash, at) in referring {
            if target.session.holders(target.index, hash).next().is_none() {
                let record = records.get(at);
                target.unresolved.add(record.row(), self.value(record, slot).unwrap_or_default());
            }
        }
        Ok(())
    }

    /// What a record refers to. Keys have no outer blanks.
    fn value<'r>(&self, record: RecordRef<'r>, slot: &Slot) -> Option<&'r str> {
        if is_misshapen(record, self.layout) {
            return None;
        }
        let cell = cell_text(record, slot, self.layout);
        Some(cell.trim()).filter(|value| !value.is_empty() && !self.layout.is_null(cell))
    }
}

impl Unresolved {
    fn add(&mut self, row: u64, value: &str) {
        self.count += 1;
        self.first.get_or_insert_with(|| (row, value.to_owned()));
    }
}

impl Target {
    fn warning(&self, slot: &Slot, layout: &Layout) -> Option<String> {
        let Unresolved { count, first } = &self.unresolved;
        let (row, value) = first.as_ref()?;
        let refer = if *count == 1 { "record refers" } else { "records refer" };
        let (property, value) = (&layout.property(slot).path, shown(value, VALUE));
        let name = &self.object_type;
        Some(format!(
            "{count} {refer} with '{property}' to a {name} that does not exist, the first in row {row}: '{value}'"
        ))
    }
}
