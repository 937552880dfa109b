//! What became of files: a table, what was wrong, and what to do next; or the metadata records as JSON.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rollbook::app::App;
use rollbook::error::Result;
use rollbook::failure::Escape;
use rollbook::import::{Import, State};
use serde_json::Value;

use super::Verdict;
use super::context::Context;
use super::failures_file::{numbered, write_file};
use super::groups::Groups;
use super::output::note;
use super::table::{Column, Table};
use rollbook::figures::{between, counted, duration, grouped, rate};

/// Warnings are listed up to here; `imports show` has them all.
const LISTED: usize = 10;

/// What the report is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Imports that can be asked about later.
    Imports,
    /// Dry runs in an installation that is about to be thrown away.
    Checks,
}

/// Reports on imports that are over, in the order in which their files were named, and writes their failures to files
/// if a name for them was given.
pub(crate) fn report(
    context: &mut Context,
    app: &App,
    imports: &[Import],
    failures: Option<&Path>,
    subject: Subject,
) -> Result<Verdict> {
    let mut written = Vec::with_capacity(imports.len());
    for (import, number) in imports.iter().zip(1..) {
        let path = failures.filter(|_| import.counts.failure > 0).map(|path| numbered(path, number));
        path.as_deref().map(|path| write_file(app, import, path, Escape::Spreadsheet)).transpose()?;
        written.push(path);
    }
    if context.out.json {
        imports.iter().try_for_each(|import| context.out.json(&import.to_json()))?;
        return Ok(verdict(imports));
    }
    context.out.line(caption(imports, subject))?;
    context.out.line(summary(imports))?;
    for (import, written) in imports.iter().zip(&written) {
        details(context, app, import)?;
        next(context, import, written.as_ref(), subject)?;
    }
    if let (Some(path), true) = (failures, written.iter().all(Option::is_none)) {
        context.out.line(format!("\nNo record failed, so '{}' was not written.", path.display()))?;
    }
    // The table comes before the sentences on standard error.
    context.out.flush()?;
    imports.iter().for_each(complain);
    Ok(verdict(imports))
}

/// The exit code's word for the worst of the imports.
fn verdict(imports: &[Import]) -> Verdict {
    let verdict = |import: &Import| match import.state {
        State::Cancelled { .. } => Verdict::Cancelled,
        State::Finished { .. } if import.counts.failure == 0 && import.counts.unprocessed() == 0 => Verdict::Good,
        _ => Verdict::Refused,
    };
    let verdicts: Vec<Verdict> = imports.iter().map(verdict).collect();
    let worst = [Verdict::Cancelled, Verdict::Refused].into_iter().find(|verdict| verdicts.contains(verdict));
    worst.unwrap_or(Verdict::Good)
}

fn caption(imports: &[Import], subject: Subject) -> String {
    let Some(import) = imports.first() else { return String::new() };
    let object_type = &import.plan.object_type;
    match subject {
        Subject::Checks => {
            format!("Checked as if nothing of {object_type} were stored yet. The records would be:\n")
        }
        Subject::Imports if import.plan.dry_run => "Dry run: nothing was changed. The records would be:\n".to_owned(),
        Subject::Imports => format!("Import into {object_type}:\n"),
    }
}

fn summary(imports: &[Import]) -> Table {
    let mut table = Table::new(&[
        Column::Text("file"),
        Column::Number("created"),
        Column::Number("updated"),
        Column::Number("unchanged"),
        Column::Number("failed"),
        Column::Number("unprocessed"),
        Column::Number("total"),
        Column::Number("time"),
        Column::Number("records/s"),
    ]);
    for import in imports {
        let (counts, took) = (import.counts, took(import));
        let numbers =
            [counts.created, counts.updated, counts.unchanged, counts.failure, counts.unprocessed(), counts.total];
        let mut row = vec![import.filename.clone()];
        row.extend(numbers.map(grouped));
        row.extend([duration(took), rate(counts.success() + counts.failure, took)]);
        table.row(row);
    }
    table
}

/// How long an import took; waiting for its turn is not counted.
pub(crate) fn took(import: &Import) -> Duration {
    match (&import.started, import.state.end()) {
        (Some(started), Some(end)) => between(started, end),
        _ => Duration::ZERO,
    }
}

/// What went wrong in an import, if anything did, and what it warns of.
pub(crate) fn details(context: &mut Context, app: &App, import: &Import) -> Result<()> {
    let groups = Groups::of(app, import)?;
    if !groups.is_empty() {
        let records = counted(import.counts.failure, "record");
        let failed = if import.plan.dry_run { "would fail" } else { "failed" };
        context.out.line(format!("\n{records} of {} {failed}:\n{groups}", import.filename))?;
    }
    if !import.warnings.is_empty() {
        context.out.line(format!("\nWarnings for {}:", import.filename))?;
        for warning in import.warnings.iter().take(LISTED) {
            context.out.line(format!("  {warning}"))?;
        }
        if let Some(more @ 1..) = import.warnings.len().checked_sub(LISTED) {
            context.out.line(format!("  and {}", counted(more as u64, "more warning")))?;
        }
    }
    Ok(())
}

/// What can be done now.
fn next(context: &mut Context, import: &Import, written: Option<&PathBuf>, subject: Subject) -> Result<()> {
    let (program, id) = (&context.program, import.id);
    let failed = counted(import.counts.failure, "failed record");
    let sentence = match (written, subject) {
        (Some(path), _) => format!(
            "Next: correct {}, which has the {failed} of {} and the reasons, and import it.",
            path.display(),
            import.filename
        ),
        (None, Subject::Imports) if import.counts.failure > 0 => format!(
            "Next: {program} imports failures {id} --out failed.csv\n      Correct the records in that file and import it."
        ),
        (None, Subject::Checks) if import.counts.failure > 0 => {
            "Next: correct the records. With --failures OUT.csv they are written to a file of their own.".to_owned()
        }
        (None, Subject::Imports) if import.plan.dry_run && matches!(import.state, State::Finished { .. }) => {
            format!(
                "Next: {program} imports apply {id}\n      It imports exactly what was looked at, for 24 hours from now."
            )
        }
        _ => return Ok(()),
    };
    context.out.line(format!("\n{sentence}"))
}

/// Says of an import that was refused or cancelled why, and what is in. A problem with single records says that itself.
fn complain(import: &Import) {
    let file = &import.filename;
    let sentence = match &import.state {
        State::Failed { problem, .. } => message_of(problem, file),
        State::Cancelled { .. } => format!("{file}: the import was cancelled"),
        _ => return,
    };
    note(sentence);
    let is_told = matches!(import.state, State::Failed { .. }) && import.counts.failure > 0;
    match import.counts.success() {
        _ if import.plan.dry_run || is_told => {}
        0 => note(format!("nothing of {file} was imported")),
        success => note(format!("{} of {file} stay imported", counted(success, "record"))),
    }
}

/// The sentence of a problem, with the file that it is about.
pub(crate) fn message_of(problem: &Value, file: &str) -> String {
    let message = problem["message"].as_str().unwrap_or("the import failed");
    if message.starts_with(file) { message.to_owned() } else { format!("{file}: {message}") }
}
