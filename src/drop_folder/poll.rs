//! A look at a drop folder.
//!
//! A look goes in rounds: what lies in `current` is listed ([`look`](Look::look)), then every run goes on as far as it can
//! and every partition that is ready is taken, the oldest date first. Where a run ended there may be more to see, so
//! there is another round.
//!
//! The data of a place goes in by date. While a run has files that are not imported, no later partition is begun, whatever
//! the reason: what a later file says must not be overwritten by an earlier one. A run that is imported and cannot be
//! filed, because a right is missing for that, holds up nobody. Two runs of one date are never open at once: a date that
//! is dropped anew waits until its earlier run is over.

mod claim;
mod clear;
mod copy;
mod import;
mod keep;
mod look;
mod notices;
mod report;
mod room;
mod trouble;

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::{Duration, Instant};

use self::look::Ready;
pub(super) use self::notices::Said;
use self::trouble::Stuck;
pub(super) use self::trouble::of as trouble;
use super::{DropFolders, Imports};
use crate::app::App;
use crate::bucket::Bucket;
use crate::clock;
use crate::config::{self, DropFolder};
use crate::error::{Error, Kind, Result};
use crate::repository::Lease;
use crate::run::{Run, Step, Trouble};

/// Times of files in S3 have no fractions of a second: after so long a file that was written anew has another one.
const S3_SETTLES: Duration = Duration::from_millis(1100);

/// So many notices are kept of a look, for whoever asks how the drop folder stands.
const MOST_NOTICES: usize = 100;

/// How often we ask whether to stop while there is nothing to do but wait.
const LOOK_UP: Duration = Duration::from_millis(50);

/// What a look at a drop folder came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polled {
    /// The runs that went on, as they are now, by partition.
    pub runs: Vec<Run>,
    /// What was seen and left alone, each in a sentence: partitions without a marker, late files, names that are no dates.
    pub notices: Vec<String>,
    /// What kept the look from its end.
    pub trouble: Option<Trouble>,
}

impl Polled {
    /// All trouble that there was.
    pub fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        self.trouble.iter().chain(self.runs.iter().filter_map(|run| run.trouble.as_ref()))
    }
}

impl DropFolders {
    /// Looks at a drop folder and does what can be done, the oldest partition first, its files by name.
    ///
    /// # Errors
    /// `NotFound` if there is no drop folder of this name; `Busy` while another process looks at it. What is wrong with
    /// the bucket is no error: it is noted, and told in [`Polled::trouble`].
    pub fn poll(&self, name: &str, imports: &dyn Imports) -> Result<Polled> {
        let folder = self.get(name)?;
        self.make_up(&folder)?;
        let state = self.state(&folder)?;
        let place = folder.place();
        let Some(lease) = self.app.repository.lease_place(&place)? else {
            return Err(Error::new(Kind::Busy, format!("another process looks at the drop folder '{name}' now")));
        };
        let begun = clock::now();
        let mut polled = Polled::default();
        let looked = self.bucket(&folder, &state).and_then(|bucket| {
            let (app, folder, place, bucket) = (&*self.app, &folder, place.as_str(), &bucket);
            Look { app, folder, place, lease: &lease, bucket, imports, said: &self.said }.go_through(&mut polled)
        });
        if imports.is_stopping() || lease.is_lost() {
            // It was not looked at to the end, and is due again.
            return Ok(polled);
        }
        let earlier = state.trouble.as_ref();
        polled.trouble = looked.err().map(|error| trouble::of(&error, None, earlier));
        if let Some(trouble) = polled.trouble.as_ref().filter(|trouble| trouble::is_news(trouble, earlier)) {
            tracing::warn!(drop_folder = name, trouble = trouble.message, blocked = trouble.blocked, "a look failed");
        }
        let notices = &polled.notices[..polled.notices.len().min(MOST_NOTICES)];
        self.app.repository.note_poll(name, &begun, polled.trouble.as_ref(), notices)?;
        Ok(polled)
    }
}

/// A look that goes on. The place's lease is held; when it is lost, another process looks at the place, and this one must
/// leave the bucket alone.
struct Look<'a> {
    app: &'a App,
    folder: &'a DropFolder,
    place: &'a str,
    lease: &'a Lease,
    bucket: &'a Bucket,
    imports: &'a dyn Imports,
    said: &'a Said,
}

impl Look<'_> {
    fn is_stopping(&self) -> bool {
        self.imports.is_stopping() || self.lease.is_lost()
    }

    /// The bucket, for whoever changes something in it.
    ///
    /// # Errors
    /// `Busy` when the lease is lost.
    fn changing(&self) -> Result<&Bucket> {
        if self.lease.is_lost() {
            let name = &self.folder.name;
            return Err(Error::new(Kind::Busy, format!("another process looks at the drop folder '{name}' by now")));
        }
        Ok(self.bucket)
    }

    fn go_through(&self, polled: &mut Polled) -> Result<()> {
        let mut runs = BTreeMap::new();
        let done = self.rounds(&mut runs, &mut polled.notices);
        polled.runs = runs.into_values().collect();
        done
    }

    fn rounds(&self, runs: &mut BTreeMap<(String, String), Run>, notices: &mut Vec<String>) -> Result<()> {
        loop {
            let ready = self.look(notices)?;
            let went_on = self.round(ready, notices)?;
            let any_ended = went_on.iter().any(|run| run.end.is_some());
            runs.extend(went_on.into_iter().map(|run| ((run.partition.clone(), run.begin.clone()), run)));
            if self.is_stopping() {
                return Ok(());
            }
            if !any_ended {
                return self.remove_old();
            }
        }
    }

    /// Goes on with every run and takes what is ready. Gives the runs that went on, as they are then.
    fn round(&self, mut ready: Ready, notices: &mut Vec<String>) -> Result<Vec<Run>> {
        let mut open = BTreeMap::new();
        for run in self.app.repository.open_runs(self.place)? {
            open.entry(run.partition.clone()).or_insert(run);
        }
        let partitions: BTreeSet<String> = open.keys().chain(ready.keys()).cloned().collect();
        let mut went_on = Vec::new();
        let mut held_up = false;
        for partition in partitions {
            if self.is_stopping() {
                break;
            }
            let run = match (open.remove(&partition), ready.remove(&partition)) {
                (Some(run), _) if held_up && run.step == Step::Claimed => None,
                (Some(run), _) => Some(run),
                (None, Some(settled)) if !held_up => self.claim(&partition, &settled, notices)?,
                (None, _) => None,
            };
            let Some(run) = run else { continue };
            let run = self.go_on(run)?;
            held_up |= run.step == Step::Claimed;
            went_on.push(run);
        }
        Ok(went_on)
    }

    /// Does with a run what can be done, and notes what keeps it from more.
    fn go_on(&self, mut run: Run) -> Result<Run> {
        if run.drop_folder != self.folder.name {
            // It was begun under another name.
            self.app.repository.hand_over_run(run.id, &self.folder.name)?;
            run.drop_folder.clone_from(&self.folder.name);
        }
        self.forget_lapsed(&mut run)?;
        match self.steps(&mut run) {
            Err(stuck) if !self.is_stopping() => self.note_trouble(&mut run, &stuck)?,
            _ => {}
        }
        Ok(run)
    }

    /// One step after the other, each noted when it is done: a look that is cut short does its step again.
    fn steps(&self, run: &mut Run) -> Result<(), Stuck> {
        while run.end.is_none() && !self.is_stopping() {
            let done = match run.step {
                Step::Claimed => match self.import(run)? {
                    true => Step::Imported,
                    false => return Ok(()),
                },
                Step::Imported => self.make_room(run).map(|()| Step::RoomMade)?,
                Step::RoomMade => self.copy(run).map(|()| Step::Copied)?,
                Step::Copied => self.report(run).map(|()| Step::Reported)?,
                Step::Reported | Step::Cleared => return Ok(self.clear(run).and_then(|()| self.end(run))?),
            };
            self.app.repository.note_step(run.id, done)?;
            run.step = done;
            run.trouble = None;
            if done == Step::Copied {
                self.let_go(run);
            }
        }
        Ok(())
    }

    /// Removes the spooled bytes of a run that is filed. What is left of them the sweeper finds.
    fn let_go(&self, run: &Run) {
        for import in run.files.iter().filter_map(|file| file.import) {
            if let Err(error) = self.app.let_go_dropped(import) {
                tracing::warn!(drop_folder = run.drop_folder, %import, %error, "spooled bytes could not be removed yet");
            }
        }
    }

    /// Waits so long that what is still being written has changed since.
    fn settle(&self) {
        let length = match self.folder.bucket {
            config::Bucket::Directory(_) => self.folder.settle_time,
            config::Bucket::S3 { .. } => self.folder.settle_time.max(S3_SETTLES),
        };
        let begun = Instant::now();
        while !self.is_stopping() {
            match length.saturating_sub(begun.elapsed()) {
                Duration::ZERO => return,
                left => thread::sleep(left.min(LOOK_UP)),
            }
        }
    }
}
