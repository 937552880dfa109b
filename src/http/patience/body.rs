//! A request body under watch: its size, and its pace while somebody waits for it.

use std::error::Error as StdError;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::sync::oneshot;
use tokio::time::{Sleep, sleep};

/// How many bytes have to come in how long a time of waiting.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) window: Duration,
    pub(super) least: u64,
}

/// Why a body was given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Slow,
    Large,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Fault::Slow => "the body came too slowly",
            Fault::Large => "the body is too large",
        })
    }
}

impl StdError for Fault {}

/// What became of a body, for whoever gave it away.
#[derive(Debug, Default)]
pub(super) struct Account {
    fault: OnceLock<Fault>,
    complete: AtomicBool,
}

impl Account {
    /// Why it was given up, if it was.
    pub(super) fn fault(&self) -> Option<Fault> {
        self.fault.get().copied()
    }

    /// Whether its last byte was read.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.load(Ordering::Relaxed)
    }
}

/// A body that ends with an error when it is too slow or too large.
///
/// Only time in which somebody waits for the client counts, not that in which we are slow to read.
pub(super) struct WatchedBody {
    inner: Body,
    max_size: u64,
    size: u64,
    pace: Pace,
    /// Bytes that came in this window, and how much of the window has passed in waiting.
    received: u64,
    waited: Duration,
    /// Since when we wait, and the end of the window if we go on so.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
    account: Arc<Account>,
    /// Dropped when nothing more is expected of the client.
    over: Option<oneshot::Sender<()>>,
}

impl WatchedBody {
    /// Watches a body. `over` is dropped with its last byte, or when nobody wants the rest.
    pub(super) fn new(
        inner: Body,
        max_size: u64,
        pace: Pace,
        over: oneshot::Sender<()>,
    ) -> (WatchedBody, Arc<Account>) {
        let account = Arc::new(Account::default());
        let mut body = WatchedBody {
            inner,
            max_size,
            size: 0,
            pace,
            received: 0,
            waited: Duration::ZERO,
            waiting: None,
            account: Arc::clone(&account),
            over: Some(over),
        };
        body.note_end();
        (body, account)
    }

    fn note_end(&mut self) {
        if self.inner.is_end_stream() {
            self.account.complete.store(true, Ordering::Relaxed);
            self.over = None;
        }
    }

    fn give_up(&mut self, fault: Fault) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let _ = self.account.fault.set(fault);
        self.over = None;
        Poll::Ready(Some(Err(axum::Error::new(fault))))
    }

    /// Is ready when too little came in a window.
    fn poll_tired(&mut self, context: &mut Context<'_>) -> Poll<()> {
        loop {
            let left = self.pace.window.saturating_sub(self.waited);
            let (_, window) = self.waiting.get_or_insert_with(|| (Instant::now(), Box::pin(sleep(left))));
            ready!(window.as_mut().poll(context));
            if self.received < self.pace.least {
                return Poll::Ready(());
            }
            (self.received, self.waited, self.waiting) = (0, Duration::ZERO, None);
        }
    }
}

impl HttpBody for WatchedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        // What is known to become too large is not even asked for: the client was perhaps polite enough to wait.
        if self.size.saturating_add(self.inner.size_hint().lower()) > self.max_size {
            return self.give_up(Fault::Large);
        }
        let Poll::Ready(frame) = Pin::new(&mut self.inner).poll_frame(context) else {
            ready!(self.poll_tired(context));
            return self.give_up(Fault::Slow);
        };
        if let Some((since, _)) = self.waiting.take() {
            self.waited += since.elapsed();
        }
        match &frame {
            None => {
                self.account.complete.store(true, Ordering::Relaxed);
                self.over = None;
            }
            Some(Ok(frame)) => {
                let length = frame.data_ref().map_or(0, Bytes::len) as u64;
                self.size += length;
                self.received += length;
                if self.size > self.max_size {
                    return self.give_up(Fault::Large);
                }
                self.note_end();
            }
            Some(Err(_)) => self.over = None,
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
