//! What is told of each request: a line in the log and a figure in the metrics.
//!
//! The line names the route, never the address with its parameters: filters, ids that clients chose and cell values are
//! the customers' and stay out of logs.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::metrics::Metrics;
use super::request_id::NAME as REQUEST_ID;
use crate::access::Principal;

/// What no route answers is counted together: addresses are what clients make of them.
const NO_ROUTE: &str = "none";

/// Lets the request pass and tells what became of it.
pub(super) async fn observe(State(metrics): State<Arc<Metrics>>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let method = request.method().clone();
    let began = Instant::now();
    let response = next.run(request).await;
    let took = began.elapsed();
    let status = response.status().as_u16();
    metrics.count(method.as_str(), &route, status, took);
    let request_id = response.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok()).unwrap_or_default();
    let caller = response.extensions().get::<Principal>().map_or("", |principal| principal.name.as_str());
    let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    if status < 500 {
        tracing::info!(request_id, method = %method, route, status, caller, millis, "request");
    } else {
        tracing::error!(request_id, method = %method, route, status, caller, millis, "request");
    }
    response
}
