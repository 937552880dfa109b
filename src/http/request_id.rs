//! The name of a request: the client's `X-Request-Id` if it gives a sane one, else a new one. It is in the answer and in
//! the log, so that what somebody complains about can be found.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::Uuid;

/// Where the name is, in the request and in the answer.
pub(super) const NAME: HeaderName = HeaderName::from_static("x-request-id");

/// Longer than anybody's, shorter than what would fill a log.
const LONGEST: usize = 128;

/// Names the request and its answer.
pub(super) async fn name(request: Request, next: Next) -> Response {
    let given = request.headers().get(NAME).filter(|id| is_sane(id)).cloned();
    let mut response = next.run(request).await;
    if let Some(id) = given.or_else(|| HeaderValue::from_str(&Uuid::new_v4().to_string()).ok()) {
        response.headers_mut().insert(NAME, id);
    }
    response
}

fn is_sane(id: &HeaderValue) -> bool {
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.:/+=@".contains(byte);
    (1..=LONGEST).contains(&id.len()) && id.as_bytes().iter().all(is_plain)
}
