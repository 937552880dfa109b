//! What is said of a run in `status.txt`, `status.json` and its callback. Pure.
//!
//! `status.txt` is Gainsight PX's, byte for byte for the two examples of its article: `SUCCESS` or `ERROR` in the first
//! line, then words for people. Every line, the last one too, ends with a newline. What the article does not show is
//! said in its manner; what is odd and no error stands in `status.json` only, so that the text of a success stays as
//! it is known.

mod words;

use serde_json::{Map, Value, json};

use super::layout::errors_file;
use crate::error::{Error, beginning, shown};
use crate::failure::Failure;
use crate::fault::Fault;
use crate::import::{Import, State};
use crate::run::{FileOutcome, NO_DATA_FILES, Run, RunFile};

/// How many entries are listed of one file. Its rejected records are all in `<file>.errors.csv`.
pub(super) const MOST_ENTRIES: usize = 100;

/// How much of a file's name is shown.
const MOST_OF_A_NAME: usize = 200;

/// How long the message of a callback may be, in characters.
const LONGEST_MESSAGE: usize = 10_000;

/// How entries are indented, as in the article.
const INDENTATION: &str = "       ";

/// What became of a file, from the record of its import, which is over, and its first failures: [`MOST_ENTRIES`] of
/// them, or all.
pub(super) fn outcome(import: &Import, failures: &[Failure]) -> FileOutcome {
    let success = matches!(import.state, State::Finished { .. }) && import.counts.failure == 0;
    let mut errors = if success { Vec::new() } else { words::errors(import, failures) };
    let unread = import.counts.failure.saturating_sub(failures.len() as u64);
    let unlisted = errors.len().saturating_sub(MOST_ENTRIES) as u64;
    errors.truncate(MOST_ENTRIES);
    let mut warnings = import.warnings.clone();
    if success && import.counts.total == 0 {
        warnings.push("the file has a header and no records".to_owned());
    }
    FileOutcome {
        success,
        records: if success { import.counts.success() } else { 0 },
        metadata: import.to_json(),
        errors,
        more_errors: unlisted + unread,
        warnings,
    }
}

/// What became of a file that no import was made of.
pub(super) fn refused(error: &Error) -> FileOutcome {
    FileOutcome {
        success: false,
        records: 0,
        metadata: Value::Null,
        errors: vec![words::sentence(&error.to_string())],
        more_errors: 0,
        warnings: Vec::new(),
    }
}

/// The text of `status.txt`; every data file of the run has its outcome.
pub(super) fn text(run: &Run) -> String {
    format!("{}\n{}", verdict(run.is_success()), details(run))
}

fn verdict(success: bool) -> &'static str {
    if success { "SUCCESS" } else { "ERROR" }
}

/// Everything behind the first line.
fn details(run: &Run) -> String {
    let known: Vec<(String, &FileOutcome)> =
        run.data_files().filter_map(|file| file.outcome.as_ref().map(|outcome| (named(&file.name), outcome))).collect();
    let mut details = match known.as_slice() {
        [] => format!("{NO_DATA_FILES}\n"),
        [(name, outcome)] => alone(name, outcome),
        several => {
            let total: u64 = several.iter().map(|(_, outcome)| outcome.records).sum();
            let each = several.iter().map(|(name, outcome)| among_others(name, outcome));
            format!("{}\n{}", uploaded(total), each.collect::<String>())
        }
    };
    for file in &run.files {
        if let Some(reason) = &file.ignored {
            details.push_str(&format!("Ignored: {} ({reason})\n", named(&file.name)));
        }
    }
    details
}

fn named(file: &str) -> String {
    shown(file, MOST_OF_A_NAME).into_owned()
}

fn uploaded(records: u64) -> String {
    format!("{records} records were uploaded")
}

/// What is said of the only data file of a run.
fn alone(name: &str, outcome: &FileOutcome) -> String {
    match outcome.success {
        true => {
            let passed_over = passed_over(outcome).iter().map(|warning| format!("{warning}\n"));
            format!("{}\n{}", uploaded(outcome.records), passed_over.collect::<String>())
        }
        false if is_about_content(outcome) => block(name, outcome),
        false => outcome.errors.iter().map(|error| format!("{error}\n")).collect(),
    }
}

/// What is said of one data file of several.
fn among_others(name: &str, outcome: &FileOutcome) -> String {
    match outcome.success {
        true => {
            let passed_over = passed_over(outcome).iter().map(|warning| format!(", {warning}"));
            format!("{name}: SUCCESS, {}{}\n", uploaded(outcome.records), passed_over.collect::<String>())
        }
        false if is_about_content(outcome) => format!("{name}: ERROR\n{}", block(name, outcome)),
        false => format!("{name}: ERROR, {}\n", outcome.errors.join(", ")),
    }
}

/// Why no import was made of a file that is no error either.
fn passed_over(outcome: &FileOutcome) -> &[String] {
    if outcome.metadata.is_null() { &outcome.warnings } else { &[] }
}

/// Whether the errors are about what is in the file, and not that there is nothing in it, or that it was not looked at to
/// its end.
fn is_about_content(outcome: &FileOutcome) -> bool {
    if outcome.metadata["state"] != "failed" {
        return false;
    }
    let faults = Fault::all_of(&outcome.metadata["problem"]);
    let has_faults = !faults.is_empty() && faults != [Fault::Empty];
    has_faults || outcome.metadata["failure"].as_u64() > Some(0)
}

fn block(name: &str, outcome: &FileOutcome) -> String {
    let mut entries: Vec<String> = outcome.errors.clone();
    let has_failures = outcome.metadata["failure"].as_u64() > Some(0);
    entries.extend(match (outcome.more_errors, has_failures) {
        (0, _) => None,
        (more, true) => Some(format!("... and {more} more, see {}", errors_file(name))),
        (more, false) => Some(format!("... and {more} more")),
    });
    format!("Parsing Errors:[\n{INDENTATION}{}\n]\n", entries.join(&format!(",\n{INDENTATION}")))
}

/// What the callback says in `message`: the text of `status.txt` behind its first line.
pub(super) fn message(run: &Run) -> String {
    beginning(details(run).trim_end(), LONGEST_MESSAGE).into_owned()
}

/// The content of `status.json`: `{dropFolder, partition, runId, begin, end, success, records, files, webhookId}`.
///
/// `end` is when the last import was over. A file is `{name, success, records, importId, total, created, updated,
/// unchanged, failure, errors, moreErrors, warnings}`, without the counts if there was no import; or `{name, ignored}`.
pub(super) fn json(run: &Run) -> Value {
    let outcomes = || run.data_files().filter_map(|file| file.outcome.as_ref());
    let records: u64 = outcomes().map(|outcome| outcome.records).sum();
    let end = outcomes().filter_map(|outcome| outcome.metadata["end"].as_str()).max();
    json!({
        "dropFolder": run.drop_folder,
        "partition": run.partition,
        "runId": run.id.to_string(),
        "begin": run.begin,
        "end": end,
        "success": run.is_success(),
        "records": records,
        "files": run.files.iter().map(file_json).collect::<Vec<_>>(),
        "webhookId": run.id.webhook(),
    })
}

fn file_json(file: &RunFile) -> Value {
    if let Some(reason) = &file.ignored {
        return json!({ "name": file.name, "ignored": reason });
    }
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| members.insert(name.to_owned(), value);
    put("name", file.name.clone().into());
    if let Some(outcome) = &file.outcome {
        put("success", outcome.success.into());
        put("records", outcome.records.into());
        if let Some(import) = file.import {
            put("importId", import.to_string().into());
        }
        for count in ["total", "created", "updated", "unchanged", "failure"] {
            if let Some(number) = outcome.metadata.get(count) {
                put(count, number.clone());
            }
        }
        put("errors", outcome.errors.clone().into());
        put("moreErrors", outcome.more_errors.into());
        put("warnings", outcome.warnings.clone().into());
    }
    Value::Object(members)
}

#[cfg(test)]
mod tests;
