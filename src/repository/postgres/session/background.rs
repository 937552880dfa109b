//! Writing in the background: a thread with a connection of its own writes and commits what the engine has decided,
//! while that looks up and decides what comes next.
//!
//! A few rounds are under way at most; who puts more waits.

use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::journal::Keys;
use super::known::Fetched;
use super::puts::Flushed;
use super::writer::{Settling, Writer};
use crate::error::{Error, Result};
use crate::repository::ObjectNumber;

/// Rounds that wait for being written, at most.
const WAITING: usize = 2;

/// What the thread is told to do.
enum Work {
    Put(Flushed),
    Commit(Keys, Settling),
    RollBack(Sender<()>),
    Read(Vec<ObjectNumber>, Sender<Result<Fetched>>),
}

/// See the module's head.
pub(super) struct Background {
    /// None when the thread is to end.
    work: Option<SyncSender<Work>>,
    /// A word for every commit, or what went wrong; then nothing is done until it is rolled back.
    done: Receiver<Result<()>>,
    thread: Option<JoinHandle<()>>,
    /// Commits that were begun, and those known to be done.
    begun: u64,
    known: u64,
}

impl Background {
    pub(super) fn start(writer: Writer) -> Result<Background> {
        let (work, to_do) = sync_channel(WAITING);
        let (doing, done) = channel();
        let thread = std::thread::Builder::new().name("writer".into());
        let thread = thread
            .spawn(move || run(writer, &to_do, &doing))
            .map_err(|error| Error::storage("the writing thread could not start", error))?;
        Ok(Background { work: Some(work), done, thread: Some(thread), begun: 0, known: 0 })
    }

    /// How many commits are known to be done.
    ///
    /// # Errors
    /// What went wrong in the background.
    pub(super) fn known(&mut self) -> Result<u64> {
        while let Ok(done) = self.done.try_recv() {
            done?;
            self.known += 1;
        }
        Ok(self.known)
    }

    pub(super) fn put(&mut self, flushed: Flushed) -> Result<()> {
        self.tell(Work::Put(flushed))
    }

    pub(super) fn commit(&mut self, keys: Keys, settling: Settling) -> Result<()> {
        self.begun += 1;
        self.tell(Work::Commit(keys, settling))
    }

    /// Waits for the commits that were begun.
    pub(super) fn wait(&mut self) -> Result<()> {
        while self.known < self.begun {
            self.done.recv().map_err(|_| gone())??;
            self.known += 1;
        }
        Ok(())
    }

    /// Waits for the commits that were begun, well or not, and forgets what was put since.
    pub(super) fn roll_back(&mut self) -> Result<()> {
        let (rolled, back) = channel();
        self.tell_only(Work::RollBack(rolled))?;
        back.recv().map_err(|_| gone())?;
        let done = self.known();
        self.begun = self.known;
        done.map(drop)
    }

    /// Objects as the open transaction sees them.
    pub(super) fn objects(&mut self, numbers: Vec<ObjectNumber>) -> Result<Fetched> {
        let (read, answer) = channel();
        self.tell(Work::Read(numbers, read))?;
        match answer.recv() {
            Ok(read) => read,
            // After what went wrong before it nothing is read.
            Err(_) => {
                self.known()?;
                Err(gone())
            }
        }
    }

    fn tell(&mut self, work: Work) -> Result<()> {
        self.known()?;
        self.tell_only(work)
    }

    fn tell_only(&self, work: Work) -> Result<()> {
        self.work.as_ref().ok_or_else(gone)?.send(work).map_err(|_| gone())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.work = None;
        // The transaction is over when this returns: it holds up nobody.
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

fn run(mut writer: Writer, to_do: &Receiver<Work>, done: &Sender<Result<()>>) {
    let mut failed = false;
    for work in to_do {
        let did = match work {
            Work::RollBack(rolled) => {
                writer.roll_back();
                failed = false;
                let _ = rolled.send(());
                continue;
            }
            _ if failed => continue,
            Work::Put(flushed) => writer.put(&flushed),
            Work::Read(numbers, answer) => {
                let _ = answer.send(writer.objects(&numbers));
                continue;
            }
            Work::Commit(keys, settling) => {
                let committed = writer.put_keys(keys).and_then(|()| writer.commit(&settling));
                if committed.is_ok() {
                    let _ = done.send(Ok(()));
                }
                committed
            }
        };
        if let Err(error) = did {
            writer.roll_back();
            failed = true;
            let _ = done.send(Err(error));
        }
    }
    writer.roll_back();
}

fn gone() -> Error {
    Error::internal("the writing thread is gone")
}
