//! Who carries callbacks out: keeps those under way apart by drop folder, and notes what became of them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use tokio::task::{Id, JoinSet};
use tokio::time::timeout;
use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::attempt::{Answer, request, send};
use super::schedule::pause;
use crate::clock;
use crate::drop_folder::DropFolders;
use crate::error::{Kind, Result};
use crate::repository::Lease;
use crate::run::{Callback, CallbackAttempt, CallbackState};

/// How many callbacks are under way at a time.
const MOST: usize = 32;

/// `410 Gone`: the endpoint wants to hear nothing more.
const GONE: u16 = 410;

/// See the module's head.
pub(super) struct Courier<'a> {
    folders: &'a DropFolders,
    calls: JoinSet<Answer>,
    under_way: HashMap<Id, UnderWay>,
}

/// A callback that was sent and is not answered yet.
struct UnderWay {
    callback: Callback,
    /// When it was sent.
    at: String,
    /// Keeps other processes from sending it too.
    _lease: Lease,
}

/// Why a callback is not sent.
enum Unsent {
    /// It can never be sent.
    Hopeless(String),
    /// It cannot be sent now.
    Failed(String),
}

impl<'a> Courier<'a> {
    pub(super) fn new(folders: &'a DropFolders) -> Courier<'a> {
        Courier { folders, calls: JoinSet::new(), under_way: HashMap::new() }
    }

    /// Whether nothing is under way.
    pub(super) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Sends callbacks that are due, one of each drop folder; says how many attempts that makes.
    pub(super) fn begin(&mut self) -> Result<usize> {
        let repository = &self.folders.app.repository;
        let mut count = 0;
        for due in repository.due_callbacks(&clock::now())? {
            let is_busy = self.under_way.values().any(|other| other.callback.drop_folder == due.drop_folder);
            if is_busy || self.under_way.len() >= MOST {
                continue;
            }
            // No place is called so.
            let Some(lease) = repository.lease_place(&format!("callbacks of {}", due.drop_folder))? else { continue };
            // Another process may have sent it since it was looked up.
            let Some(callback) = repository.callback(due.run)?.filter(|callback| callback.state == due.state) else {
                continue;
            };
            count += 1;
            self.send(callback, lease)?;
        }
        Ok(count)
    }

    fn send(&mut self, callback: Callback, lease: Lease) -> Result<()> {
        let at = clock::now();
        match self.request(&callback)? {
            Ok(request) => {
                let task = self.calls.spawn_on(send(request), self.folders.outbound.runtime.handle());
                self.under_way.insert(task.id(), UnderWay { callback, at, _lease: lease });
                Ok(())
            }
            Err(Unsent::Failed(problem)) => self.note(&callback, at, Answer::none(problem)),
            Err(Unsent::Hopeless(problem)) => {
                self.give_up(&callback, CallbackAttempt { at, status: None, problem: Some(problem) })
            }
        }
    }

    /// # Errors
    /// What may be better later and is no matter of this callback.
    fn request(&self, callback: &Callback) -> Result<std::result::Result<reqwest::RequestBuilder, Unsent>> {
        let hopeless = |problem: &str| Ok(Err(Unsent::Hopeless(problem.to_owned())));
        let folder = match self.folders.get(&callback.drop_folder) {
            Ok(folder) => folder,
            Err(error) if error.kind() == Kind::NotFound => return hopeless("the drop folder is gone"),
            Err(error) if is_passing(error.kind()) => return Err(error),
            Err(error) => return Ok(Err(Unsent::Failed(error.to_string()))),
        };
        let Some(settings) = &folder.callback else { return hopeless("the drop folder has no callback any more") };
        if self.folders.state(&folder)?.callback_off {
            return hopeless(
                "the callback is off: its endpoint has answered with 410, that it is gone, or somebody has switched it off",
            );
        }
        let secret = self.folders.signing_secret(&folder);
        let request = secret.and_then(|secret| request(&self.folders.outbound, callback, settings, &secret));
        match request {
            Err(error) if is_passing(error.kind()) => Err(error),
            request => Ok(request.map_err(|error| Unsent::Failed(error.to_string()))),
        }
    }

    /// Waits for an answer, up to so long, and notes it.
    pub(super) fn wait(&mut self, patience: Duration) -> Result<()> {
        let calls = &mut self.calls;
        let answered = self.folders.outbound.runtime.block_on(async {
            if calls.is_empty() {
                tokio::time::sleep(patience).await;
                return None;
            }
            timeout(patience, calls.join_next_with_id()).await.ok().flatten()
        });
        let (id, answer) = match answered {
            None => return Ok(()),
            Some(Ok((id, answer))) => (id, answer),
            Some(Err(error)) => (error.id(), Answer::none("we failed: the attempt has panicked")),
        };
        let Some(UnderWay { callback, at, _lease }) = self.under_way.remove(&id) else { return Ok(()) };
        self.note(&callback, at, answer)
    }

    /// Waits for what is under way, up to so long.
    pub(super) fn finish(&mut self, patience: Duration) -> Result<()> {
        let end = Instant::now() + patience;
        while !self.is_idle() && Instant::now() < end {
            self.wait(end.saturating_duration_since(Instant::now()))?;
        }
        Ok(())
    }

    /// Notes what became of an attempt.
    fn note(&self, callback: &Callback, at: String, answer: Answer) -> Result<()> {
        let repository = &self.folders.app.repository;
        let Callback { run, drop_folder, .. } = callback;
        let Answer { status, problem, asked } = answer;
        let attempt = CallbackAttempt { at, status, problem };
        let Some(problem) = attempt.problem.as_deref() else {
            tracing::info!(drop_folder, %run, status, "callback is delivered");
            return repository.note_attempt(*run, &attempt, &CallbackState::Delivered);
        };
        if status == Some(GONE) {
            repository.switch_callback(drop_folder, true)?;
            return self.give_up(callback, attempt);
        }
        let attempts = callback.attempts.saturating_add(1);
        let seed = xxh3_64_with_seed(run.to_string().as_bytes(), attempts.into());
        match pause(attempts, asked, seed).and_then(clock::ahead) {
            Some(due) => {
                tracing::warn!(drop_folder, %run, problem, due, "callback failed; it is tried again");
                repository.note_attempt(*run, &attempt, &CallbackState::Waiting { due })
            }
            None => self.give_up(callback, attempt),
        }
    }

    fn give_up(&self, callback: &Callback, attempt: CallbackAttempt) -> Result<()> {
        let Callback { run, drop_folder, .. } = callback;
        tracing::error!(drop_folder, %run, problem = attempt.problem, "callback is given up");
        self.folders.app.repository.note_attempt(*run, &attempt, &CallbackState::GivenUp)
    }
}

/// Whether trying again later may help, whatever it was about.
fn is_passing(kind: Kind) -> bool {
    matches!(kind, Kind::Busy | Kind::Storage | Kind::NoRoom)
}
