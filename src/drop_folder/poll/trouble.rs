//! What keeps a look, or a run, from going on: whether it may pass, since when it is so, and who is told.

use std::time::Duration;

use super::Look;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::run::{FailedReading, Run, Trouble};

/// Whoever has not tried to read a file for longer has perhaps not been trying.
const LAPSES: Duration = Duration::from_hours(1);

/// Why a run does not go on.
pub(super) struct Stuck {
    error: Error,
    /// The file that could not be read, if it is that and nothing of ours.
    file: Option<String>,
}

impl Stuck {
    /// A file of the bucket could not be read.
    pub(super) fn at(file: &str, error: Error) -> Stuck {
        Stuck { error, file: Some(file.to_owned()) }
    }
}

impl From<Error> for Stuck {
    fn from(error: Error) -> Stuck {
        Stuck { error, file: None }
    }
}

/// The trouble that an error is, perhaps with reading a file. It began with the `earlier` one, that of the last attempt,
/// if that was with the same file, or with none.
pub(crate) fn of(error: &Error, file: Option<&str>, earlier: Option<&Trouble>) -> Trouble {
    let may_pass = error.kind().may_pass() || error.kind() == Kind::Outdated;
    let now = clock::now();
    let begun = earlier.filter(|earlier| earlier.file() == file).map(|earlier| earlier.since.clone());
    Trouble {
        since: begun.unwrap_or_else(|| now.clone()),
        message: error.to_string(),
        blocked: !may_pass,
        reading: file.map(|file| FailedReading { file: file.to_owned(), at: now }),
    }
}

/// Whether the log does not say so yet.
pub(super) fn is_news(trouble: &Trouble, earlier: Option<&Trouble>) -> bool {
    earlier.is_none_or(|earlier| earlier.message != trouble.message)
}

impl Look<'_> {
    /// Notes what keeps a run from its next step.
    pub(super) fn note_trouble(&self, run: &mut Run, stuck: &Stuck) -> Result<()> {
        let trouble = of(&stuck.error, stuck.file.as_deref(), run.trouble.as_ref());
        if is_news(&trouble, run.trouble.as_ref()) {
            let Run { drop_folder, partition, step, .. } = &*run;
            let (step, message, blocked) = (step.name(), &trouble.message, trouble.blocked);
            tracing::warn!(drop_folder, partition, step, trouble = message, blocked, "a run cannot go on");
        }
        self.app.repository.note_trouble(run.id, Some(&trouble))?;
        run.trouble = Some(trouble);
        Ok(())
    }

    /// Forgets what kept a run from going on, because it went on.
    pub(super) fn forget_trouble(&self, run: &mut Run) -> Result<()> {
        match run.trouble.take() {
            Some(_) => self.app.repository.note_trouble(run.id, None),
            None => Ok(()),
        }
    }

    /// Forgets that a file could not be read if nobody has tried for more than an hour although two looks were due: we
    /// were down, or paused, or other trouble came first. That time does not count against the file.
    pub(super) fn forget_lapsed(&self, run: &mut Run) -> Result<()> {
        let reading = run.trouble.as_ref().and_then(|trouble| trouble.reading.as_ref());
        match reading.is_some_and(|reading| self.is_lapsed(&reading.at)) {
            true => self.forget_trouble(run),
            false => Ok(()),
        }
    }

    fn is_lapsed(&self, at: &str) -> bool {
        let schedule = &self.folder.schedule;
        let second = schedule.next_after(at).and_then(|next| schedule.next_after(&next));
        clock::since(at) > LAPSES && second.is_some_and(|second| second < clock::now())
    }

    /// Whether reading this file has been tried for so long that no more is to be hoped for. What counts is the time since
    /// the first reading that failed, with nothing but further ones in between.
    pub(super) fn is_given_up(&self, run: &Run, file: &str) -> bool {
        let trouble = run.trouble.as_ref().filter(|trouble| trouble.file() == Some(file));
        trouble.is_some_and(|trouble| clock::since(&trouble.since) >= self.folder.give_up_after)
    }
}
