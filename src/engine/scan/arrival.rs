//! The structural scan of a file that is still coming in.
//!
//! The bytes are handed over piece by piece; a thread of its own scans them, a few pieces behind. What is wrong with the
//! file is known while the rest of it is still on its way, so that whoever sends it need not send that.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use bytes::{Buf, Bytes};

use crate::config::Limits;
use crate::engine::columns::column_names;
use crate::engine::reader::{Format, Reader};
use crate::error::{Error, Result};
use crate::import::Structure;

/// How many pieces may wait for the scan, so that it does not wait for every single one.
const PIECES: usize = 4;

/// The scan of one file that comes in. Once dropped, it is over.
pub(crate) struct ArrivalScan {
    pieces: SyncSender<Bytes>,
    thread: JoinHandle<Result<Arrived>>,
}

/// What is known of a file that is wholly here.
#[derive(Debug)]
pub(crate) struct Arrived {
    /// The names of its columns.
    pub(crate) header: Vec<String>,
    pub(crate) structure: Structure,
}

impl ArrivalScan {
    /// Starts a scan that has nothing yet. `check` gets the header and its row as soon as they are there.
    pub(crate) fn start(
        limits: &Limits,
        format: Format,
        check: impl FnOnce(&[String], u64) -> Result<()> + Send + 'static,
    ) -> Result<ArrivalScan> {
        let (pieces, waiting) = sync_channel(PIECES);
        let limits = limits.clone();
        let work = move || {
            let reader = Reader::open_as(Pipe { waiting, current: Bytes::new() }, &limits, format)?;
            let header = column_names(&reader);
            check(&header, reader.header_row())?;
            Ok(Arrived { header, structure: reader.into_structure()? })
        };
        let thread = std::thread::Builder::new().name("arrival scan".into()).spawn(work);
        let thread = thread.map_err(|error| Error::storage("the structural scan could not start", error))?;
        Ok(ArrivalScan { pieces, thread })
    }

    /// Hands over the next piece; waits while several others wait. Says whether the scan wants more: if not, something is
    /// wrong with the file, and [`finish`](Self::finish) knows what.
    pub(crate) fn take(&self, piece: Bytes) -> bool {
        self.pieces.send(piece).is_ok()
    }

    /// Waits for the end of the scan: there are no more pieces.
    ///
    /// # Errors
    /// The first thing that is wrong with the file.
    pub(crate) fn finish(self) -> Result<Arrived> {
        drop(self.pieces);
        self.thread.join().unwrap_or_else(|_| Err(Error::internal("the structural scan panicked")))
    }
}

/// The pieces as one stream.
struct Pipe {
    waiting: Receiver<Bytes>,
    current: Bytes,
}

impl Read for Pipe {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() {
            match self.waiting.recv() {
                Ok(piece) => self.current = piece,
                Err(_) => return Ok(0),
            }
        }
        let count = self.current.len().min(into.len());
        self.current.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::ArrivalScan;
    use crate::config::Limits;
    use crate::engine::reader::Format;
    use crate::error::Error;

    #[test]
    fn pieces_are_one_file() {
        let scan = ArrivalScan::start(&Limits::default(), Format::default(), |_, _| Ok(())).expect("a thread");
        for piece in ["us", "", "er\na", "\n\n\"b\nc\"", "\n"] {
            assert!(scan.take(Bytes::from_static(piece.as_bytes())));
        }
        let arrived = scan.finish().expect("a sound file");
        assert_eq!((arrived.header, arrived.structure.records), (vec!["user".to_owned()], 2));
    }

    #[test]
    fn a_header_that_does_not_fit_ends_the_scan() {
        let check = |header: &[String], row| Err(Error::file(format!("no {header:?}")).at_row(row));
        let scan = ArrivalScan::start(&Limits::default(), Format::default(), check).expect("a thread");
        let piece = Bytes::from(format!("user\n{}", "a\n".repeat(1000)));
        // It would go on for ever otherwise.
        while scan.take(piece.clone()) {}
        assert_eq!(scan.finish().expect_err("a wrong header").to_string(), "row 1: no [\"user\"]");
    }
}
