//! What the columns of a file mean to an object type.
//!
//! Each column is taken for a property, passed over, or refused; everything wrong with a header is told at once, with what
//! was probably meant. Names are exact unless the plan is lenient. Nothing here knows records.

use std::collections::HashMap;
use std::io::Read;

use super::reader::Reader;
use crate::error::{Error, Result};
use crate::failure::{ESCAPE_COLUMN, IMPORT_ERROR_COLUMN, unguard_header};
use crate::fault::Fault;
use crate::plan::Plan;
use crate::schema::{self, ObjectType, Refusal};

/// The names of a file's columns, as they were meant.
pub(crate) fn column_names<R: Read>(reader: &Reader<R>) -> Vec<String> {
    let mut names = reader.header().to_vec();
    unguard_header(&mut names);
    names
}

/// The columns of one file under one plan.
#[derive(Debug, Default)]
pub(crate) struct Columns {
    /// For each column the path of the property that it fills, unless it is passed over or wrong.
    pub(crate) paths: Vec<Option<String>>,
    /// What is wrong, column by column, then what is missing.
    pub(crate) faults: Vec<Fault>,
    /// What is passed over that might have been meant.
    pub(crate) warnings: Vec<String>,
}

/// What becomes of one column.
enum Taken {
    /// It fills the property of this path.
    As(String),
    /// It is nothing of ours.
    PassedOver,
    /// It could fill a property, but the plan has it passed over.
    Ignored(String, Refusal),
    Wrong(Fault),
}

impl Columns {
    /// Finds the property of each column of a header.
    pub(crate) fn new(header: &[String], object_type: &ObjectType, plan: &Plan) -> Columns {
        let finding = Finding { object_type, plan };
        if let Some(fault) = finding.not_separated(header) {
            return Columns { paths: vec![None; header.len()], faults: vec![fault], warnings: Vec::new() };
        }
        let mut columns = Columns::default();
        let mut seen: HashMap<String, usize> = HashMap::new();
        for (column, number) in header.iter().zip(1..) {
            columns.paths.push(None);
            if schema::path(column).is_empty() {
                columns.faults.push(Fault::BlankColumn { number });
                continue;
            }
            if let Some(first) = seen.insert(finding.meaning(column), number) {
                // Neither of the two can be told to be the right one.
                columns.paths[first - 1] = None;
                columns.faults.push(Fault::DuplicateColumn { column: column.clone(), numbers: (first, number) });
                continue;
            }
            match finding.take(column, number) {
                Taken::As(path) => columns.paths[number - 1] = Some(path),
                Taken::PassedOver => {}
                Taken::Ignored(path, refusal) => columns.ignore(column, number, path, refusal, plan),
                Taken::Wrong(fault) => columns.faults.push(fault),
            }
        }
        let missing = plan.correlation.iter().filter(|property| !seen.contains_key(property.as_str()));
        columns.faults.extend(missing.map(|property| finding.missing(property, header)));
        columns
    }

    /// The columns that fill a property, as an open type takes them.
    pub(crate) fn filled(&self) -> Vec<String> {
        self.paths.iter().flatten().cloned().collect()
    }

    /// One error of kind `File` with everything that is wrong with the header in this row: see [`Fault`].
    pub(crate) fn refusal(&self, object_type: &ObjectType, row: u64) -> Option<Error> {
        let head = || format!("the header does not fit {}", object_type.name());
        (!self.faults.is_empty()).then(|| Fault::errors(head(), &self.faults).at_row(row))
    }

    fn ignore(&mut self, column: &str, number: usize, path: String, refusal: Refusal, plan: &Plan) {
        if plan.correlation.contains(&path) {
            // Without it no object is found.
            return self.faults.push(Fault::refused(column.to_owned(), number, refusal));
        }
        let what = if refusal == Refusal::Disabled { "disabled" } else { "read-only" };
        self.warnings.push(format!("column '{column}' (column {number}) is {what} and was passed over"));
    }
}

/// Says everything that is wrong with the header in this row, or nothing.
///
/// # Errors
/// See [`Columns::refusal`].
pub(crate) fn check_header(header: &[String], row: u64, object_type: &ObjectType, plan: &Plan) -> Result<()> {
    let columns = Columns::new(header, object_type, plan);
    match columns.refusal(object_type, row) {
        Some(refusal) => Err(refusal),
        // What an open type takes is known when the columns are put together.
        None => object_type.with_columns(&columns.filled()).map(drop).map_err(|error| error.at_row(row)),
    }
}

/// What it takes to find the property of a column.
struct Finding<'a> {
    object_type: &'a ObjectType,
    plan: &'a Plan,
}

impl<'a> Finding<'a> {
    fn property(&self, column: &str) -> Option<&'a schema::Property> {
        let exact = self.object_type.property(column).or_else(|| self.object_type.property_but_for_blanks(column));
        if self.plan.columns.lenient { exact.or_else(|| self.object_type.property_alike(column)) } else { exact }
    }

    /// The same for two columns that are taken for one.
    fn meaning(&self, column: &str) -> String {
        match self.property(column) {
            Some(property) => property.path.clone(),
            None if self.plan.columns.lenient => schema::folded(column),
            None => schema::path(column).to_owned(),
        }
    }

    fn take(&self, column: &str, number: usize) -> Taken {
        let name = schema::path(column);
        if self.is_passed_over(name) {
            return Taken::PassedOver;
        }
        let Some(property) = self.property(name) else {
            return if self.object_type.is_open() {
                Taken::As(name.to_owned())
            } else {
                let suggestion = self.object_type.suggest(name).map(str::to_owned);
                Taken::Wrong(Fault::UnknownColumn { column: column.to_owned(), number, suggestion })
            };
        };
        match property.importable() {
            Ok(()) => Taken::As(property.path.clone()),
            Err(refusal) if self.ignores(refusal) => Taken::Ignored(property.path.clone(), refusal),
            Err(refusal) => Taken::Wrong(Fault::refused(column.to_owned(), number, refusal)),
        }
    }

    /// PingIDM ignores columns whose names begin with an underscore; of what Gainsight PX drops, only those that a
    /// failures file of ours has are.
    fn is_passed_over(&self, name: &str) -> bool {
        match self.plan.dropped {
            None => name.starts_with('_'),
            Some(_) => name == IMPORT_ERROR_COLUMN || name == ESCAPE_COLUMN,
        }
    }

    fn ignores(&self, refusal: Refusal) -> bool {
        match refusal {
            Refusal::Disabled => self.plan.columns.ignore_disabled,
            Refusal::ReadOnly => self.plan.columns.ignore_read_only,
            Refusal::Private | Refusal::Relationship => false,
        }
    }

    fn missing(&self, property: &str, header: &[String]) -> Fault {
        let is_alike =
            |column: &&String| self.property(column).is_none() && self.object_type.suggest(column) == Some(property);
        Fault::MissingColumn { property: property.to_owned(), suggestion: header.iter().find(is_alike).cloned() }
    }

    /// A header of one column that is none of the type's is probably no header.
    fn not_separated(&self, header: &[String]) -> Option<Fault> {
        let [cell] = header else { return None };
        if self.object_type.is_open() || self.property(cell).is_some() {
            return None;
        }
        let separator = [';', '\t', '|'].into_iter().find(|separator| cell.contains(*separator));
        // Of a dropped file, a single unknown column is told in Gainsight PX's words for it.
        let is_title = self.plan.dropped.is_none() && self.object_type.suggest(cell).is_none();
        (separator.is_some() || is_title).then(|| Fault::NotSeparated { cell: cell.clone(), separator })
    }
}
