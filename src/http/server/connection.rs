//! One connection, from its first request to a polite end.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use futures_util::future::{BoxFuture, poll_fn};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::time::timeout;
use tower::ServiceExt;

use super::request_head::Heads;
use super::stream::Stream;

/// How much is read and thrown away of a body that is not wanted, how long in all, and how long nothing of it may come.
/// Whoever still sends when the connection is closed may never see the answer. Browsers send all of a file before they
/// look; what is several times too large is not worth that.
const UNWANTED_BYTES: usize = 256 << 20;
const UNWANTED_TIME: Duration = Duration::from_secs(30);
const UNWANTED_PAUSE: Duration = Duration::from_secs(2);

/// Marks a request that gives its length twice, by `Content-Length` and by `Transfer-Encoding`. Proxies have been misled
/// with such requests about where the next one begins.
#[derive(Clone, Copy, Debug)]
pub(in crate::http) struct TwoLengths;

/// How clients are dealt with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manners {
    /// How long a client may take to send a head, and how long a connection may lie idle.
    pub(super) header_timeout: Duration,
    /// How long a client may take no byte of its answer.
    pub(super) body_timeout: Duration,
}

impl Manners {
    /// Answers the requests of a connection until one of the two has enough.
    pub(super) async fn serve<S>(self, stream: S, service: Router, mut is_stopping: watch::Receiver<()>)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let two_lengths = Arc::new(AtomicU64::new(0));
        let stream = Stream::new(stream, Heads::new(Arc::clone(&two_lengths)), self.body_timeout);
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            // Who has said everything may close his side and still wants to hear the answer.
            .half_close(true)
            .serve_connection(TokioIo::new(stream), service_fn(answer_with(service, two_lengths)));
        let mut told = false;
        loop {
            let is_over = tokio::select! {
                // What went wrong is the client's affair: it has gone, or was told with a status.
                _ = poll_fn(|context| connection.poll_without_shutdown(context)) => true,
                // The sender is only ever dropped.
                _ = is_stopping.changed(), if !told => false,
            };
            if is_over {
                break;
            }
            told = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        part(connection.into_parts().io.into_inner()).await;
    }
}

/// Passes the requests of one connection to the service.
fn answer_with(
    service: Router,
    two_lengths: Arc<AtomicU64>,
) -> impl Fn(Request<Incoming>) -> BoxFuture<'static, Result<Response, Infallible>> {
    let count = AtomicU64::new(0);
    move |request| {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let mut request = request.map(Body::new);
        if two_lengths.load(Ordering::Relaxed) == number {
            request.extensions_mut().insert(TwoLengths);
        }
        Box::pin(service.clone().oneshot(request))
    }
}

/// Says that nothing more will be said, and waits a little for the other side to stop talking: closing a connection on
/// which unread bytes wait resets it, and the answer may be lost on the way.
async fn part(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    if stream.shutdown().await.is_err() {
        return;
    }
    let listen = async {
        let mut unwanted = vec![0; 64 << 10];
        let mut left = UNWANTED_BYTES;
        while let Ok(Ok(length)) = timeout(UNWANTED_PAUSE, stream.read(&mut unwanted)).await {
            if length == 0 || length > left {
                return;
            }
            left -= length;
        }
    };
    let _ = timeout(UNWANTED_TIME, listen).await;
}
