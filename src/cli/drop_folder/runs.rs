//! Runs of partitions, as they are shown.

use rollbook::run::{Run, RunFile, Trouble};
use serde_json::{Value, json};

use crate::cli::numbers::grouped;
use crate::cli::table::{Column, Table};

/// Runs, with a row for each of their data files.
pub(crate) fn table(runs: &[Run]) -> Table {
    let mut table = Table::new(&[
        Column::Text("  partition"),
        Column::Text("run"),
        Column::Text("file"),
        Column::Text("result"),
        Column::Number("created"),
        Column::Number("updated"),
        Column::Number("unchanged"),
        Column::Number("failed"),
        Column::Number("total"),
        Column::Text("problem"),
    ]);
    for run in runs {
        let mut files = data_files(run).peekable();
        if files.peek().is_none() {
            table.row(row(run, None));
        }
        files.for_each(|file| table.row(row(run, Some(file))));
    }
    table
}

fn row(run: &Run, file: Option<&RunFile>) -> Vec<String> {
    let outcome = file.and_then(|file| file.outcome.as_ref());
    let result = match (outcome, &run.end) {
        (Some(outcome), _) if outcome.success => "SUCCESS",
        (Some(_), _) | (None, Some(_)) => "ERROR",
        (None, None) => run.step.name(),
    };
    let name = file.map_or("-", |file| &file.name);
    let counts = ["created", "updated", "unchanged", "failure", "total"].map(|count| {
        outcome.and_then(|outcome| outcome.metadata[count].as_u64()).map_or_else(|| "-".to_owned(), grouped)
    });
    let problem = outcome.map_or_else(String::new, |outcome| match outcome.errors.as_slice() {
        [] => String::new(),
        [first, more @ ..] => match more.len() as u64 + outcome.more_errors {
            0 => first.clone(),
            more => format!("{first}, and {} more", grouped(more)),
        },
    });
    let mut row = vec![format!("  {}", run.partition), run.id.to_string(), name.to_owned(), result.to_owned()];
    row.extend(counts);
    row.push(problem);
    row
}

/// Whether a file of a run was refused, or there was none.
pub(crate) fn is_refused(run: &Run) -> bool {
    let is_refused = |file: &RunFile| file.outcome.as_ref().is_some_and(|outcome| !outcome.success);
    data_files(run).any(is_refused) || run.end.is_some() && data_files(run).next().is_none()
}

fn data_files(run: &Run) -> impl Iterator<Item = &RunFile> {
    run.files.iter().filter(|file| file.ignored.is_none())
}

pub(crate) fn run_json(run: &Run) -> Value {
    let mut json = json!({
        "_id": run.id.to_string(),
        "dropFolder": run.drop_folder,
        "partition": run.partition,
        "step": run.step.name(),
        "begin": run.begin,
        "end": run.end,
        "success": run.end.as_ref().map(|_| !is_refused(run)),
        "trouble": run.trouble.as_ref().map(trouble_json),
        "files": run.files.iter().map(file_json).collect::<Vec<_>>(),
    });
    if let Value::Object(members) = &mut json {
        members.retain(|_, value| !value.is_null());
    }
    json
}

fn file_json(file: &RunFile) -> Value {
    let mut json = json!({
        "name": file.name,
        "size": file.version.size,
        "ignored": file.ignored,
        "import": file.import.map(|id| id.to_string()),
    });
    if let (Value::Object(members), Some(outcome)) = (&mut json, &file.outcome) {
        members.insert("success".to_owned(), outcome.success.into());
        members.insert("records".to_owned(), outcome.records.into());
        members.insert("errors".to_owned(), outcome.errors.clone().into());
        members.insert("moreErrors".to_owned(), outcome.more_errors.into());
        members.insert("warnings".to_owned(), outcome.warnings.clone().into());
        members.insert("metadata".to_owned(), outcome.metadata.clone());
    }
    if let Value::Object(members) = &mut json {
        members.retain(|_, value| !value.is_null());
    }
    json
}

pub(crate) fn trouble_json(trouble: &Trouble) -> Value {
    json!({ "since": trouble.since, "message": trouble.message, "blocked": trouble.blocked })
}
