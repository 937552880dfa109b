//! Callbacks: telling the customer that a run is over (Gainsight PX's status endpoint, with Standard Webhooks' headers).
//!
//! A callback is due from the moment at which its run is over, and is kept in the ledger until it is delivered or given
//! up, so that it is made at least once whatever dies when, always with the same body and the same `webhook-id`. Of one
//! drop folder one callback is under way at a time, in all processes together; those of different drop folders do not
//! wait for each other.

mod attempt;
mod courier;
mod schedule;
mod signature;

use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use self::courier::Courier;
use super::DropFolders;
use crate::clock;
use crate::error::{Error, Result};
use crate::run::Run;

/// How often a service looks for callbacks that are due.
const TICK: Duration = Duration::from_millis(250);

/// The pause after callbacks could not be looked up.
const PAUSE: Duration = Duration::from_secs(5);

/// How long another process may take for an attempt.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a service that is told to stop waits for answers. What is not answered is sent again by the next one.
const GRACE: Duration = Duration::from_secs(2);

impl DropFolders {
    /// Makes an attempt at every callback that is due and that no other process is making, and waits for the answers;
    /// says how many there were.
    pub fn deliver_callbacks(&self) -> Result<usize> {
        let mut courier = Courier::new(self);
        let mut count = 0;
        loop {
            count += courier.begin()?;
            if courier.is_idle() {
                return Ok(count);
            }
            courier.wait(TICK)?;
        }
    }

    /// Makes callbacks as they become due, until it is told to stop.
    pub fn keep_delivering(&self, is_stopping: &dyn Fn() -> bool) {
        let mut courier = Courier::new(self);
        while !is_stopping() {
            if let Err(error) = courier.begin().and_then(|_| courier.wait(TICK)) {
                tracing::error!(%error, "callbacks could not be made");
                sleep(PAUSE);
            }
        }
        if let Err(error) = courier.finish(GRACE) {
            tracing::error!(%error, "callbacks could not be noted");
        }
    }

    /// A run as it is shown, with the callback about it.
    pub fn shown_run(&self, run: &Run) -> Result<Value> {
        let repository = &self.app.repository;
        let mut shown = run.to_json();
        if let Some(callback) = repository.callback(run.id)? {
            shown["callback"] = callback.to_json(&repository.callback_attempts(run.id)?);
        }
        Ok(shown)
    }

    /// Has the callback about a run made again, as if it had never been tried. If the drop folder's callbacks are off,
    /// they are on again.
    ///
    /// # Errors
    /// `NotFound` if nobody was to be told of the run, or the drop folder is gone; `Conflict` if it has no callback any
    /// more.
    pub fn send_callback_again(&self, run: &Run) -> Result<()> {
        let folder = self.get(&run.drop_folder)?;
        if folder.callback.is_none() {
            return Err(Error::conflict(format!("the drop folder '{}' has no callback any more", folder.name)));
        }
        if self.app.repository.callback(run.id)?.is_some() {
            // First, so that nobody gives it up before it is tried.
            self.app.repository.switch_callback(&folder.name, false)?;
        }
        self.app.repository.send_callback_again(run.id, &clock::now())
    }

    /// Switches the callback of a drop folder off, so that nobody is told of its runs, or on again.
    ///
    /// # Errors
    /// `NotFound` if there is no such drop folder; `Conflict` if it has no callback.
    pub fn switch_callback(&self, name: &str, off: bool) -> Result<()> {
        let folder = self.get(name)?;
        if folder.callback.is_none() {
            return Err(Error::conflict(format!("the drop folder '{name}' has no callback")));
        }
        // There is something to be switched.
        self.make_up(&folder)?;
        self.app.repository.switch_callback(&folder.name, off)
    }

    /// Waits for the next attempt at the callback about a run that is to be made again, which this or another process
    /// makes. Others that are due are made too.
    pub fn deliver_callback_about(&self, run: &Run) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        loop {
            self.deliver_callbacks()?;
            let is_tried = self.app.repository.callback(run.id)?.is_none_or(|callback| callback.attempts > 0);
            if is_tried || Instant::now() > end {
                return Ok(());
            }
            sleep(TICK);
        }
    }
}
