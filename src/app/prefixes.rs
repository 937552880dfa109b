//! Indexes by which searches for texts that begin with a text go, made in the background when somebody first searches so.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::App;
use crate::error::unpanicked;
use crate::repository::{Prefix, StoredType};

/// The indexes that this process is making, by type and property.
#[derive(Debug, Default)]
pub(super) struct Prefixes(Mutex<HashSet<(i64, u32)>>);

impl App {
    /// Has the index made that this search needs, and does not wait for it. What goes wrong is told to the log, and tried
    /// again with the next such search.
    pub fn make_prefix_index(self: &Arc<App>, stored: &StoredType, prefix: &Prefix) {
        let (app, stored, prefix) = (Arc::clone(self), stored.clone(), prefix.clone());
        let which = (stored.number, prefix.position());
        if !self.prefixes.begin(which) {
            return;
        }
        let making = move || {
            let name = stored.object_type.name();
            tracing::info!(object_type = %name, "an index of the beginnings of a property is being made");
            let made = unpanicked("making an index", || app.repository.make_prefix_index(&stored, &prefix));
            app.prefixes.end(which);
            match made {
                Ok(()) => tracing::info!(object_type = %name, "the index of beginnings is made"),
                Err(error) => tracing::warn!(object_type = %name, %error, "an index of beginnings could not be made"),
            }
        };
        if let Err(error) = thread::Builder::new().name("index".to_owned()).spawn(making) {
            self.prefixes.end(which);
            tracing::warn!(%error, "a thread for an index could not start");
        }
    }
}

impl Prefixes {
    /// Whether nobody is at it.
    fn begin(&self, which: (i64, u32)) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(which)
    }

    fn end(&self, which: (i64, u32)) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&which);
    }
}
