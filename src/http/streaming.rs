//! Bodies that are written while they are sent, so that what is long needs no memory.
//!
//! The writing blocks and has a thread of its own; between it and the connection lie a few pieces of text at most. The
//! head of the answer waits for the first piece: what fails before it is still answered with a problem. What fails
//! later ends the connection, so that nobody takes half an answer for a whole one.

use std::io::{self, Write};
use std::mem::take;

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream::try_unfold;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::Door;
use super::problem::{Problem, unforeseen};
use crate::error::{Error, Result};

/// Bytes that are sent at once, and pieces that may wait for the client.
const PIECE: usize = 64 << 10;
const WAITING: usize = 2;

/// Takes the body of an answer.
#[derive(Debug)]
pub(crate) struct BodyWriter {
    pieces: Sender<Piece>,
    waiting: Vec<u8>,
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
        let mut writer = BodyWriter { pieces, waiting: Vec::new() };
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

    fn send(&mut self, piece: Piece) -> io::Result<()> {
        self.pieces.blocking_send(piece).map_err(|_| io::ErrorKind::BrokenPipe.into())
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
