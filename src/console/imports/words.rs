//! What an import is told with: where it came from, what was asked for, what is wrong with its file.

use super::list::integration;
use crate::console::new_import::again;
use crate::fault::Fault;
use crate::figures::{counted, grouped};
use crate::import::{Import, State};
use crate::plan::{BlankCells, DuplicateKeys, OnFailure, Origin, Plan, UTC};

/// The origins by the words that addresses have for them and by those that people read.
pub(super) const ORIGINS: [(Origin, &str, &str); 3] = [
    (Origin::Upload, "upload", "Upload"),
    (Origin::DropFolder, "drop-folder", "Drop folder"),
    (Origin::Cli, "cli", "Command line"),
];

/// The states, in the order of an import's life.
pub(super) const STATES: [&str; 5] = ["queued", "running", "finished", "failed", "cancelled"];

/// What people call an origin.
pub(super) fn origin(origin: Origin) -> &'static str {
    ORIGINS.iter().find(|(known, ..)| *known == origin).map_or("", |(.., name)| name)
}

/// What was asked for, as name and words.
pub(super) fn plan(plan: &Plan) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Objects are found by", plan.correlation.join(" and ")),
        (
            "If a record fails",
            match plan.on_failure {
                OnFailure::RejectFile => "nothing of the file is imported (all or nothing)",
                OnFailure::SkipRecord => "the others are imported all the same",
            }
            .to_owned(),
        ),
        (
            "An empty cell",
            match plan.blank_cells {
                BlankCells::Keep => "leaves its property as it is",
                BlankCells::Clear => "removes the value of its property",
            }
            .to_owned(),
        ),
        (
            "If a key comes twice",
            match plan.duplicate_keys {
                DuplicateKeys::LastWins => "the last record counts",
                DuplicateKeys::FailLater => "the first record counts, later ones fail",
            }
            .to_owned(),
        ),
        (
            "Dates are written as",
            match plan.date_formats.as_slice() {
                [] => "ISO 8601, such as 2021-12-25".to_owned(),
                formats => formats.join(" or "),
            },
        ),
    ];
    let mut also = |is_said: bool, name: &'static str, words: &dyn Fn() -> String| {
        if is_said {
            facts.push((name, words()));
        }
    };
    also(plan.time_zone != UTC, "Dates without a time zone are", &|| plan.time_zone.clone());
    also(!plan.create_missing, "Records without an object", &|| "are left out".to_owned());
    also(plan.null_token.is_some(), "A cell that removes its property", &|| {
        plan.null_token.clone().unwrap_or_default()
    });
    also(plan.columns.lenient, "Names of columns", &|| {
        "count by title too, whatever their case, blanks and hyphens".to_owned()
    });
    also(plan.columns.ignore_disabled, "Columns that are switched off", &|| "are passed over".to_owned());
    also(plan.columns.ignore_read_only, "Columns that nobody may write", &|| "are passed over".to_owned());
    also(plan.encoding.is_some(), "Encoding", &|| plan.encoding.clone().unwrap_or_default());
    also(plan.gzip_only, "Compression", &|| "gzip, as it must be".to_owned());
    also(plan.max_records > 0, "Records at most", &|| grouped(plan.max_records));
    facts
}

/// One thing that is wrong with a file as a whole.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    pub(super) sentence: String,
    /// The column that the object type has no property for, if that is what is wrong.
    pub(super) unknown_column: Option<String>,
}

/// What is wrong with the file of an import that failed: a sentence, and its parts if there are several.
pub(super) fn problem(import: &Import) -> Option<(String, Vec<Wrong>)> {
    let State::Failed { problem, .. } = &import.state else { return None };
    let message = problem["message"].as_str().unwrap_or("The file was refused.").to_owned();
    let faults = Fault::all_of(problem);
    if matches!(faults.as_slice(), [] | [Fault::Unreadable { .. } | Fault::DamagedGzip { .. }]) {
        return Some((message, Vec::new()));
    }
    let wrong = |fault: &Fault| Wrong {
        sentence: fault.to_string(),
        unknown_column: match fault {
            Fault::UnknownColumn { column, .. } => Some(column.clone()),
            _ => None,
        },
    };
    let head = format!("{}: the file cannot be imported as it is.", import.filename);
    Some((head, faults.iter().map(wrong).collect()))
}

/// What is to be done about failures.
#[derive(Clone, Debug)]
pub(super) struct Remedy {
    pub(super) advice: String,
    /// Where it is done.
    pub(super) action: Option<(&'static str, String)>,
    /// Whether the failed records alone, corrected, are to be imported: all others are in.
    pub(super) is_by_record: bool,
}

impl Remedy {
    pub(super) fn of(import: &Import) -> Remedy {
        let plan = &import.plan;
        if let Some(dropped) = &plan.dropped {
            let advice = format!(
                "Nothing of the file was imported. Correct these records in the file itself, and put all of it into \
                 current/dt={} once more, with a new _SUCCESS.",
                dropped.partition
            );
            return Remedy { advice, action: Some(("The drop folder", integration(dropped))), is_by_record: false };
        }
        let advice = match (plan.on_failure, plan.dry_run) {
            (OnFailure::RejectFile, true) => {
                "Nothing of the file would be imported. Correct these records in the file itself, and look at all of it \
                 again."
            }
            (OnFailure::RejectFile, false) => {
                "Nothing of the file was imported. Correct these records in the file itself, and import all of it again."
            }
            (OnFailure::SkipRecord, true) => {
                "Import the other records from the report and then these, corrected; or correct the file first."
            }
            (OnFailure::SkipRecord, false) if import.counts.unprocessed() > 0 => {
                "Correct these records, and upload only them again. The import ended before it came to all records."
            }
            (OnFailure::SkipRecord, false) => "All others are in: correct these records, and upload only them again.",
        };
        let is_by_record = plan.on_failure == OnFailure::SkipRecord;
        let name = if is_by_record { "Correct and upload again" } else { "Import the corrected file" };
        Remedy { advice: advice.to_owned(), action: Some((name, again(plan, import.id))), is_by_record }
    }
}

/// What has become of it, in a sentence; nothing while it goes on.
pub(super) fn outcome(import: &Import) -> Option<String> {
    let counts = &import.counts;
    let (success, records) = (counts.success(), |number| counted(number, "record"));
    let dry = import.plan.dry_run;
    Some(match &import.state {
        State::Queued | State::Running => return None,
        State::Finished { .. } if counts.total == 0 => "The file has no records.".to_owned(),
        State::Finished { .. } => {
            let head = match (dry, counts.failure) {
                (true, 0) => format!("All {} would go in.", records(success)),
                (false, 0) if success == 1 => "Its only record is in.".to_owned(),
                (false, 0) => format!("All {} are in.", records(success)),
                (true, failed) => format!("{} would go in, {} would fail.", records(success), grouped(failed)),
                (false, failed) => {
                    let are = if success == 1 { "is" } else { "are" };
                    format!("{} {are} in, {} failed.", records(success), grouped(failed))
                }
            };
            if dry { format!("{head} Nothing was changed: this was a dry run.") } else { head }
        }
        State::Failed { .. } if success == 0 => "The file was refused, and nothing of it was imported.".to_owned(),
        State::Failed { .. } => format!("The file was refused, after {} had gone in.", records(success)),
        State::Cancelled { by, .. } => {
            let by = by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
            match success {
                0 => format!("Cancelled{by}; nothing of the file was imported."),
                _ if dry => format!("Cancelled{by}."),
                _ => format!("Cancelled{by}; {} went in before and stay.", records(success)),
            }
        }
    })
}
