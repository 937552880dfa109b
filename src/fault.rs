//! Faults: what is wrong with a file as a whole, one by one.
//!
//! An [`Error`] of kind `File` says it in a sentence; its faults say it to programs. They stand in the `detail` of its
//! problem as `{"faults": [{"fault": "unknownColumn", "column": "mial", "number": 3, "suggestion": "mail"}, ...]}`, and so
//! in the record of a failed import, where whoever has words of their own for them finds them: see [`Fault::all_of`].
//! Pure.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::error::{Error, Kind, did_you_mean, shown};
use crate::schema::Refusal;

/// How much of a header that is no header is shown.
const CELL: usize = 60;

/// One thing that is wrong with a file as a whole. Columns are named as the file has them and numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "camelCase")]
pub enum Fault {
    /// No property has this name; `suggestion` has one like it.
    UnknownColumn {
        /// Its name.
        column: String,
        /// Its place.
        number: usize,
        /// The property that was probably meant.
        suggestion: Option<String>,
    },
    /// A property that finds existing objects has no column.
    MissingColumn {
        /// The property.
        property: String,
        /// The column that was probably meant for it.
        suggestion: Option<String>,
    },
    /// Two columns are the same property.
    DuplicateColumn {
        /// The name of the second one.
        column: String,
        /// Their places.
        numbers: (usize, usize),
    },
    /// A column has no name.
    BlankColumn {
        /// Its place.
        number: usize,
    },
    /// The property is switched off.
    DisabledColumn {
        /// Its name.
        column: String,
        /// Its place.
        number: usize,
    },
    /// The property is computed.
    ReadOnlyColumn {
        /// Its name.
        column: String,
        /// Its place.
        number: usize,
    },
    /// The property is of private scope.
    PrivateColumn {
        /// Its name.
        column: String,
        /// Its place.
        number: usize,
    },
    /// The property is a relationship.
    RelationshipColumn {
        /// Its name.
        column: String,
        /// Its place.
        number: usize,
    },
    /// The file seems to be separated by something else than commas, or to begin with a title.
    NotSeparated {
        /// The single cell of its first row.
        cell: String,
        /// What it seems to be separated by.
        separator: Option<char>,
    },
    /// There is nothing in it, not even a header.
    Empty,
    /// It is not compressed with gzip and must be.
    NotGzip,
    /// It begins as gzip and is cut off, damaged, or followed by something else.
    DamagedGzip {
        /// What exactly, in a sentence.
        message: String,
    },
    /// It has more records than are allowed.
    TooManyRecords {
        /// How many it has.
        records: u64,
        /// How many are allowed.
        maximum: u64,
    },
    /// Everything else: text of another encoding, a quote that is never closed, a record over a limit.
    Unreadable {
        /// What exactly, in a sentence that begins with the place if it has one: `row 2, column 'b': ...`.
        message: String,
    },
}

impl Fault {
    /// A column that must not be imported.
    pub(crate) fn refused(column: String, number: usize, refusal: Refusal) -> Fault {
        match refusal {
            Refusal::Disabled => Fault::DisabledColumn { column, number },
            Refusal::ReadOnly => Fault::ReadOnlyColumn { column, number },
            Refusal::Private => Fault::PrivateColumn { column, number },
            Refusal::Relationship => Fault::RelationshipColumn { column, number },
        }
    }

    /// An error of kind `File` that is this fault.
    pub(crate) fn error(self) -> Error {
        Error::file(self.to_string()).with_detail(json!({ "faults": [self] }))
    }

    /// An error of kind `File` that is all of these faults.
    pub(crate) fn errors(head: impl Into<String>, faults: &[Fault]) -> Error {
        let sentences = faults.iter().map(ToString::to_string).collect();
        Error::listing(Kind::File, head, sentences).with_detail(json!({ "faults": faults }))
    }

    /// An error that has its faults: of kind `File`, and without one of its own, it is [`Fault::Unreadable`].
    pub(crate) fn told(error: Error) -> Error {
        if error.kind() != Kind::File || error.detail().is_some() {
            return error;
        }
        let fault = Fault::Unreadable { message: error.to_string() };
        error.with_detail(json!({ "faults": [fault] }))
    }

    /// The faults that a problem tells of, in the order in which they are to be told: those of the header before those of
    /// the rest. None if it is about something else.
    pub fn all_of(problem: &Value) -> Vec<Fault> {
        let faults = problem["detail"]["faults"].as_array().into_iter().flatten();
        faults.filter_map(|fault| Fault::deserialize(fault).ok()).collect()
    }
}

/// The sentence about the fault, without the place of the file.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut refused =
            |column: &str, number: usize, refusal: Refusal| write!(f, "column '{column}' (column {number}) {refusal}");
        match self {
            Fault::DisabledColumn { column, number } => refused(column, *number, Refusal::Disabled),
            Fault::ReadOnlyColumn { column, number } => refused(column, *number, Refusal::ReadOnly),
            Fault::PrivateColumn { column, number } => refused(column, *number, Refusal::Private),
            Fault::RelationshipColumn { column, number } => refused(column, *number, Refusal::Relationship),
            Fault::UnknownColumn { column, number, suggestion } => {
                write!(f, "unknown column '{column}' (column {number}){}", did_you_mean(suggestion.as_deref()))
            }
            Fault::MissingColumn { property, suggestion: None } => write!(f, "missing column '{property}'"),
            Fault::MissingColumn { property, suggestion: Some(column) } => {
                write!(f, "missing column '{property}' (is it '{column}'?)")
            }
            Fault::DuplicateColumn { column, numbers: (first, second) } => {
                write!(f, "column '{column}' stands twice (columns {first} and {second})")
            }
            Fault::BlankColumn { number } => write!(f, "column {number} has no name"),
            Fault::NotSeparated { cell, separator: Some(separator) } => {
                let name = if *separator == '\t' { "tabs".to_owned() } else { format!("'{separator}'") };
                let cell = shown(cell, CELL);
                write!(f, "the header '{cell}' seems to be separated by {name}: columns are separated by commas")
            }
            Fault::NotSeparated { cell, separator: None } => {
                let cell = shown(cell, CELL);
                write!(f, "the first row is the single cell '{cell}': it must be the header, without a title above")
            }
            Fault::Empty => f.write_str("the file is empty"),
            Fault::NotGzip => f.write_str("the file is not compressed with gzip, as it must be"),
            Fault::TooManyRecords { records, maximum } => {
                write!(f, "the file has {records} records, and {maximum} are allowed")
            }
            Fault::DamagedGzip { message } | Fault::Unreadable { message } => f.write_str(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Fault;
    use crate::error::Error;

    #[test]
    fn faults_come_back_from_a_problem() {
        let faults = [
            Fault::UnknownColumn { column: "mial".to_owned(), number: 3, suggestion: Some("mail".to_owned()) },
            Fault::MissingColumn { property: "id".to_owned(), suggestion: None },
            Fault::DuplicateColumn { column: "email".to_owned(), numbers: (1, 4) },
            Fault::NotSeparated { cell: "id;mail".to_owned(), separator: Some(';') },
            Fault::NotGzip,
            Fault::TooManyRecords { records: 350_001, maximum: 350_000 },
        ];
        let problem = Fault::errors("the file does not fit", &faults).in_file("users.csv.gz").problem();
        insta::assert_snapshot!(problem, @r#"{"code":400,"reason":"Bad Request","message":"users.csv.gz: the file does not fit: unknown column 'mial' (column 3) (did you mean 'mail'?); missing column 'id'; column 'email' stands twice (columns 1 and 4); the header 'id;mail' seems to be separated by ';': columns are separated by commas; the file is not compressed with gzip, as it must be; the file has 350001 records, and 350000 are allowed","detail":{"faults":[{"fault":"unknownColumn","column":"mial","number":3,"suggestion":"mail"},{"fault":"missingColumn","property":"id","suggestion":null},{"fault":"duplicateColumn","column":"email","numbers":[1,4]},{"fault":"notSeparated","cell":"id;mail","separator":";"},{"fault":"notGzip"},{"fault":"tooManyRecords","records":350001,"maximum":350000}]}}"#);
        assert_eq!(Fault::all_of(&problem), faults);
        assert_eq!(Fault::all_of(&Fault::Empty.error().problem()), [Fault::Empty]);
        assert_eq!(Fault::all_of(&Error::file("1 record is wrong").problem()), []);
        assert_eq!(Fault::all_of(&json!({ "detail": { "faults": [{ "fault": "of a later version" }] } })), []);
    }
}
