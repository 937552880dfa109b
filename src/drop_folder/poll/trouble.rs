//! What keeps a look, or a run, from going on: whether it may pass, since when it is so, and who is told.

use super::Look;
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::run::{Run, Trouble};

/// The trouble that an error is. It began with the `earlier` one, if there was one at the last attempt.
pub(in crate::drop_folder) fn of(error: &Error, earlier: Option<&Trouble>) -> Trouble {
    let may_pass = error.kind().may_pass() || error.kind() == Kind::Outdated;
    let since = earlier.map_or_else(clock::now, |earlier| earlier.since.clone());
    Trouble { since, message: error.to_string(), blocked: !may_pass }
}

/// Whether the log does not say so yet.
pub(super) fn is_news(trouble: &Trouble, earlier: Option<&Trouble>) -> bool {
    earlier.is_none_or(|earlier| earlier.message != trouble.message)
}

impl Look<'_> {
    /// Notes what keeps a run from its next step.
    pub(super) fn note_trouble(&self, run: &mut Run, error: &Error) -> Result<()> {
        let trouble = of(error, run.trouble.as_ref());
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

    /// Whether a run has been in trouble for so long that no more is to be hoped for.
    pub(super) fn is_given_up(&self, run: &Run) -> bool {
        run.trouble.as_ref().is_some_and(|trouble| clock::since(&trouble.since) >= self.folder.give_up_after)
    }
}
