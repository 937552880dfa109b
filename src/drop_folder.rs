//! The drop-folder door: partitions that lie in a bucket are imported, reported and moved (Gainsight PX's S3 import).
//!
//! ```text
//! current/dt=20210228/_SUCCESS, users.csv.gz
//!    -> claimed -> imported -> room made -> copied -> reported -> cleared -> callback
//! processed/20210228/status.txt, _SUCCESS, users.csv.gz
//! ```
//!
//! A look at a drop folder ([`DropFolders::poll`]) is level-triggered: it looks at the bucket and at the ledger
//! ([`run`](crate::run)), does the next missing step, and repeats. Nothing depends on what an earlier look remembered, so
//! a look that was cut short anywhere is simply done again.

mod callback;
mod layout;
mod policy;
mod poll;
mod polls;
mod probe;
mod reach;
mod registry;
mod schedule;
mod standing;
mod status;

use std::fmt;
use std::sync::Arc;

use self::poll::Said;
use crate::app::App;
use crate::clock;
use crate::config::DropFolder;
use crate::error::{Error, Result, unpanicked};
use crate::import::ImportId;
use crate::outbound::Outbound;
use crate::run::{Run, Step};

pub use self::policy::Policies;
pub use self::poll::Polled;
pub use self::polls::{Asked, Polls};
pub use self::probe::{Probe, Probed, Right};
pub use self::registry::{FolderPut, Registered};
pub(crate) use self::registry::{no_drop_folder, signing_secret_of};
pub use self::standing::{Health, Standing};

/// The drop folders of an installation.
pub struct DropFolders {
    app: Arc<App>,
    outbound: Outbound,
    /// Looks that this process has to do with.
    pub polls: Polls,
    said: Said,
}

/// Who runs the imports of a look at a drop folder.
pub trait Imports {
    /// Returns when the import is over, or when there is no waiting for it any more; then it is not over.
    ///
    /// # Errors
    /// What keeps imports from being run.
    fn wait(&self, import: ImportId) -> Result<()>;

    /// Whether to stop looking after the current step.
    fn is_stopping(&self) -> bool;
}

impl DropFolders {
    /// The drop folders of this installation.
    pub fn new(app: Arc<App>) -> Result<DropFolders> {
        Ok(DropFolders { app, outbound: Outbound::new()?, polls: Polls::default(), said: Said::default() })
    }

    /// Asks for a look at a drop folder as soon as can be.
    ///
    /// # Errors
    /// `NotFound`, with the names there are.
    pub fn ask(&self, name: &str) -> Result<Asked> {
        let folder = self.get(name)?;
        let asked = self.polls.ask(&folder.name);
        self.app.bell.ring();
        Ok(asked)
    }

    /// Begins the looks that are due at drop folders that are not paused, and those that were asked for. Whoever calls
    /// has each of them done with [`DropFolders::look`].
    pub fn begin_due(&self) -> Result<Vec<String>> {
        let mut begun = Vec::new();
        for folder in self.all()? {
            if self.begin(&folder) {
                begun.push(folder.name);
            }
        }
        Ok(begun)
    }

    fn begin(&self, folder: &DropFolder) -> bool {
        // One may have become fit to be worked with only now. Of one whose state cannot be had the look tells why, and the
        // others are not held up.
        let state = self.make_up(folder).and_then(|()| self.state(folder));
        if folder.paused {
            return self.polls.begin_if_asked(&folder.name);
        }
        let is_due = state.map_or(true, |state| folder.schedule.is_due(&state, &clock::now()));
        self.polls.begin(&folder.name, is_due, folder.schedule.interval())
    }

    /// Does a look that was begun.
    pub fn look(&self, name: &str, imports: &dyn Imports) {
        match unpanicked("a look at a drop folder", || self.poll(name, imports)) {
            Ok(polled) => self.polls.end(name, polled),
            Err(error) => self.give_up_look(name, &error),
        }
    }

    /// What `status.txt` says of a run; nothing before all of its files are imported or refused.
    pub fn status_text(run: &Run) -> Option<String> {
        (run.step >= Step::Imported).then(|| status::text(run))
    }

    /// Ends a look that was begun and could not be done.
    pub fn give_up_look(&self, name: &str, error: &Error) {
        tracing::warn!(drop_folder = name, %error, "a drop folder could not be looked at");
        self.polls.give_up(name, poll::trouble(error, None, None));
    }
}

impl fmt::Debug for DropFolders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DropFolders").field("polls", &self.polls).finish_non_exhaustive()
    }
}
