//! A look at the records of a file that is refused already, because its header does not fit: what else is wrong with it.
//!
//! Whoever corrects the file then corrects it once. The sound columns are read and checked as they would be under a sound
//! header, with the same failures; what takes other objects to know (keys that are taken, values that an existing object
//! would keep) is left to the import of the corrected file.

use std::io::Read;

use super::entry::{Entries, Entry, Said, is_misshapen};
use super::failing::{against_policies, misshapen, without_key};
use super::layout::Layout;
use super::pass::Passed;
use super::progress::Progress;
use super::reader::{Reader, RecordRef, Records};
use crate::error::Result;
use crate::failure::Failure;
use crate::import::Counts;
use crate::repository::{Due, Session, Settled};
use crate::schema::Violation;

/// Records looked at together.
const ROUND: usize = 4096;

/// Text looked at together, unless a single record is longer.
const MAX_BYTES: usize = 8 << 20;

/// What an inspection needs.
pub(crate) struct Inspection<'a, R: Read> {
    pub(crate) layout: &'a Layout,
    /// Behind the header.
    pub(crate) reader: Reader<R>,
    /// A dry run's session, which keeps failures and nothing else.
    pub(crate) session: &'a mut Session,
    pub(crate) progress: &'a Progress,
    /// What is known of the file already.
    pub(crate) warnings: &'a [String],
    /// Asked once a round: whether the import was cancelled, or has to give way.
    pub(crate) is_stopped: &'a dyn Fn() -> bool,
}

impl<R: Read> Inspection<'_, R> {
    /// Keeps the failures of the whole file, or of as much as was looked at when it was stopped.
    pub(crate) fn run(mut self) -> Result<Passed> {
        let mut counts = Counts { total: self.progress.total(), ..Counts::default() };
        let (mut records, mut entries) = (Records::new(), Entries::default());
        let (mut looked_at, mut stopped) = (0, false);
        while !stopped && self.reader.read(&mut records, ROUND, MAX_BYTES)? {
            entries.clear(self.layout);
            for record in records.iter() {
                if let Some(failure) = look_at(record, self.layout, &mut entries) {
                    counts.failure += 1;
                    self.session.fail(failure);
                }
            }
            looked_at += records.len() as u64;
            self.progress.set_applied(looked_at);
            if self.session.due() == Due::Now {
                self.keep(Counts { failure: 0, ..counts })?;
            }
            stopped = (self.is_stopped)();
        }
        self.keep(counts)?;
        Ok(Passed { counts, warnings: self.warnings.to_vec(), stopped })
    }

    fn keep(&mut self, counts: Counts) -> Result<()> {
        self.session.commit(Settled { counts, warnings: self.warnings, ..Settled::default() })
    }
}

fn look_at(record: RecordRef<'_>, layout: &Layout, entries: &mut Entries) -> Option<Failure> {
    if is_misshapen(record, layout) {
        return Some(misshapen(record, layout));
    }
    let entry = entries.push(record, layout);
    let violations = violations(entries.get(entry), layout);
    (!violations.is_empty()).then(|| against_policies(record, layout, &violations))
}

/// What is wrong with an entry, whatever the object that it is about.
fn violations(entry: Entry<'_>, layout: &Layout) -> Vec<Violation> {
    let mut violations = without_key(entry, layout, &layout.key_slots);
    for (slot, number) in layout.slots.iter().zip(0..) {
        let property = layout.property(slot);
        let is_cleared = property.required && matches!(entry.said(number), Said::Blank | Said::Removed);
        if is_cleared && !violations.iter().any(|violation| violation.property == property.path) {
            violations.push(Violation::required(&property.path));
        }
    }
    violations
}
