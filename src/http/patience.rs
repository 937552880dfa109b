//! How long a request may take, and how large it may be.
//!
//! A body may neither stand still nor trickle, and has a size limit where an upload does not bring its own. The time for
//! the answer runs from the last byte of the body to the head of the answer: however long an upload takes to come in or an
//! export to go out, neither is cut off by it.

mod body;

use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::oneshot;
use tokio::time::sleep;

use self::body::{Fault, Pace, WatchedBody};
use super::problem::Problem;
use crate::config::ServerSettings;

/// Whether what is at this address has limits of its own for what comes in: `/upload/...`, `/console/new/TYPE`.
fn is_upload(path: &str) -> bool {
    path.starts_with("/upload/") || path.strip_prefix("/console/new/").is_some_and(|rest| !rest.contains('/'))
}

/// The limits.
#[derive(Debug)]
pub(super) struct Patience {
    answer: Option<Duration>,
    pace: Pace,
    max_body_size: u64,
}

impl Patience {
    pub(super) fn new(settings: &ServerSettings) -> Arc<Patience> {
        let window = settings.body_timeout;
        // Even without a least rate, a body must not stand still.
        let least = settings.min_body_rate.saturating_mul(window.as_secs()).max(1);
        let pace = Pace { window, least };
        Arc::new(Patience { answer: settings.request_timeout, pace, max_body_size: settings.max_body_size })
    }
}

/// The point of no return of a request: what is done behind it lasts, so that its sender is told of it, however long that
/// takes.
#[derive(Clone, Debug, Default)]
pub(crate) struct LastStep(Arc<AtomicBool>);

impl LastStep {
    /// From here on the time for the answer does not run out.
    pub(crate) fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Lets a request take its time, but no more.
pub(super) async fn watch(State(patience): State<Arc<Patience>>, request: Request, next: Next) -> Response {
    let last_step = LastStep::default();
    let max_size = if is_upload(request.uri().path()) { u64::MAX } else { patience.max_body_size };
    let (over, is_over) = oneshot::channel();
    let mut account = None;
    let mut request = request.map(|body| {
        let (body, seen) = WatchedBody::new(body, max_size, patience.pace, over);
        account = Some(seen);
        Body::new(body)
    });
    request.extensions_mut().insert(last_step.clone());
    let response = tokio::select! {
        response = next.run(request) => response,
        problem = too_late(patience.answer, is_over, &last_step) => problem.into_response(),
    };
    let Some(account) = account else { return response };
    let mut response = match account.fault() {
        None => response,
        Some(Fault::Slow) => {
            let message = format!(
                "the body came too slowly: less than {} bytes in {:?}",
                patience.pace.least, patience.pace.window
            );
            Problem::new(StatusCode::REQUEST_TIMEOUT, message).into_response()
        }
        Some(Fault::Large) => {
            let message = format!("the body is larger than {max_size} bytes");
            Problem::new(StatusCode::PAYLOAD_TOO_LARGE, message).into_response()
        }
    };
    if !account.is_complete() {
        // What follows on this connection is the rest of a body that nobody wants.
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

/// Comes when the time for the answer is over. It runs once the sender of `is_over` is gone.
async fn too_late(allowed: Option<Duration>, is_over: oneshot::Receiver<()>, last_step: &LastStep) -> Problem {
    let _ = is_over.await;
    match allowed {
        Some(allowed) => sleep(allowed).await,
        None => pending().await,
    }
    if last_step.has_begun() {
        pending::<()>().await;
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "the request took too long to be answered; try again later")
}
