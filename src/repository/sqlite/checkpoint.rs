//! Moves committed pages from the write-ahead log into the database while the import goes on.
//!
//! SQLite would do it inside some unlucky commit. Here a thread of its own follows behind the commits, on the other
//! core; only when the log has grown large does a commit wait for it, so that the log starts again from its beginning
//! and an import of any size needs a bounded log.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;

use super::sql;
use crate::error::{Error, Result};

/// The log may grow to about this many bytes before a commit waits.
const MAX_LOG: u64 = 512 << 20;

/// Whether the log has grown so much that it should begin anew, which it cannot while somebody reads what is in it.
pub(super) fn is_long(log: &Path) -> bool {
    std::fs::metadata(log).is_ok_and(|log| log.len() > MAX_LOG)
}

/// See the module's head.
pub(super) struct Checkpointer {
    log: PathBuf,
    asks: Option<SyncSender<()>>,
    answers: Receiver<Result<()>>,
    waiting: usize,
    thread: Option<JoinHandle<()>>,
}

impl Checkpointer {
    pub(super) fn start(conn: Connection, log: PathBuf) -> Result<Checkpointer> {
        let (asks, asked) = sync_channel::<()>(1);
        let (answer, answers) = sync_channel(2);
        let work = move || {
            while asked.recv().is_ok() {
                // Passive: takes nobody's lock, copies what is committed.
                let done = sql::batch(&conn, "PRAGMA wal_checkpoint(PASSIVE)");
                if answer.send(done).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("checkpointer".into()).spawn(work);
        let thread = thread.map_err(|error| Error::storage("the checkpointer could not start", error))?;
        Ok(Checkpointer { log, asks: Some(asks), answers, waiting: 0, thread: Some(thread) })
    }

    /// To be called after a commit: starts the thread, or waits for it when the log is long.
    pub(super) fn committed(&mut self) -> Result<()> {
        let long = is_long(&self.log);
        while let Ok(answer) = self.answers.try_recv() {
            self.waiting -= 1;
            answer?;
        }
        if long {
            // What runs now may have begun before this commit, so one more is needed to reach the end of the log.
            self.ask();
            while self.waiting > 0 {
                self.waiting -= 1;
                self.answers.recv().unwrap_or(Ok(()))?;
            }
        } else if self.waiting == 0 {
            self.ask();
        }
        Ok(())
    }

    fn ask(&mut self) {
        if self.asks.as_ref().is_some_and(|asks| asks.send(()).is_ok()) {
            self.waiting += 1;
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.asks = None;
        // It may be waiting to answer; nobody asks any more.
        while self.answers.recv().is_ok() {}
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
