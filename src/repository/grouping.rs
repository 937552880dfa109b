//! Failures in groups: those of one flush on their way into the tables, and the way back from a group to its failures.
//!
//! The rows of a group are kept packed, some thousands in one piece, so that a failure costs a byte or two more and the
//! rarest group among many failures is found at once.

use std::borrow::Cow;

use crate::error::{Error, Result};
use crate::failure::{Failure, Wrong};
use crate::filter::fold;
use crate::report::{FailureFilter, FailureGroup, FailuresPage};

/// Failures that one call looks at for a text: some ten milliseconds.
const LOOK: usize = 4096;

/// Failures that are read together, since each may be large.
const BATCH: usize = 128;

/// Failures that were put together, in groups.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups(Vec<Group>);

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) requirement: String,
    /// Empty if it is the whole record.
    pub(super) property: String,
    pub(super) column: Option<String>,
    /// What is said of the first.
    pub(super) example: String,
    first: u64,
    rows: Vec<u64>,
}

/// Rows as they are stored.
pub(super) struct Packed {
    pub(super) count: i64,
    pub(super) first: i64,
    pub(super) last: i64,
    pub(super) bytes: Vec<u8>,
}

impl Groups {
    pub(super) fn of(failures: &[Failure]) -> Groups {
        let mut groups = Groups::default();
        failures.iter().for_each(|failure| groups.add(failure));
        groups
    }

    /// Adds a failure to the groups of all that is wrong with it, to each once.
    pub(super) fn add(&mut self, failure: &Failure) {
        let row = failure.row;
        for Wrong { requirement, property, column, message } in failure.wrongs() {
            let (requirement, property) = (storable(requirement), storable(property.unwrap_or_default()));
            let is_it = |group: &&mut Group| group.requirement == requirement && group.property == property;
            match self.0.iter_mut().find(is_it) {
                Some(group) if group.rows.last() == Some(&row) => {}
                Some(group) => {
                    if row < group.first {
                        group.first = row;
                        group.example = storable(message).into_owned();
                    }
                    group.rows.push(row);
                }
                None => self.0.push(Group {
                    requirement: requirement.into_owned(),
                    property: property.into_owned(),
                    column: column.map(|column| storable(column).into_owned()),
                    example: storable(message).into_owned(),
                    first: row,
                    rows: vec![row],
                }),
            }
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Group> {
        self.0.iter()
    }
}

impl Group {
    pub(super) fn packed(&self) -> Packed {
        let mut rows = Cow::Borrowed(&self.rows);
        if !rows.is_sorted() {
            rows.to_mut().sort_unstable();
        }
        let mut bytes = Vec::with_capacity(rows.len() * 2);
        let mut before = 0;
        for row in rows.iter() {
            let mut distance = row - before;
            while distance >= 0x80 {
                bytes.push(distance as u8 | 0x80);
                distance >>= 7;
            }
            bytes.push(distance as u8);
            before = *row;
        }
        let number = |row: Option<&u64>| row.copied().unwrap_or(0).cast_signed();
        Packed { count: rows.len() as i64, first: number(rows.first()), last: number(rows.last()), bytes }
    }
}

/// The rows that were packed so.
fn unpacked(bytes: &[u8]) -> Vec<u64> {
    let (mut rows, mut row, mut distance, mut shift) = (Vec::with_capacity(bytes.len()), 0_u64, 0_u64, 0);
    for byte in bytes {
        distance |= u64::from(byte & 0x7F).checked_shl(shift).unwrap_or(0);
        shift += 7;
        if byte & 0x80 == 0 {
            row = row.saturating_add(distance);
            rows.push(row);
            (distance, shift) = (0, 0);
        }
    }
    rows
}

/// A text as both backends take it: one of them has none with a NUL.
fn storable(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{FFFD}")) } else { Cow::Borrowed(text) }
}

/// The largest first.
pub(super) fn sort(groups: &mut [FailureGroup]) {
    groups.sort_by(|one, other| {
        let place = |group: &FailureGroup| (std::cmp::Reverse(group.failures), group.first_row);
        let name = |group: &FailureGroup| (group.requirement.clone(), group.property.clone());
        place(one).cmp(&place(other)).then_with(|| name(one).cmp(&name(other)))
    });
}

/// What a backend looks up.
pub(super) trait Lookups {
    /// All groups of the import.
    fn groups(&mut self) -> Result<Vec<FailureGroup>>;

    /// The first of the stored pieces of a group that ends behind this row: its last row, and all of them packed.
    fn piece(&mut self, group: &FailureGroup, after: u64) -> Result<Option<(u64, Vec<u8>)>>;

    /// The failures of these rows, in order.
    fn at(&mut self, rows: &[u64]) -> Result<Vec<Failure>>;

    /// Up to `limit` failures behind this row, in order.
    fn behind(&mut self, after: u64, limit: usize) -> Result<Vec<Failure>>;
}

/// The failures of an import that a filter chooses.
pub(super) fn failures_of(
    lookups: &mut impl Lookups,
    filter: &FailureFilter,
    after: u64,
    limit: usize,
) -> Result<FailuresPage> {
    let limit = limit.max(1);
    let text = filter.text.as_deref().map(|text| fold(text.trim())).filter(|text| !text.is_empty());
    let mut rows = match (&filter.requirement, &filter.property) {
        (None, None) => None,
        _ => Some(Rows { parts: parts_of(lookups, filter, after)? }),
    };
    let batch = if text.is_some() { BATCH } else { BATCH.min(limit.saturating_add(1)) };
    let (mut found, mut seen, mut looked_at) = (Vec::new(), after, 0);
    loop {
        let batch = match &mut rows {
            None => lookups.behind(seen, batch)?,
            Some(rows) => {
                let rows = rows.take(lookups, batch)?;
                if rows.is_empty() { Vec::new() } else { lookups.at(&rows)? }
            }
        };
        // Those of a group are fewer if they are being removed.
        if batch.is_empty() {
            return Ok(FailuresPage { failures: found, next: None });
        }
        looked_at += batch.len();
        for failure in batch {
            let row = failure.row;
            if text.as_ref().is_none_or(|text| has_text(&failure, text)) {
                if found.len() == limit {
                    return Ok(FailuresPage { failures: found, next: Some(seen) });
                }
                found.push(failure);
            }
            seen = row;
        }
        if looked_at >= LOOK {
            return Ok(FailuresPage { failures: found, next: Some(seen) });
        }
    }
}

fn parts_of(lookups: &mut impl Lookups, filter: &FailureFilter, after: u64) -> Result<Vec<Part>> {
    let mut groups = lookups.groups()?;
    groups.retain(|group| {
        filter.requirement.as_ref().is_none_or(|requirement| *requirement == group.requirement)
            && filter.property.as_ref().is_none_or(|property| Some(property) == group.property.as_ref())
    });
    Ok(groups.into_iter().map(|group| Part { group, rows: Vec::new(), at: 0, after, is_over: false }).collect())
}

/// The rows of several groups, in order.
struct Rows {
    parts: Vec<Part>,
}

/// The rows of one of them.
struct Part {
    group: FailureGroup,
    rows: Vec<u64>,
    at: usize,
    /// What was given so far.
    after: u64,
    is_over: bool,
}

impl Rows {
    /// The next ones, at most so many.
    fn take(&mut self, lookups: &mut impl Lookups, most: usize) -> Result<Vec<u64>> {
        let mut taken: Vec<u64> = Vec::new();
        while taken.len() < most {
            let mut first = None;
            for part in &mut self.parts {
                first = [first, part.next(lookups)?].into_iter().flatten().min();
            }
            let Some(row) = first else { break };
            self.parts.iter_mut().for_each(|part| part.pass(row));
            taken.push(row);
        }
        Ok(taken)
    }
}

impl Part {
    fn next(&mut self, lookups: &mut impl Lookups) -> Result<Option<u64>> {
        while self.at == self.rows.len() && !self.is_over {
            match lookups.piece(&self.group, self.after)? {
                None => self.is_over = true,
                Some((last, packed)) => {
                    self.rows = unpacked(&packed);
                    self.at = self.rows.partition_point(|row| *row <= self.after);
                    if self.rows.last() != Some(&last) {
                        return Err(Error::internal("the rows of a group of failures cannot be read"));
                    }
                }
            }
        }
        Ok(self.rows.get(self.at).copied())
    }

    fn pass(&mut self, row: u64) {
        if self.rows.get(self.at) == Some(&row) {
            self.at += 1;
            self.after = row;
        }
    }
}

/// Whether a folded text is in a failure, in a cell or in what is said of it, or is its row.
fn has_text(failure: &Failure, text: &str) -> bool {
    failure.row.to_string() == text
        || failure.cells.iter().any(|cell| fold(cell).contains(text))
        || failure.wrongs().any(|wrong| {
            let told = [Some(wrong.requirement), wrong.property, wrong.column, Some(wrong.message)];
            told.into_iter().flatten().any(|told| fold(told).contains(text))
        })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Groups, unpacked};
    use crate::failure::Failure;

    #[test]
    fn packed_rows_come_back_in_order() {
        for rows in [vec![2], vec![2, 3, 4], vec![9, 7, 300, 70_000, 2], vec![1, u64::MAX >> 1]] {
            let failures: Vec<Failure> = rows
                .iter()
                .map(|row| Failure { row: *row, cells: Vec::new(), problem: json!({"message": format!("{row}")}) })
                .collect();
            let groups = Groups::of(&failures);
            let packed = groups.0[0].packed();
            let mut sorted = rows.clone();
            sorted.sort_unstable();
            assert_eq!(unpacked(&packed.bytes), sorted);
            assert_eq!(groups.0[0].example, sorted[0].to_string());
            let [first, last] = [packed.first, packed.last].map(i64::cast_unsigned);
            assert_eq!((packed.count as usize, first, last), (rows.len(), sorted[0], sorted[sorted.len() - 1]));
        }
    }
}
