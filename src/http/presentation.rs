//! How answers are written, once the request's wishes are known: `_prettyPrint=true` indents any JSON answer, problems
//! included. What was refused in other words than ours becomes a problem here.

use axum::body::Body;
use axum::extract::Request;
use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::Next;
use axum::response::Response;

use super::answer::{JSON, Unwritten};
use super::params::Params;
use super::problem::refused_elsewhere;

/// Writes the bodies of answers.
pub(super) async fn present(request: Request, next: Next) -> Response {
    let pretty = Params::of(request.uri()).is_ok_and(|params| params.flag("_prettyPrint").unwrap_or(false));
    let mut response = next.run(request).await;
    let is_refusal = response.status().is_client_error() || response.status().is_server_error();
    if is_refusal && response.extensions().get::<Unwritten>().is_none() {
        response = refused_elsewhere(response).await;
    }
    let Some(Unwritten(body)) = response.extensions_mut().remove::<Unwritten>() else { return response };
    let text = if pretty { format!("{body:#}") } else { body.to_string() };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    *response.body_mut() = Body::from(text);
    response
}
