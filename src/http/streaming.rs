//! Bodies that are written while they are sent, so that what is long needs no memory.
//!
//! The writing blocks and has a thread of its own; between it and the connection lie a few pieces of text at most. The
//! head of the answer waits for the first piece: what fails before it is still answered with a problem. What fails
//! later ends the connection, so that nobody takes half an answer for a whole one.
//!
//! What shows one moment of the repository is written [ahead](Ahead) of the client, so that it is held no longer than it
//! takes to read it, however slow the client.

use std::io::{self, Read, Seek, SeekFrom, Write};
use std::mem::take;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use tempfile::{SpooledTempFile, spooled_tempfile_in};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::mpsc::{OwnedPermit, Receiver, Sender, channel};

use super::Door;
use super::problem::{Problem, unforeseen};
use crate::error::{Error, Result};

/// Bytes that are sent at once, and pieces that may wait for the client.
const PIECE: usize = 64 << 10;
const WAITING: usize = 2;

/// Bytes of an answer that wait in memory for a client that is written [ahead](Ahead) of; more than these go to a file.
const IN_MEMORY: usize = 4 << 20;

/// Bytes of all answers together that may wait so. Beyond that a client is waited for.
const ALL_WAITING: u64 = 2 << 30;

/// Of these, those that wait now.
static KEPT: AtomicU64 = AtomicU64::new(0);

/// Takes the body of an answer.
#[derive(Debug)]
pub(crate) struct BodyWriter {
    pieces: Sender<Piece>,
    waiting: Vec<u8>,
    /// Where files can be made that nobody else sees.
    data: PathBuf,
}

#[derive(Debug)]
enum Piece {
    /// More follows.
    Next(Bytes),
    /// The end.
    Last(Bytes),
    /// There will be no end.
    Failed(Error),
}

impl Door {
    /// An answer of this content type whose body `write` writes. It stops with an error when the client has gone.
    #[expect(clippy::disallowed_methods, reason = "the writing goes on while the answer is sent")]
    pub(crate) async fn stream(
        &self,
        content_type: &'static str,
        write: impl FnOnce(&Door, &mut BodyWriter) -> Result<()> + Send + 'static,
    ) -> Result<Response, Problem> {
        let door = self.clone();
        let (pieces, mut taken) = channel(WAITING);
        let mut writer = BodyWriter { pieces, waiting: Vec::new(), data: door.app.config.data.clone() };
        tokio::task::spawn_blocking(move || {
            let last = match write(&door, &mut writer) {
                Ok(()) => Piece::Last(take(&mut writer.waiting).into()),
                Err(error) => Piece::Failed(error),
            };
            // Nobody is left who could be told of a client that has gone.
            let _ = writer.send(last);
        });
        let body = match taken.recv().await.unwrap_or_else(broken) {
            Piece::Failed(error) => return Err(error.into()),
            Piece::Last(whole) => Body::from(whole),
            Piece::Next(first) => Body::from_stream(try_unfold(Some((Piece::Next(first), taken)), sent)),
        };
        let mut response = body.into_response();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        Ok(response)
    }
}

/// One piece on its way, and what is to be sent behind it.
async fn sent(
    state: Option<(Piece, Receiver<Piece>)>,
) -> io::Result<Option<(Bytes, Option<(Piece, Receiver<Piece>)>)>> {
    let Some((piece, mut taken)) = state else { return Ok(None) };
    match piece {
        Piece::Failed(error) => {
            tracing::warn!(%error, "an answer broke off");
            Err(io::Error::other(error))
        }
        Piece::Last(bytes) => Ok(Some((bytes, None))),
        Piece::Next(bytes) => {
            let next = taken.recv().await.unwrap_or_else(broken);
            Ok(Some((bytes, Some((next, taken)))))
        }
    }
}

/// The writing thread has ended without a word.
fn broken() -> Piece {
    Piece::Failed(unforeseen())
}

/// Tells whether somebody still reads a body, for whoever searches long before there is something to write.
#[derive(Clone, Debug)]
pub(crate) struct Audience(Sender<Piece>);

impl Audience {
    /// Fails if the client has gone.
    pub(crate) fn is_there(&self) -> Result<()> {
        match self.0.is_closed() {
            true => Err(not_sent(io::ErrorKind::BrokenPipe.into())),
            false => Ok(()),
        }
    }
}

/// The error of an answer that nobody takes.
pub(crate) fn not_sent(error: io::Error) -> Error {
    Error::storage("the answer could not be sent", error)
}

impl BodyWriter {
    /// Who reads.
    pub(crate) fn audience(&self) -> Audience {
        Audience(self.pieces.clone())
    }

    /// Sends what was written so far, so that the reader has it while the rest is looked for.
    ///
    /// # Errors
    /// If the client has gone.
    pub(crate) fn send_now(&mut self) -> Result<()> {
        let piece = take(&mut self.waiting).into();
        self.send(Piece::Next(piece)).map_err(not_sent)
    }

    /// A writer that does not wait for the client, for what is written while something is held that others need.
    pub(crate) fn ahead(&mut self) -> Ahead<'_> {
        self.ahead_by(ALL_WAITING)
    }

    fn ahead_by(&mut self, most: u64) -> Ahead<'_> {
        let behind = spooled_tempfile_in(IN_MEMORY, &self.data);
        Ahead { out: self, behind, sent: 0, kept: 0, most }
    }

    fn send(&mut self, piece: Piece) -> io::Result<()> {
        self.pieces.blocking_send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

/// Takes the body of an answer as fast as it is written. What the client does not take meanwhile is kept, in memory and
/// where that is too much in a file without a name, until it is [delivered](Ahead::deliver). Where there is no room for it,
/// the client is waited for after all.
#[derive(Debug)]
pub(crate) struct Ahead<'o> {
    /// Keeps the piece that is not full yet.
    out: &'o mut BodyWriter,
    /// What the client has not taken, in order.
    behind: SpooledTempFile,
    /// Up to where of that it was sent since, and where it ends.
    sent: u64,
    kept: u64,
    /// See [`ALL_WAITING`].
    most: u64,
}

impl Ahead<'_> {
    /// Sends what the client has not taken yet, as it takes it.
    ///
    /// # Errors
    /// If the client has gone, or what was kept cannot be read.
    pub(crate) fn deliver(mut self) -> Result<()> {
        self.catch_up().map_err(not_sent)
    }

    fn catch_up(&mut self) -> io::Result<()> {
        while let Some(piece) = self.next_kept()? {
            self.out.send(Piece::Next(piece))?;
        }
        Ok(())
    }

    /// Sends as much as the client has room for, and keeps the rest.
    fn pass_on(&mut self) -> io::Result<()> {
        while let Some(permit) = self.room()? {
            let kept = self.next_kept()?;
            let is_all = kept.is_none();
            permit.send(Piece::Next(kept.unwrap_or_else(|| take(&mut self.out.waiting).into())));
            if is_all {
                return Ok(());
            }
        }
        if self.keep() {
            return Ok(());
        }
        self.catch_up()?;
        let piece = take(&mut self.out.waiting).into();
        self.out.send(Piece::Next(piece))
    }

    /// Keeps the piece that is full, if there is room.
    fn keep(&mut self) -> bool {
        let length = self.out.waiting.len() as u64;
        let kept = KEPT.fetch_add(length, Ordering::Relaxed) + length <= self.most
            && self.put_behind().inspect_err(|error| tracing::warn!(%error, "no room for a long answer")).is_ok();
        match kept {
            true => self.kept += length,
            false => _ = KEPT.fetch_sub(length, Ordering::Relaxed),
        }
        kept
    }

    fn put_behind(&mut self) -> io::Result<()> {
        self.behind.seek(SeekFrom::Start(self.kept))?;
        self.behind.write_all(&self.out.waiting)?;
        self.out.waiting.clear();
        Ok(())
    }

    /// Makes room for what others keep.
    fn release(&mut self) {
        KEPT.fetch_sub(take(&mut self.kept), Ordering::Relaxed);
        self.sent = 0;
    }

    /// Room for one more piece, if the client has any.
    fn room(&self) -> io::Result<Option<OwnedPermit<Piece>>> {
        match self.out.pieces.clone().try_reserve_owned() {
            Ok(permit) => Ok(Some(permit)),
            Err(TrySendError::Full(_)) => Ok(None),
            Err(TrySendError::Closed(_)) => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }

    /// The next piece of what is kept.
    fn next_kept(&mut self) -> io::Result<Option<Bytes>> {
        let length = (self.kept - self.sent).min(PIECE as u64);
        if length == 0 {
            return Ok(None);
        }
        self.behind.seek(SeekFrom::Start(self.sent))?;
        let mut piece = vec![0; length as usize];
        self.behind.read_exact(&mut piece)?;
        self.sent += length;
        if self.sent == self.kept {
            self.behind.set_len(0)?;
            self.release();
        }
        Ok(Some(piece.into()))
    }
}

impl Drop for Ahead<'_> {
    fn drop(&mut self) {
        self.release();
    }
}

impl Write for Ahead<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.waiting.extend_from_slice(bytes);
        if self.out.waiting.len() >= PIECE {
            self.pass_on()?;
        }
        Ok(bytes.len())
    }

    /// Does nothing, as of [`BodyWriter`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= PIECE {
            let piece = take(&mut self.waiting).into();
            self.send(Piece::Next(piece))?;
        }
        Ok(bytes.len())
    }

    /// Does nothing: whole pieces are sent as they come, the rest with the end.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use tokio::sync::mpsc::channel;

    use super::{BodyWriter, IN_MEMORY, PIECE, Piece, WAITING};

    /// A client that takes so many pieces after each piece that is written, and the rest in the end.
    fn taken(pieces: usize, takes: impl Fn(usize) -> usize) -> Vec<u8> {
        let data = tempfile::tempdir().expect("a directory");
        let (sender, mut receiver) = channel(WAITING);
        let mut out = BodyWriter { pieces: sender, waiting: Vec::new(), data: data.path().to_owned() };
        let mut taken = Vec::new();
        let mut take = |piece| match piece {
            Piece::Next(bytes) => taken.extend_from_slice(&bytes),
            other => panic!("{other:?}"),
        };
        let mut ahead = out.ahead();
        for number in 0..pieces {
            ahead.write_all(&vec![number as u8; PIECE + number]).expect("room");
            (0..takes(number)).map_while(|_| receiver.try_recv().ok()).for_each(&mut take);
        }
        ahead.write_all(b"the end").expect("room");
        std::thread::scope(|scope| {
            let delivering = scope.spawn(move || ahead.deliver());
            while !delivering.is_finished() || !receiver.is_empty() {
                receiver.try_recv().map_or_else(|_| std::thread::yield_now(), &mut take);
            }
            delivering.join().expect("no panic").expect("a client");
        });
        taken.extend_from_slice(&out.waiting);
        taken
    }

    #[test]
    fn a_client_is_waited_for_where_there_is_no_room() {
        let data = tempfile::tempdir().expect("a directory");
        let (sender, mut receiver) = channel(WAITING);
        let mut out = BodyWriter { pieces: sender, waiting: Vec::new(), data: data.path().to_owned() };
        let mut pieces = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(move || {
                let mut ahead = out.ahead_by(0);
                for number in 0..50 {
                    ahead.write_all(&[number; PIECE]).expect("a client");
                }
                ahead.deliver().expect("a client");
            });
            while let Some(piece) = receiver.blocking_recv() {
                let Piece::Next(bytes) = piece else { panic!("{piece:?}") };
                pieces.push((bytes.len(), bytes[0]));
            }
        });
        assert_eq!(pieces, (0..50).map(|number| (PIECE, number)).collect::<Vec<_>>());
    }

    #[test]
    fn what_is_written_ahead_comes_in_order() {
        let pieces = 2 * IN_MEMORY / PIECE + 3;
        let mut written: Vec<u8> = (0..pieces).flat_map(|number| vec![number as u8; PIECE + number]).collect();
        written.extend_from_slice(b"the end");
        // As fast, slower, not at all, and in bursts.
        assert!(taken(pieces, |_| 2) == written);
        assert!(taken(pieces, |number| usize::from(number % 3 == 0)) == written);
        assert!(taken(pieces, |_| 0) == written);
        assert!(taken(pieces, |number| if number % 50 == 49 { 1000 } else { 0 }) == written);
    }
}
