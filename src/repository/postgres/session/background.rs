//! Writing in the background: a thread with a connection of its own writes and commits what the engine has decided,
//! while that looks up and decides what comes next.
//!
//! A few rounds are under way at most; who puts more waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use super::super::conn::Conn;
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
    Ask(Question),
}

/// Asks something, and sends the answer to whoever waits for it.
type Question = Box<dyn FnOnce(&mut Writer) -> Result<()> + Send>;

/// See the module's head.
pub(super) struct Background {
    /// None when the thread is to end.
    work: Option<SyncSender<Work>>,
    /// A word for every commit, or what went wrong; then nothing is done until it is rolled back.
    done: Receiver<Result<()>>,
    thread: Option<JoinHandle<()>>,
    /// What the thread was told and has not done.
    to_do: Arc<AtomicUsize>,
    /// Commits that were begun, and those known to be done.
    begun: u64,
    known: u64,
}

impl Background {
    pub(super) fn start(writer: Writer) -> Result<Background> {
        let (work, told) = sync_channel(WAITING);
        let (doing, done) = channel();
        let to_do = Arc::<AtomicUsize>::default();
        let hand = Hand { writer, done: doing, failed: false };
        let left = Arc::clone(&to_do);
        let thread = std::thread::Builder::new().name("writer".into());
        let thread = thread
            .spawn(move || hand.run(&told, &left))
            .map_err(|error| Error::storage("the writing thread could not start", error))?;
        Ok(Background { work: Some(work), done, thread: Some(thread), to_do, begun: 0, known: 0 })
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

    /// Whether the thread has nothing to do.
    pub(super) fn is_idle(&self) -> bool {
        self.to_do.load(Ordering::Acquire) == 0
    }

    /// Has the thread ask for these values. If it cannot there is no answer.
    pub(super) fn ask<T: Send + 'static, A: Send + 'static>(
        &mut self,
        values: Vec<T>,
        ask: impl FnOnce(&mut Conn, &[T]) -> Result<Vec<A>> + Send + 'static,
    ) -> Result<Receiver<Vec<A>>> {
        let (answer, answered) = channel();
        self.tell(Work::Ask(Box::new(move |writer| match writer.look(|conn| ask(conn, &values)) {
            Ok(found) => {
                // Who asked may have given up.
                let _ = answer.send(found);
                Ok(())
            }
            // The transaction has ended with it.
            Err(error) if writer.is_open() => Err(error),
            Err(_) => Ok(()),
        })))?;
        Ok(answered)
    }

    fn tell(&mut self, work: Work) -> Result<()> {
        self.known()?;
        self.tell_only(work)
    }

    fn tell_only(&self, work: Work) -> Result<()> {
        self.to_do.fetch_add(1, Ordering::Release);
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

/// What the thread works with.
struct Hand {
    writer: Writer,
    done: Sender<Result<()>>,
    /// Something went wrong, and was not rolled back yet by who told us to do it.
    failed: bool,
}

impl Hand {
    fn run(mut self, told: &Receiver<Work>, left: &AtomicUsize) {
        for work in told {
            if let Err(error) = self.work(work) {
                self.writer.roll_back();
                self.failed = true;
                let _ = self.done.send(Err(error));
            }
            left.fetch_sub(1, Ordering::Release);
        }
        self.writer.roll_back();
    }

    fn work(&mut self, work: Work) -> Result<()> {
        match work {
            Work::RollBack(rolled) => {
                self.writer.roll_back();
                self.failed = false;
                let _ = rolled.send(());
            }
            _ if self.failed => {}
            Work::Put(flushed) => self.writer.put(&flushed)?,
            Work::Read(numbers, answer) => drop(answer.send(self.writer.objects(&numbers))),
            Work::Ask(question) => question(&mut self.writer)?,
            Work::Commit(keys, settling) => {
                self.writer.put_keys(keys)?;
                self.writer.commit(&settling)?;
                let _ = self.done.send(Ok(()));
            }
        }
        Ok(())
    }
}

fn gone() -> Error {
    Error::internal("the writing thread is gone")
}
