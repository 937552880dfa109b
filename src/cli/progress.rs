//! The progress bar on a terminal.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressState, ProgressStyle};
use rollbook::import::ImportId;
use rollbook::worker::Worker;

use rollbook::figures::grouped;

/// Often enough to look steady.
const INTERVAL: Duration = Duration::from_millis(100);

/// Shows what the worker runs until told to stop. Leaves nothing on the screen.
pub(crate) fn watch(worker: &Worker, stopped: Receiver<()>) {
    let mut shown: Option<(ImportId, ProgressBar)> = None;
    while stopped.recv_timeout(INTERVAL) == Err(RecvTimeoutError::Timeout) {
        let Some((import, progress)) = worker.running().pop() else { continue };
        if let Some((id, bar)) = &shown
            && *id != import.id
        {
            bar.finish_and_clear();
            shown = None;
        }
        let (_, bar) = shown.get_or_insert_with(|| (import.id, bar(&import.filename)));
        // Until the whole file has been looked at, nobody knows how many records there are.
        if progress.total() > 0 && bar.length().is_none() {
            bar.set_style(counting());
            bar.reset_eta();
        }
        if progress.total() > 0 {
            bar.set_length(progress.total());
        }
        bar.set_position(progress.applied());
    }
    if let Some((_, bar)) = shown {
        bar.finish_and_clear();
    }
}

fn bar(filename: &str) -> ProgressBar {
    let looking = ProgressStyle::with_template("{prefix}  {human_pos} records").expect("the template is sound");
    let bar = ProgressBar::no_length().with_style(looking).with_prefix(filename.to_owned());
    bar.tick();
    bar
}

fn counting() -> ProgressStyle {
    let template = "{prefix}  {bar:30}  {human_pos}/{human_len} records  {rate}  ETA {eta}";
    let rate = |state: &ProgressState, out: &mut dyn std::fmt::Write| {
        let _ = write!(out, "{} records/s", grouped(state.per_sec() as u64));
    };
    ProgressStyle::with_template(template).expect("the template is sound").with_key("rate", rate)
}
