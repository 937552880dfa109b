//! What a session puts between two flushes.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::ops::Range;

use uuid::Uuid;

use super::rows::Rows;
use crate::error::{Error, Result};
use crate::failure::Failure;
use crate::repository::ObjectNumber;
use crate::repository::grouping::Groups;

/// How an object that is stored changes.
struct Change {
    /// The revision that was seen.
    seen: u64,
    /// Nothing if the document stays.
    document: Option<Range<usize>>,
    fingerprint: u64,
}

/// See the module's head.
#[derive(Default)]
pub(super) struct Puts {
    created: Rows,
    /// The numbers of new objects in order, and where the fingerprint of each lies.
    numbers: Vec<(ObjectNumber, usize)>,
    text: String,
    changes: BTreeMap<ObjectNumber, Change>,
    failures: Rows,
    groups: Groups,
}

/// Failures that are flushed together.
pub(super) struct Failed {
    /// Rows of `failure`.
    pub(super) rows: Vec<u8>,
    pub(super) groups: Groups,
}

/// What is flushed together.
pub(super) struct Flushed {
    /// Rows of `object`.
    pub(super) created: Option<Vec<u8>>,
    /// Rows of `staged_object`, and the objects they are about.
    pub(super) changed: Option<(Vec<u8>, Vec<ObjectNumber>)>,
    pub(super) failures: Option<Failed>,
}

impl Puts {
    pub(super) fn create(&mut self, [object_type, import]: [i64; 2], number: ObjectNumber, id: Uuid, document: &str) {
        let rows = &mut self.created;
        rows.begin(8);
        rows.number(object_type);
        rows.number(number);
        rows.uuid(id);
        rows.null();
        rows.number(1);
        rows.number(import);
        let fingerprint = rows.number(0);
        rows.text(document);
        self.numbers.push((number, fingerprint));
    }

    /// Puts the document of an object, which equals no record unless it is stamped.
    pub(super) fn update(&mut self, number: ObjectNumber, revision: u64, document: &str) {
        let start = self.text.len();
        self.text.push_str(document);
        let document = Some(start..self.text.len());
        self.changes.insert(number, Change { seen: revision, document, fingerprint: 0 });
    }

    /// Notes the record that an object equals, which was put just now or has this revision.
    ///
    /// # Errors
    /// If neither is so.
    pub(super) fn stamp(&mut self, number: ObjectNumber, revision: Option<u64>, fingerprint: u64) -> Result<()> {
        if let Ok(at) = self.numbers.binary_search_by_key(&number, |(number, _)| *number) {
            self.created.set_number(self.numbers[at].1, fingerprint.cast_signed());
            return Ok(());
        }
        match (self.changes.entry(number), revision) {
            (Entry::Occupied(mut place), _) => place.get_mut().fingerprint = fingerprint,
            (Entry::Vacant(place), Some(seen)) => drop(place.insert(Change { seen, document: None, fingerprint })),
            (Entry::Vacant(_), None) => return Err(Error::internal("an object is stamped that nobody has looked at")),
        }
        Ok(())
    }

    pub(super) fn fail(&mut self, import: i64, failure: &Failure) {
        let rows = &mut self.failures;
        rows.begin(4);
        rows.number(import);
        rows.number(failure.row.cast_signed());
        rows.text(&serde_json::Value::from(failure.cells.as_slice()).to_string());
        rows.text(&failure.problem.to_string());
        self.groups.add(failure);
    }

    pub(super) fn failures(&self) -> usize {
        self.failures.count()
    }

    /// Objects that are new or changed.
    pub(super) fn objects(&self) -> usize {
        self.created.count() + self.changes.len()
    }

    /// Bytes held.
    pub(super) fn len(&self) -> usize {
        self.created.len() + self.text.len() + self.failures.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects() + self.failures.count() == 0
    }

    /// The numbers of these objects.
    pub(super) fn numbers(&self) -> impl Iterator<Item = ObjectNumber> + '_ {
        self.numbers.iter().map(|(number, _)| *number).chain(self.changes.keys().copied())
    }

    /// The failures, which stay.
    pub(super) fn failed(&self) -> Option<Failed> {
        let failed = || Failed { rows: self.failures.clone().finished(), groups: self.groups.clone() };
        (!self.failures.is_empty()).then(failed)
    }

    pub(super) fn take(&mut self, [object_type, import]: [i64; 2]) -> Flushed {
        let Puts { created, text, changes, failures, groups, .. } = std::mem::take(self);
        let mut changed = Rows::default();
        let numbers: Vec<ObjectNumber> = changes.keys().copied().collect();
        for (number, Change { seen, document, fingerprint }) in changes {
            changed.begin(6);
            changed.number(import);
            changed.number(object_type);
            changed.number(number);
            changed.number(seen.cast_signed());
            changed.number(fingerprint.cast_signed());
            match document {
                Some(place) => changed.text(&text[place]),
                None => changed.null(),
            }
        }
        let rows = |rows: Rows| (!rows.is_empty()).then(|| rows.finished());
        Flushed {
            created: rows(created),
            changed: rows(changed).map(|rows| (rows, numbers)),
            failures: rows(failures).map(|rows| Failed { rows, groups }),
        }
    }
}
