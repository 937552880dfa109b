//! The bytes of a connection on their way to hyper and back: request heads are tidied up as they come in, refusals of
//! hyper's own get a body as they go out, and whoever does not take his answer is given up.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::refusal;
use super::request_head::Heads;

/// A connection as hyper sees it.
pub(super) struct Stream<S> {
    inner: S,
    heads: Heads,
    /// Tidied bytes for which there was no room yet. No more than what one read can become.
    rest: Vec<u8>,
    /// What is still to be sent of a refusal that is worded anew.
    refusal: Vec<u8>,
    /// How long nothing may be taken from us.
    patience: Duration,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl<S> Stream<S> {
    pub(super) fn new(inner: S, heads: Heads, patience: Duration) -> Stream<S> {
        Stream { inner, heads, rest: Vec::new(), refusal: Vec::new(), patience, stuck: None }
    }

    /// Gives up a write that has waited too long.
    fn wait<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck = None;
            return written;
        }
        let stuck = self.stuck.get_or_insert_with(|| Box::pin(sleep(self.patience)));
        ready!(stuck.as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncWrite + Unpin> Stream<S> {
    /// Sends something else in place of `bytes`; nothing if they are to be sent as they are.
    fn poll_reworded(&mut self, context: &mut Context<'_>, bytes: &[u8]) -> Option<Poll<io::Result<usize>>> {
        if self.refusal.is_empty() {
            self.refusal = refusal::in_words(bytes)?;
        }
        while !self.refusal.is_empty() {
            match Pin::new(&mut self.inner).poll_write(context, &self.refusal) {
                Poll::Ready(Ok(written)) if written > 0 => drop(self.refusal.drain(..written)),
                other => return Some(other),
            }
        }
        Some(Poll::Ready(Ok(bytes.len())))
    }
}

fn put_some(rest: &mut Vec<u8>, buffer: &mut ReadBuf<'_>) {
    let fitting = rest.len().min(buffer.remaining());
    buffer.put_slice(&rest[..fitting]);
    rest.drain(..fitting);
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Stream { inner, heads, rest, .. } = &mut *self;
        if rest.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(inner).poll_read(context, buffer))?;
            let Some(tidied) = heads.tidy(&buffer.filled()[before..]) else { return Poll::Ready(Ok(())) };
            buffer.set_filled(before);
            *rest = tidied;
        }
        put_some(rest, buffer);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let reworded = self.poll_reworded(context, bytes);
        let written = reworded.unwrap_or_else(|| Pin::new(&mut self.inner).poll_write(context, bytes));
        self.wait(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let reworded = match pieces {
            [only] => self.poll_reworded(context, only),
            _ => None,
        };
        let written = reworded.unwrap_or_else(|| Pin::new(&mut self.inner).poll_write_vectored(context, pieces));
        self.wait(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.inner).poll_flush(context);
        self.wait(context, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let shut = Pin::new(&mut self.inner).poll_shutdown(context);
        self.wait(context, shut)
    }
}
