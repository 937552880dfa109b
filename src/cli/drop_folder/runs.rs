//! Runs of partitions, as they are shown.

use clap::Args;
use rollbook::app::App;
use rollbook::drop_folder::DropFolders;
use rollbook::error::Result;
use rollbook::run::{
    Callback, CallbackAttempt, CallbackState, FileOutcome, NO_DATA_FILES, Run, RunFile, RunId, no_run,
};

use crate::cli::Verdict;
use crate::cli::context::Context;
use crate::cli::output::note;
use crate::cli::table::{Column, Table};
use rollbook::figures::{grouped, moment};

/// List the runs of a drop folder, the newest first
///
/// A run is the journey of one partition, such as dt=20210228, from its success marker to 'processed'.
#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// The drop folder, as 'rollbook drop-folder list' shows it
    #[arg(value_name = "NAME")]
    name: String,
    /// How many to list
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,
}

/// Send the callback about a run again
///
/// It is sent now, whatever became of it before; if that fails it is tried again by 'rollbook serve'. A callback that was
/// switched off by its receiver is on again.
#[derive(Debug, Args)]
pub(crate) struct SendCallbackArgs {
    /// The run, as 'rollbook drop-folder runs' shows it
    #[arg(value_name = "RUN")]
    run: RunId,
}

pub(crate) fn runs(context: &mut Context, app: &App, folders: &DropFolders, args: &RunsArgs) -> Result<Verdict> {
    let name = folders.find(&args.name)?.name;
    let runs = app.repository.runs(&name, args.limit)?;
    if context.out.json {
        runs.iter().try_for_each(|run| context.out.json(&folders.shown_run(run)?))?;
        return Ok(Verdict::Good);
    }
    match runs.is_empty() {
        true => note(format!("'{name}' has no runs")),
        false => context.out.line(table(&runs))?,
    }
    Ok(Verdict::Good)
}

pub(crate) fn send_callback(
    context: &mut Context,
    app: &App,
    folders: &DropFolders,
    args: &SendCallbackArgs,
) -> Result<Verdict> {
    let run = app.repository.partition_run(args.run)?.ok_or_else(|| no_run(args.run))?;
    folders.send_callback_again(&run)?;
    folders.deliver_callback_about(&run)?;
    let callback = app.repository.callback(run.id)?;
    let attempts = app.repository.callback_attempts(run.id)?;
    let is_delivered = callback.as_ref().is_some_and(|callback| callback.state == CallbackState::Delivered);
    match context.out.json {
        true => context.out.json(&folders.shown_run(&run)?)?,
        false => context.out.line(told(callback.as_ref(), attempts.last()))?,
    }
    Ok(if is_delivered { Verdict::Good } else { Verdict::Failed })
}

/// Where a callback stands, in words.
pub(crate) fn told(callback: Option<&Callback>, last: Option<&CallbackAttempt>) -> String {
    let problem = last.and_then(|last| last.problem.as_ref()).map_or_else(String::new, |why| format!(": {why}"));
    match callback.map(|callback| &callback.state) {
        None => "none".to_owned(),
        Some(CallbackState::Delivered) => "delivered".to_owned(),
        Some(CallbackState::GivenUp) => format!("given up{problem}"),
        Some(CallbackState::Waiting { due }) => format!("waiting until {}{problem}", moment(due)),
    }
}

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
        let mut files = run.data_files().peekable();
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
    let problem = match file {
        None => NO_DATA_FILES.to_owned(),
        Some(_) => outcome.map_or_else(String::new, first_of),
    };
    let mut row = vec![format!("  {}", run.partition), run.id.to_string(), name.to_owned(), result.to_owned()];
    row.extend(counts);
    row.push(problem);
    row
}

/// The first error of a file, and how many more there are.
fn first_of(outcome: &FileOutcome) -> String {
    match outcome.errors.as_slice() {
        [] => String::new(),
        [first, more @ ..] => match more.len() as u64 + outcome.more_errors {
            0 => first.clone(),
            more => format!("{first}, and {} more", grouped(more)),
        },
    }
}
