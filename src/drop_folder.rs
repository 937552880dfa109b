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

mod bucket;
mod callback;
mod credentials;
mod layout;
mod outbound;
mod policy;
mod poll;
mod probe;
mod registry;
mod status;

use std::sync::Arc;

use self::outbound::Outbound;
use crate::app::App;
use crate::error::Result;
use crate::import::ImportId;

pub use self::policy::Policies;
pub use self::poll::Polled;
pub use self::probe::{Probe, Probed, Right};

/// The drop folders of an installation.
pub struct DropFolders {
    app: Arc<App>,
    outbound: Outbound,
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
        Ok(DropFolders { app, outbound: Outbound::new()? })
    }
}
