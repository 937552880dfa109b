//! Runs imports until they are over.
//!
//! What is submitted here is run here, unless another process holds the lease of the type: then it takes our imports
//! too, or we run them once it has ended. What an earlier process left behind is taken up first.

use std::sync::Arc;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rollbook::app::App;
use rollbook::error::{Kind, Result};
use rollbook::import::{Import, ImportId, State};
use rollbook::worker::Worker;

use super::output::note;
use super::progress;
use rollbook::figures::{counted, grouped};

/// How often we look whether another process is through.
const PATIENCE: Duration = Duration::from_millis(100);

/// Runs everything that waits until these imports are over, and gives them as they then are.
pub(crate) fn run_to_end(app: &Arc<App>, ids: &[ImportId], show_progress: bool) -> Result<Vec<Import>> {
    let earlier = announce_earlier(app, ids)?;
    let worker = Worker::new(Arc::clone(app));
    let (stop, stopped) = channel();
    let ended = thread::scope(|scope| {
        if show_progress {
            scope.spawn(|| progress::watch(&worker, stopped));
        }
        let ended = wait(app, &worker, ids);
        drop(stop);
        ended
    });
    if ended.is_err() {
        note("what was accepted is not lost: the next import goes on with it");
    }
    for id in earlier {
        report_earlier(app, id)?;
    }
    ended
}

fn wait(app: &App, worker: &Worker, ids: &[ImportId]) -> Result<Vec<Import>> {
    let mut told = false;
    loop {
        let ran = worker.run_waiting();
        let imports: Vec<Import> = ids.iter().map(|id| app.import(*id)).collect::<Result<_>>()?;
        let Some(waiting) = imports.iter().find(|import| import.state.end().is_none()) else {
            ran.err().into_iter().for_each(|error| note(format!("an earlier import could not go on: {error}")));
            return Ok(imports);
        };
        match ran {
            // Another process has taken over, or the database was away for longer than a while.
            Err(error) if error.kind() == Kind::Busy => tracing::info!(%error, "imports are tried again"),
            ran => drop(ran?),
        }
        if !told {
            note(format!("waiting: another process runs the imports of {}", waiting.plan.object_type));
            told = true;
        }
        thread::sleep(PATIENCE);
    }
}

/// Says which imports of processes that are no more will be taken up first.
fn announce_earlier(app: &App, ids: &[ImportId]) -> Result<Vec<ImportId>> {
    let mut earlier = Vec::new();
    for import in app.repository.open_imports()? {
        if ids.contains(&import.id) {
            continue;
        }
        // With the lease in hand nobody else runs it.
        let Some(_lease) = app.repository.lease(&import.plan.object_type)? else { continue };
        let doing = if import.state == State::Running { "continuing" } else { "running" };
        note(format!("{doing} import {} of {} first", import.id, import.filename));
        earlier.push(import.id);
    }
    Ok(earlier)
}

fn report_earlier(app: &App, id: ImportId) -> Result<()> {
    let Some(import) = app.repository.import(id)? else { return Ok(()) };
    let (state, counts) = (import.state.name(), import.counts);
    let (success, failure) = (counted(counts.success(), "record"), grouped(counts.failure));
    note(format!("import {id} of {} is {state}: {success} in, {failure} failed", import.filename));
    Ok(())
}
