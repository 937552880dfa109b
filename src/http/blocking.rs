//! The way from asynchronous handlers to the library, which blocks.

use super::Door;
use super::problem::{Problem, unforeseen};
use crate::error::Result;

impl Door {
    /// Runs work that may block where it holds up nobody.
    ///
    /// Work that was begun ends, also when the client has gone: a change is done whole or not at all.
    #[expect(clippy::disallowed_methods, reason = "this is the way")]
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Door) -> Result<T> + Send + 'static,
    ) -> Result<T, Problem> {
        let door = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&door)).await;
        Ok(done.unwrap_or_else(|_| Err(unforeseen()))?)
    }
}
