//! What is kept of a record that fails, whoever finds out that it does.

use serde_json::{Value, json};

use super::entry::{Entry, Said, meant};
use super::layout::Layout;
use super::reader::RecordRef;
use crate::error::Error;
use crate::failure::{Failure, IMPORT_ERROR_COLUMN, has_nul, too_few_cells, wrong_width};
use crate::schema::{Violation, policy_problem};

/// The failure of a record, with this problem.
pub(super) fn failure(record: RecordRef<'_>, layout: &Layout, problem: Value) -> Failure {
    let cells = (0..record.width()).map(|column| meant(record, column, layout).to_owned()).collect();
    Failure { row: record.row(), cells, problem }
}

/// The failure of a record that does not meet its type's policies.
pub(super) fn against_policies(record: RecordRef<'_>, layout: &Layout, violations: &[Violation]) -> Failure {
    let mut problem = policy_problem(violations);
    problem["violations"] = violations.iter().map(|violation| report(violation, layout)).collect();
    failure(record, layout, problem)
}

/// The failure of a record that can be no entry.
pub(super) fn misshapen(record: RecordRef<'_>, layout: &Layout) -> Failure {
    let error = if record.has_nul() {
        let column = (0..record.width()).find(|&column| record.cell(column).contains('\0')).unwrap_or(0);
        Error::record(has_nul(column + 1))
    } else if record.width() != layout.width {
        Error::record(wrong_width(record.width(), layout.width))
    } else {
        let error = layout.import_error_column.map_or("", |column| record.cell(column));
        let (cells, columns) = too_few_cells(error).unwrap_or_default();
        let short = wrong_width(cells, columns);
        Error::record(format!("{short}; fill in what is missing, or empty its {IMPORT_ERROR_COLUMN} cell"))
    };
    failure(record, layout, error.problem())
}

/// What is wrong with an entry whose record has no complete key, as far as one record can tell: its cells, and the
/// properties that find objects and have no value.
pub(super) fn without_key(entry: Entry<'_>, layout: &Layout, key_slots: &[usize]) -> Vec<Violation> {
    let is_blank = |slot: &&usize| !matches!(entry.said(**slot), Said::Value(_) | Said::Wrong);
    let missing = key_slots.iter().filter(is_blank);
    let missing = missing.map(|&slot| Violation::required(&layout.property(&layout.slots[slot]).path));
    entry.violations().iter().cloned().chain(missing).collect()
}

/// A violation with the name of its column, where that is not the property's.
fn report(violation: &Violation, layout: &Layout) -> Value {
    let report = violation.report();
    let property = violation.property.split('[').next();
    let Some((_, column)) = layout.renamed.iter().find(|(path, _)| Some(path.as_str()) == property) else {
        return report;
    };
    let mut named = json!({ "column": column });
    if let (Value::Object(named), Value::Object(report)) = (&mut named, report) {
        named.extend(report);
    }
    named
}
