//! `rollbook imports`: what became of files, earlier and now.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rollbook::app::{App, Condition, Leftovers};
use rollbook::error::{Error, Result};
use rollbook::failure::Escape;
use rollbook::import::{Import, ImportId, State};
use rollbook::plan::Dropped;

use super::Verdict;
use super::context::Context;
use super::failures_file::{write, write_file};
use super::import::run_and_report;
use super::new_file::check_place;
use super::output::note;
use super::plan::caller;
use super::report::{details, message_of, took};
use super::table::{Column, Table};
use rollbook::figures::{duration, grouped, moment};

const FAILURES_EXAMPLES: &str = "\
Example:
  rollbook imports failures 3ebd514f-bdd7-491f-928f-21b72f44e381 --out failed.csv
  (correct the cells in failed.csv)
  rollbook import failed.csv --into managed/user --unique userName";

/// Look at imports, get their failures, cancel them, clean up after them
///
/// Every file that was accepted is an import, with an id, until its record is deleted. Its failures are kept with their
/// original cells, to be corrected and imported again.
#[derive(Debug, Subcommand)]
pub(crate) enum ImportsCommand {
    /// List all imports, the newest last
    List,
    /// Show everything about one import
    Show(IdArgs),
    Failures(FailuresArgs),
    /// Stop an import; what is in stays in
    ///
    /// An import that runs stops after its current round of records, one that waits does not start. Cancelling an
    /// import that is over changes nothing.
    Cancel(IdArgs),
    /// Import exactly the bytes that a dry run looked at
    ///
    /// For 24 hours after a dry run its bytes are kept. They are imported as 'rollbook import' would have, whatever has
    /// become of the file.
    Apply(IdArgs),
    Cleanup(CleanupArgs),
    /// Delete the record of an import, with its failures; the objects it wrote stay
    Delete(IdArgs),
}

#[derive(Debug, Args)]
pub(crate) struct IdArgs {
    /// The import, as 'rollbook imports list' shows it
    #[arg(value_name = "ID")]
    id: ImportId,
}

/// Write the failed records of an import as CSV, to be corrected and imported
///
/// The file has the columns of the imported file, with the cells as they were, and the column _importError with the
/// reason. It can be imported as it is: that column is ignored. Cells that a spreadsheet would run as formulas get an
/// apostrophe in front, which the import takes away again.
#[derive(Debug, Args)]
#[command(after_help = FAILURES_EXAMPLES)]
pub(crate) struct FailuresArgs {
    #[command(flatten)]
    import: IdArgs,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Who reads the file: 'spreadsheet' guards cells that look like formulas, 'none' leaves them, for programs
    #[arg(long, value_name = "FOR", default_value_t = Escape::Spreadsheet)]
    escape: Escape,
}

/// Remove what an import that is over still keeps
///
/// These are the bytes of a dry run, and with --errors the failures too. The record of the import stays.
#[derive(Debug, Args)]
pub(crate) struct CleanupArgs {
    #[command(flatten)]
    import: IdArgs,
    /// Remove the failures too, for good
    #[arg(long)]
    errors: bool,
}

pub(crate) fn run(context: &mut Context, command: ImportsCommand) -> Result<Verdict> {
    let app = context.existing_installation()?;
    match command {
        ImportsCommand::List => list(context, &app),
        ImportsCommand::Show(args) => show(context, &app, args.id),
        ImportsCommand::Failures(args) => failures(context, &app, &args),
        ImportsCommand::Cancel(args) => cancel(context, &app, args.id),
        ImportsCommand::Apply(args) => {
            let id = app.apply_dry_run(args.id, caller())?;
            run_and_report(context, &app, &[id], None)
        }
        ImportsCommand::Cleanup(args) => clean_up(context, &app, &args),
        ImportsCommand::Delete(args) => delete(context, &app, args.id),
    }
}

fn list(context: &mut Context, app: &App) -> Result<Verdict> {
    let imports = app.repository.imports()?;
    if context.out.json {
        imports.iter().try_for_each(|import| context.out.json(&import.to_json()))?;
        return Ok(Verdict::Good);
    }
    let mut table = Table::new(&[
        Column::Text("begin (UTC)"),
        Column::Text("id"),
        Column::Text("file"),
        Column::Text("into"),
        Column::Text("state"),
        Column::Number("total"),
        Column::Number("created"),
        Column::Number("updated"),
        Column::Number("unchanged"),
        Column::Number("failed"),
    ]);
    for import in &imports {
        let counts = import.counts;
        let texts = [
            moment(&import.begin),
            import.id.to_string(),
            import.filename.clone(),
            import.plan.object_type.to_string(),
            state(import),
        ];
        let numbers = [counts.total, counts.created, counts.updated, counts.unchanged, counts.failure];
        table.row(texts.into_iter().chain(numbers.map(grouped)));
    }
    match imports.is_empty() {
        true => note("there are no imports"),
        false => context.out.line(table)?,
    }
    Ok(Verdict::Good)
}

fn state(import: &Import) -> String {
    let dry_run = if import.plan.dry_run { " (dry run)" } else { "" };
    format!("{}{dry_run}", import.state.name())
}

fn show(context: &mut Context, app: &App, id: ImportId) -> Result<Verdict> {
    let import = app.import(id)?;
    if context.out.json {
        context.out.json(&import.to_json())?;
        return Ok(Verdict::Good);
    }
    let counts = import.counts;
    let mut table = Table::without_headings();
    let mut line = |name: &str, value: String| table.row([name.to_owned(), value]);
    line("id", import.id.to_string());
    line("file", import.filename.clone());
    line("into", import.plan.object_type.to_string());
    line("unique", import.plan.correlation.join(", "));
    line("state", state(&import));
    if let State::Failed { problem, .. } = &import.state {
        line("problem", message_of(problem, &import.filename));
    }
    if let State::Cancelled { by: Some(by), .. } = &import.state {
        line("cancelled by", by.clone());
    }
    if let Some(Dropped { drop_folder, partition, destination }) = &import.plan.dropped {
        line("dropped", format!("in {drop_folder}, partition {partition}"));
        destination.iter().for_each(|destination| line("destination", destination.property_key()));
    }
    line("begin", import.begin.clone());
    if let Some(end) = import.state.end() {
        line("end", format!("{end}, after {}", duration(took(&import))));
    }
    line("by", import.plan.caller.auth_id.clone());
    line("columns", import.header.join(", "));
    line("created", grouped(counts.created));
    line("updated", grouped(counts.updated));
    line("unchanged", grouped(counts.unchanged));
    line("failed", grouped(counts.failure));
    line("unprocessed", grouped(counts.unprocessed()));
    line("total", grouped(counts.total));
    context.out.line(table)?;
    if import.failures_purged {
        context.out.line("\nThe failures were removed.")?;
    }
    details(context, app, &import)?;
    Ok(Verdict::Good)
}

fn failures(context: &mut Context, app: &App, args: &FailuresArgs) -> Result<Verdict> {
    let import = app.import(args.import.id)?;
    if import.failures_purged {
        return Err(Error::conflict(format!("the failures of import {} were removed", import.id)));
    }
    args.out.as_deref().map(check_place).transpose()?;
    if app.repository.failures(import.id, 0, 1)?.is_empty() {
        note(format!("import {} has no failures", import.id));
        return Ok(Verdict::Good);
    }
    match &args.out {
        Some(path) => write_file(app, &import, path, args.escape)?,
        None if context.out.json => print_failures(context, app, &import)?,
        None => write(app, &import, context.out.writer(), args.escape)?,
    }
    Ok(Verdict::Good)
}

fn print_failures(context: &mut Context, app: &App, import: &Import) -> Result<()> {
    app.repository.each_failure(import.id, u64::MAX, |failure| context.out.json(&failure.to_json(&import.header)))
}

fn cancel(context: &mut Context, app: &App, id: ImportId) -> Result<Verdict> {
    let was_over = app.import(id)?.state.end().is_some();
    app.cancel(id, &caller())?;
    let import = app.import(id)?;
    let sentence = match (was_over, import.state.end()) {
        (true, _) => format!("import {id} is over already: {}", import.state.name()),
        (false, Some(_)) => format!("import {id} is cancelled"),
        (false, None) => format!("import {id} stops after its current round"),
    };
    answer(context, &import, sentence)
}

fn clean_up(context: &mut Context, app: &App, args: &CleanupArgs) -> Result<Verdict> {
    let id = args.import.id;
    app.clean_up(id, if args.errors { Leftovers::BytesAndFailures } else { Leftovers::Bytes })?;
    let import = app.import(id)?;
    answer(context, &import, format!("import {id} is cleaned up"))
}

fn delete(context: &mut Context, app: &App, id: ImportId) -> Result<Verdict> {
    let import = app.delete_import(id, &Condition::None)?;
    answer(context, &import, format!("the record of import {id} is deleted; the objects it wrote stay"))
}

/// Says what was done to an import.
fn answer(context: &mut Context, import: &Import, sentence: String) -> Result<Verdict> {
    match context.out.json {
        true => context.out.json(&import.to_json())?,
        false => context.out.line(sentence)?,
    }
    Ok(Verdict::Good)
}
