//! A failed record on its way out to the person who corrects it, and back.
//!
//! The failures file of an import has the columns of the imported file and one more, which says what was wrong;
//! corrected, it is imported again as it is. So nothing may be lost on the way, neither to CSV nor to the guard that
//! keeps spreadsheets from running cells as formulas. Pure: the doors say where the file goes, the engine what failed.

mod guard;
mod import_error;
mod writer;
mod wrong;

use serde_json::{Map, Value, json};

use crate::schema::path;

pub use guard::{Guards, guard, unguard, unguard_header};
pub use import_error::import_error;
pub use writer::{Escape, FailuresWriter};
pub use wrong::Wrong;

/// A failed record, kept with its original cells so that it can be corrected and imported again.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The record's row as a spreadsheet shows it.
    pub row: u64,
    /// Its cells as they were meant: unquoted, without formula guards.
    pub cells: Vec<String>,
    /// The problem, and beside PingIDM's members a list of `violations`.
    pub problem: Value,
}

impl Failure {
    /// The problem without what we say beside PingIDM's members. That is for programs, and would confuse scripts that
    /// look for PingIDM's text.
    pub fn plain_problem(&self) -> Value {
        match &self.problem {
            Value::Object(problem) => {
                let own = problem.iter().filter(|(name, _)| *name != VIOLATIONS);
                Value::Object(own.map(|(name, value)| (name.clone(), value.clone())).collect())
            }
            other => other.clone(),
        }
    }

    /// What is wrong, one by one; nothing where the record as a whole is refused.
    pub fn violations(&self) -> &[Value] {
        self.problem.get(VIOLATIONS).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// The failure for programs: `{row, record, problem, violations}`, where `record` has the cells by the columns of
    /// the `header`. Cells behind the last column are the `surplus`. A violation names the column it is about, unless
    /// the file has none for the property.
    pub fn to_json(&self, header: &[String]) -> Value {
        let mut cells = self.cells.iter().map(|cell| Value::from(cell.as_str()));
        let record: Map<String, Value> = header.iter().cloned().zip(&mut cells).collect();
        let mut json = json!({ "row": self.row, "record": record });
        let surplus: Vec<Value> = cells.collect();
        if !surplus.is_empty() {
            json["surplus"] = surplus.into();
        }
        json["problem"] = self.plain_problem();
        json["violations"] = self.violations().iter().map(|violation| with_column(violation, header)).collect();
        json
    }
}

/// The place of the column among those of the `header` that a violation is about, unless the file has none for the
/// property.
pub(crate) fn column_of(violation: &Value, header: &[String]) -> Option<usize> {
    if let Some(named) = violation["column"].as_str() {
        return header.iter().position(|column| column == named);
    }
    let property = whole_property(violation["property"].as_str().unwrap_or_default());
    header.iter().position(|column| path(column) == property)
}

fn with_column(violation: &Value, header: &[String]) -> Value {
    let column = column_of(violation, header).map(|at| &header[at]);
    let named = column.map(|column| ("column".to_owned(), Value::from(column.as_str())));
    let members = violation.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone()));
    Value::Object(named.into_iter().chain(members).collect())
}

/// The column of a property that has the property's name.
pub(crate) fn column_named<'h>(property: &str, header: &'h [String]) -> Option<&'h str> {
    header.iter().find(|column| path(column) == property).map(String::as_str)
}

/// The property that a violation is about, which of an element of an array is `path[3]`.
fn whole_property(property: &str) -> &str {
    property.split_once('[').map_or(property, |(array, _)| array)
}

/// Where a problem keeps its violations.
const VIOLATIONS: &str = "violations";

/// The column that says why a record failed. Ignored on import, so that a corrected file can come back as it is.
pub const IMPORT_ERROR_COLUMN: &str = "_importError";

/// The column that says that the cells of a failures file are unguarded, so that its import removes nothing from them.
pub const ESCAPE_COLUMN: &str = "_escape";

/// What is said of a record that has not as many cells as the header has columns.
pub(crate) fn wrong_width(cells: usize, columns: usize) -> String {
    let noun = if cells == 1 { "cell" } else { "cells" };
    format!("the record has {cells} {noun}, the header has {columns} columns")
}

/// What is said of a record with a NUL in this cell.
pub(crate) fn has_nul(cell: usize) -> String {
    format!("cell {cell} holds a NUL character, which no property can")
}

/// How many cells a record had and how many columns there were, if its `_importError` says that the cells were too few.
///
/// A failures file fills such a record with empty cells. While they are empty it is still too short: imported
/// uncorrected, they would clear what nobody meant to clear.
pub(crate) fn too_few_cells(import_error: &str) -> Option<(usize, usize)> {
    let (_, said) = import_error.split_once("message=the record has ")?;
    let (cells, rest) = said.split_once(" cell")?;
    let (_, columns) = rest.split_once("the header has ")?;
    let (cells, columns) = (cells.parse().ok()?, columns.split_once(' ')?.0.parse::<usize>().ok()?);
    (cells < columns).then_some((cells, columns))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{import_error, too_few_cells, wrong_width};

    #[test]
    fn a_short_record_is_known_again() {
        let said = |cells, columns| {
            let problem = json!({ "code": 400, "reason": "Bad Request", "message": wrong_width(cells, columns) });
            too_few_cells(&import_error(&problem))
        };
        assert_eq!([said(1, 2), said(11, 14), said(15, 14)], [Some((1, 2)), Some((11, 14)), None]);
        assert_eq!(too_few_cells("{code=403, message=Policy validation failed}"), None);
    }
}
