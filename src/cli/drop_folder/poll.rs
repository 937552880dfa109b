//! `rollbook drop-folder poll`: a look at drop folders, here and now.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Args;
use rollbook::app::App;
use rollbook::clock;
use rollbook::drop_folder::{DropFolders, Imports, Polled};
use rollbook::error::{Kind, Result};
use rollbook::import::ImportId;
use rollbook::run::Run;
use serde_json::json;

use super::runs::table;
use crate::cli::Verdict;
use crate::cli::context::Context;
use crate::cli::import::shows_progress;
use crate::cli::output::{complain, note};
use crate::cli::running::run_to_end;

const EXAMPLES: &str = "\
Examples:
  rollbook drop-folder poll px-users
  rollbook drop-folder poll --all

Exit code: 0, all records are in, or there were none; 1, a file was refused; 2, anything else.";

/// How often we look whether another process is through.
const PATIENCE: Duration = Duration::from_millis(100);

/// Look at drop folders now, and import what is ready
///
/// Everything that is ready is imported, filed and reported, whatever the schedule says and also if the drop folder is
/// paused; then the callbacks that are due are made. While another process looks at the same place, such as 'rollbook
/// serve', this waits for it.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PollArgs {
    /// The drop folder, as 'rollbook drop-folder list' shows it
    #[arg(value_name = "NAME", required_unless_present = "all")]
    name: Option<String>,
    /// Look at all drop folders that are not paused, one after the other
    #[arg(long, conflicts_with = "name")]
    all: bool,
}

pub(crate) fn run(context: &mut Context, app: &Arc<App>, folders: &DropFolders, args: &PollArgs) -> Result<Verdict> {
    let names = match &args.name {
        Some(name) => vec![name.clone()],
        None => folders.all()?.into_iter().filter(|folder| !folder.paused).map(|folder| folder.name).collect(),
    };
    if names.is_empty() {
        note("there are no drop folders to be looked at");
    }
    let here = Here { app, show_progress: shows_progress(context) };
    let mut verdicts = Vec::with_capacity(names.len());
    for name in &names {
        verdicts.push(look(context, folders, name, &here)?);
    }
    folders.deliver_callbacks()?;
    // Left-over bytes do not make a good look a bad one.
    app.sweep().unwrap_or_else(|error| complain(&error));
    Ok(worst(&verdicts))
}

/// Runs the imports of a look in this process, as 'rollbook import' does.
struct Here<'a> {
    app: &'a Arc<App>,
    show_progress: bool,
}

impl Imports for Here<'_> {
    fn wait(&self, import: ImportId) -> Result<()> {
        match run_to_end(self.app, &[import], self.show_progress) {
            // Somebody has deleted its record.
            Err(error) if error.kind() == Kind::NotFound => Ok(()),
            ran => ran.map(drop),
        }
    }

    fn is_stopping(&self) -> bool {
        false
    }
}

fn look(context: &mut Context, folders: &DropFolders, name: &str, here: &Here<'_>) -> Result<Verdict> {
    let polled = patiently(folders, name, here)?;
    if context.out.json {
        context.out.json(&json!({
            "dropFolder": name,
            "runs": polled.runs.iter().map(Run::to_json).collect::<Vec<_>>(),
            "notices": polled.notices,
            "trouble": polled.trouble,
        }))?;
        return Ok(verdict(&polled));
    }
    match polled.runs.is_empty() {
        true if polled.trouble.is_some() => {}
        true => context.out.line(format!("{name}: nothing is ready"))?,
        false => {
            context.out.line(format!("{name}:\n"))?;
            context.out.line(table(&polled.runs))?;
        }
    }
    // The table comes before the sentences on standard error.
    context.out.flush()?;
    polled.notices.iter().for_each(|notice| note(format!("{name}: {notice}")));
    polled.troubles().for_each(|trouble| note(format!("{name}: {}", trouble.message)));
    Ok(verdict(&polled))
}

/// What a look came to, when nobody else looks; with what others have ended while we waited for them.
fn patiently(folders: &DropFolders, name: &str, here: &Here<'_>) -> Result<Polled> {
    let begin = clock::now();
    let mut waited = false;
    loop {
        match folders.poll(name, here) {
            Err(error) if error.kind() == Kind::Busy => {
                if !waited {
                    note(format!("waiting: another process looks at '{name}'"));
                    waited = true;
                }
                thread::sleep(PATIENCE);
            }
            Ok(mut polled) if waited => {
                let theirs = here.app.repository.runs(name, MANY)?.into_iter();
                polled.runs.extend(theirs.filter(|run| run.end.as_ref().is_some_and(|end| *end >= begin)));
                polled.runs.sort_by(|a, b| a.partition.cmp(&b.partition).then(a.id.cmp(&b.id)));
                polled.runs.dedup_by_key(|run| run.id);
                return Ok(polled);
            }
            other => return other,
        }
    }
}

/// More runs than anybody ends while we wait.
const MANY: usize = 1000;

fn verdict(polled: &Polled) -> Verdict {
    match polled.troubles().next() {
        Some(_) => Verdict::Failed,
        None if polled.runs.iter().any(|run| run.end.is_some() && !run.is_success()) => Verdict::Refused,
        None => Verdict::Good,
    }
}

fn worst(verdicts: &[Verdict]) -> Verdict {
    let worst = [Verdict::Failed, Verdict::Refused].into_iter().find(|verdict| verdicts.contains(verdict));
    worst.unwrap_or(Verdict::Good)
}
