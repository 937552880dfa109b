//! What is wrong with a file, in the words of `status.txt`.
//!
//! Gainsight PX's article shows two of them, `Unknown PX Column: 'x'` and `Missing required Column: 'id'`; the others are
//! made like them. Names and values come from a file of somebody's: they are shown on one line and cut when long.

use std::borrow::Cow;

use serde_json::Value;

use crate::error::{did_you_mean, shown};
use crate::failure::Failure;
use crate::fault::Fault;
use crate::import::{Import, State};

/// How much of a name or a value is shown.
const MOST: usize = 100;

/// Everything that is said of an import that was no success: its faults in the order of the article, then its failures in
/// the order of the file. If there is neither, its problem.
pub(super) fn errors(import: &Import, failures: &[Failure]) -> Vec<String> {
    let problem = match &import.state {
        State::Failed { problem, .. } => problem,
        State::Cancelled { .. } => return vec![cancelled(import)],
        _ => &Value::Null,
    };
    let mut faults = Fault::all_of(problem);
    faults.sort_by_key(rank);
    let mut errors: Vec<String> = faults.iter().flat_map(|fault| of_fault(fault, import)).collect();
    errors.extend(failures.iter().flat_map(|failure| of_failure(failure, &import.header)));
    if errors.is_empty() {
        let message = problem["message"].as_str().unwrap_or("the file was not imported");
        errors.push(sentence(without_file(message, &import.filename)));
    }
    errors
}

fn cancelled(import: &Import) -> String {
    match import.to_json()["cancelledBy"].as_str() {
        Some(name) => format!("cancelled by {}", shown(name, MOST)),
        None => "cancelled".to_owned(),
    }
}

/// A sentence of ours as a line of its own: on one line, with a capital.
pub(super) fn sentence(message: &str) -> String {
    let message = shown(message, MOST * 10);
    let mut rest = message.chars();
    rest.next().map(|first| first.to_uppercase().chain(rest).collect()).unwrap_or_default()
}

/// The problem's sentence without the file that it is about.
fn without_file<'a>(message: &'a str, file: &str) -> &'a str {
    let rest = message.strip_prefix(file).unwrap_or(message);
    rest.strip_prefix(": ").or_else(|| rest.strip_prefix(", ")).unwrap_or(message)
}

/// The article has unknown columns before missing ones.
fn rank(fault: &Fault) -> u8 {
    match fault {
        Fault::UnknownColumn { .. } | Fault::NotSeparated { .. } => 0,
        Fault::MissingColumn { .. } => 1,
        Fault::DuplicateColumn { .. } => 2,
        Fault::DisabledColumn { .. } => 3,
        Fault::ReadOnlyColumn { .. } => 4,
        _ => 5,
    }
}

fn of_fault(fault: &Fault, import: &Import) -> Vec<String> {
    let column = |said: &str, column: &str| format!("{said} Column: '{}'", shown(column, MOST));
    vec![match fault {
        Fault::UnknownColumn { column: name, suggestion, .. } => {
            column("Unknown PX", name) + &did_you_mean(suggestion.as_deref())
        }
        Fault::MissingColumn { property, .. } => missing(property),
        Fault::DuplicateColumn { column: name, .. } => column("Duplicate", name),
        Fault::DisabledColumn { column: name, .. } => column("Disabled", name),
        Fault::ReadOnlyColumn { column: name, .. } => column("Read-only", name),
        Fault::PrivateColumn { column: name, .. } => column("Private", name),
        Fault::RelationshipColumn { column: name, .. } => column("Relationship", name),
        // Nothing in the row is a column, so what finds existing objects has none.
        Fault::NotSeparated { cell, separator } => {
            let hint = separator.map(|found| format!(" (columns are separated by ',', not by {found:?})"));
            let unknown = column("Unknown PX", cell) + &hint.unwrap_or_default();
            return [unknown].into_iter().chain(import.plan.correlation.iter().map(|path| missing(path))).collect();
        }
        Fault::Empty => "File is empty".to_owned(),
        Fault::NotGzip => format!("Not a valid gzip file: {}", shown(&import.filename, MOST)),
        Fault::DamagedGzip { message } => {
            format!("Not a valid gzip file: {} ({})", shown(&import.filename, MOST), shown(message, MOST * 10))
        }
        Fault::TooManyRecords { records, maximum } => format!("Too many rows: {records} (maximum {maximum})"),
        Fault::BlankColumn { .. } | Fault::Unreadable { .. } => sentence(&fault.to_string()),
    }]
}

fn missing(property: &str) -> String {
    format!("Missing required Column: '{}'", shown(property, MOST))
}

/// What is said of a record: an entry for each violation, or one for what is wrong with it as a whole.
fn of_failure(failure: &Failure, header: &[String]) -> Vec<String> {
    let row = failure.row;
    let json = failure.to_json(header);
    let mut violations: Vec<&Value> = json["violations"].as_array().into_iter().flatten().collect();
    if !violations.is_empty() {
        let place = |violation: &&Value| header.iter().position(|column| violation["column"] == column.as_str());
        violations.sort_by_key(|violation| place(violation).unwrap_or(header.len()));
        return violations.into_iter().map(|violation| of_violation(violation, row)).collect();
    }
    let width = failure.cells.len();
    if width != header.len() {
        let fields = if width == 1 { "field" } else { "fields" };
        return vec![format!("Row {row} has {width} {fields}, header has {}", header.len())];
    }
    vec![format!("Row {row}: {}", shown(json["problem"]["message"].as_str().unwrap_or_default(), MOST * 10))]
}

fn of_violation(violation: &Value, row: u64) -> String {
    let text = |name: &str| violation[name].as_str().unwrap_or_default();
    let named = violation.get("column").or_else(|| violation.get("property")).and_then(Value::as_str);
    let column = shown(named.unwrap_or_default(), MOST);
    let place = format!("Column '{column}' at row {row}");
    let value = shown(text("value"), MOST);
    match (text("requirement"), type_name(text("type"))) {
        ("REQUIRED", _) => format!("Missing value for required {place}"),
        (_, None) => format!("Invalid value for {place}: {}", shown(text("message"), MOST * 10)),
        (_, Some("Date")) => format!("Invalid Date value '{value}' for {place}{}", formats(&violation["formats"])),
        (_, Some(name)) => {
            format!("Invalid {name} value '{value}' for {place}{}", unusual(text("message"), text("value")))
        }
    }
}

/// The type of a property as Gainsight PX would call it.
fn type_name(called: &str) -> Option<&'static str> {
    Some(match called {
        "number" => "Number",
        "integer" => "Integer",
        "boolean" => "Boolean",
        "date" | "date-time" => "Date",
        "array" => "Array",
        "object" => "Object",
        _ => return None,
    })
}

/// ` (format yyyy-MM-dd)`.
fn formats(formats: &Value) -> String {
    let patterns = formats.as_array().into_iter().flatten().filter_map(Value::as_str);
    let called = |pattern| if pattern == "iso8601" { "ISO 8601".into() } else { shown(pattern, MOST) };
    let patterns: Vec<Cow<'_, str>> = patterns.map(called).collect();
    match patterns.as_slice() {
        [] => String::new(),
        [pattern] => format!(" (format {pattern})"),
        several => format!(" (formats {})", several.join(" or ")),
    }
}

/// What is said of a value besides that it is not of its type.
fn unusual(message: &str, value: &str) -> String {
    let said = message.strip_prefix(&format!("'{value}' ")).unwrap_or_default();
    if said.is_empty() || said.starts_with("is not ") { String::new() } else { format!(" ({said})") }
}
