//! Everything that is wrong with a file that was refused as a whole, and what can be done about it.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::described::title_of;
use crate::app::{Column, Taken, columns_of};
use crate::console::refusal::sentence;
use crate::error::shown;
use crate::fault::Fault;
use crate::plan::Plan;
use crate::schema::{ObjectType, folded};

/// How much of a name is shown.
const NAME: usize = 80;

/// How much of a sentence, and how many of them: a file can be wrong in as many ways as it has columns.
const SENTENCE: usize = 1000;
const MOST: usize = 100;

/// A file that was refused.
pub(super) struct Refused {
    /// What it is about, in a line.
    pub(super) head: String,
    /// What is wrong as a whole, one by one.
    pub(super) faults: Vec<Told>,
    /// How many things are wrong besides.
    pub(super) more: u64,
    /// Its columns, if its header could be read.
    pub(super) columns: Vec<ColumnRow>,
    /// Whether other spellings of names would help.
    pub(super) lenient_helps: bool,
}

/// Something wrong.
pub(super) struct Told {
    /// What.
    pub(super) said: String,
    /// What would be right.
    pub(super) advice: String,
    /// Where a property of this name can be added.
    pub(super) add: Option<(String, String)>,
}

/// A column of the file.
pub(super) struct ColumnRow {
    pub(super) number: usize,
    pub(super) name: String,
    /// The property that it fills, with its title.
    pub(super) property: Option<(String, Option<String>)>,
    /// What is wrong with it, in a word.
    pub(super) wrong: Option<&'static str>,
    /// The property that was probably meant.
    pub(super) suggestion: Option<String>,
}

impl Refused {
    /// What a problem tells of a file.
    pub(super) fn new(filename: Option<String>, problem: &Value, object_type: &ObjectType, plan: &Plan) -> Refused {
        let mut faults = Fault::all_of(problem);
        if faults.len() > MOST {
            // What is not of the kind that there is so much of shall be among those that are told.
            faults.sort_by_key(|fault| matches!(fault, Fault::UnknownColumn { .. }));
        }
        let header = problem["detail"]["header"].as_array().into_iter().flatten();
        let header: Vec<String> = header.filter_map(|name| name.as_str().map(str::to_owned)).collect();
        let title = title_of(object_type);
        let short = object_type.name().short();
        let told = match faults.as_slice() {
            [] => vec![Told {
                said: sentence(problem["message"].as_str().unwrap_or_default()),
                advice: String::new(),
                add: None,
            }],
            faults => faults.iter().take(MOST).map(|fault| Told::new(fault, &title, short)).collect(),
        };
        let lenient_helps = !plan.columns.lenient && has_other_spellings(&faults, object_type);
        let is_table = !faults.iter().any(|fault| matches!(fault, Fault::NotSeparated { .. }));
        let (columns, _) = if is_table { columns_of(&header, object_type, plan) } else { Default::default() };
        let head = match (filename, problem["code"].as_u64()) {
            (Some(name), Some(413)) => format!("{name} is too large"),
            (Some(name), _) if !faults.is_empty() => format!("{name} cannot be imported"),
            _ => "That did not work".to_owned(),
        };
        let columns = columns.iter().map(|column| ColumnRow::new(column, object_type)).collect();
        Refused { head, more: faults.len().saturating_sub(MOST) as u64, faults: told, columns, lenient_helps }
    }

    /// How many columns the file has.
    pub(super) fn size(&self) -> u64 {
        self.columns.len() as u64
    }

    /// How many columns fill a property.
    pub(super) fn matched(&self) -> u64 {
        self.columns.iter().filter(|column| column.property.is_some()).count() as u64
    }
}

/// Whether an unknown column is one of a property that is only spelled in another way.
fn has_other_spellings(faults: &[Fault], object_type: &ObjectType) -> bool {
    faults.iter().any(|fault| match fault {
        Fault::UnknownColumn { column, .. } => {
            object_type.property_alike(column).is_some_and(|property| property.importable().is_ok())
        }
        Fault::NotSeparated { cell, separator: None } => object_type.property_alike(cell).is_some(),
        _ => false,
    })
}

impl Told {
    fn new(fault: &Fault, title: &str, short: &str) -> Told {
        let fault = shortened(fault);
        let add = match &fault {
            // One that had to be cut is none that anybody wants.
            Fault::UnknownColumn { column, .. } if column.chars().count() <= NAME => {
                Some((column.clone(), adding(short, column)))
            }
            _ => None,
        };
        let said = sentence(&shown(&fault.to_string(), SENTENCE));
        Told { said, advice: advice(&fault, title), add }
    }
}

/// A fault with as much of the name of its column as is shown.
fn shortened(fault: &Fault) -> Fault {
    let mut fault = fault.clone();
    match &mut fault {
        Fault::UnknownColumn { column, .. }
        | Fault::DuplicateColumn { column, .. }
        | Fault::DisabledColumn { column, .. }
        | Fault::ReadOnlyColumn { column, .. }
        | Fault::PrivateColumn { column, .. }
        | Fault::RelationshipColumn { column, .. }
        | Fault::MissingColumn { suggestion: Some(column), .. } => *column = shown(column, NAME).into_owned(),
        _ => {}
    }
    fault
}

/// Where an administrator can add a property of this name.
fn adding(short: &str, column: &str) -> String {
    format!("/console/types/{short}/properties?name={}", utf8_percent_encode(column.trim(), NON_ALPHANUMERIC))
}

/// What would be right.
fn advice(fault: &Fault, title: &str) -> String {
    match fault {
        Fault::UnknownColumn { suggestion: Some(property), .. } => {
            format!("Call the column {property}, or remove it.")
        }
        Fault::UnknownColumn { .. } => format!("No property of {title} is like it: correct its name, or remove it."),
        Fault::MissingColumn { suggestion: Some(_), property } => format!("Call that column {property}."),
        Fault::MissingColumn { property, .. } => {
            format!("Objects are found by it: add a column {property}, or choose other unique properties below.")
        }
        Fault::DuplicateColumn { .. } => "Remove one of the two, or give it another name.".to_owned(),
        Fault::BlankColumn { .. } => "Give it a name, or remove it.".to_owned(),
        Fault::DisabledColumn { .. } | Fault::ReadOnlyColumn { .. } => {
            "Remove the column, or have such columns passed over (under Options).".to_owned()
        }
        Fault::PrivateColumn { .. } | Fault::RelationshipColumn { .. } => "Remove the column.".to_owned(),
        Fault::NotSeparated { separator: Some(_), .. } => {
            "Save the file again with commas: in Excel that is 'CSV UTF-8 (comma delimited)', in LibreOffice the field \
             delimiter ','."
                .to_owned()
        }
        Fault::NotSeparated { .. } => {
            "The first row has the names of the columns: remove what stands above it.".to_owned()
        }
        Fault::Empty => "The first row has the names of the columns, each further row a record.".to_owned(),
        Fault::NotGzip => "Compress it with gzip.".to_owned(),
        Fault::DamagedGzip { .. } => "Compress it again, or send the CSV file as it is.".to_owned(),
        Fault::TooManyRecords { .. } => "Divide it into several files.".to_owned(),
        // The sentence says it.
        Fault::Unreadable { .. } => String::new(),
    }
}

impl ColumnRow {
    pub(super) fn new(column: &Column, object_type: &ObjectType) -> ColumnRow {
        let (property, wrong, suggestion) = match &column.taken {
            Taken::As(path) => {
                let title = object_type.property(path).and_then(|property| property.title.clone());
                (Some((path.clone(), title)), None, None)
            }
            Taken::PassedOver => (None, None, None),
            Taken::Wrong(fault) => (None, Some(word(fault)), meant(fault)),
        };
        let name = shown(&column.name, NAME).into_owned();
        ColumnRow { number: column.number, name, property, wrong, suggestion }
    }

    /// The property that it fills.
    pub(super) fn path(&self) -> Option<&str> {
        self.property.as_ref().map(|(path, _)| path.as_str())
    }

    /// Whether the property is called as the column is.
    pub(super) fn is_same(&self) -> bool {
        self.property.as_ref().is_some_and(|(path, _)| folded(path) == folded(&self.name))
    }
}

/// What is wrong with a column, in a word.
fn word(fault: &Fault) -> &'static str {
    match fault {
        Fault::UnknownColumn { .. } => "unknown",
        Fault::DuplicateColumn { .. } => "stands twice",
        Fault::BlankColumn { .. } => "has no name",
        Fault::DisabledColumn { .. } => "disabled",
        Fault::ReadOnlyColumn { .. } => "read-only",
        Fault::PrivateColumn { .. } => "private",
        Fault::RelationshipColumn { .. } => "a relationship",
        _ => "not separated",
    }
}

fn meant(fault: &Fault) -> Option<String> {
    match fault {
        Fault::UnknownColumn { suggestion, .. } => suggestion.clone(),
        _ => None,
    }
}
