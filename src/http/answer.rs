//! Answers: JSON bodies and the headers that go with them, as PingIDM sends them.
//!
//! A handler gives a value; [`present`] writes it last, when the request's wishes are known: `_prettyPrint=true`
//! indents any JSON answer, problems included.

use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::params::Params;
use super::problem;

/// The content type of JSON, as PingIDM writes it.
pub(crate) const JSON: &str = "application/json; charset=UTF-8";

/// A JSON answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

/// The body of an [`Answer`] until [`present`] writes it.
#[derive(Clone)]
struct Unwritten(Value);

impl Answer {
    /// 200 with this body.
    pub(crate) fn json(body: Value) -> Answer {
        Answer { status: StatusCode::OK, headers: HeaderMap::new(), body }
    }

    /// 200 with a resource, whose `_rev` is the entity tag.
    pub(crate) fn resource(body: Value) -> Answer {
        let tag = body.get("_rev").and_then(Value::as_str).map(|rev| format!("\"{rev}\""));
        let answer = Answer::json(body);
        match tag {
            Some(tag) => answer.with_header(ETAG.as_str(), &tag),
            None => answer,
        }
    }

    /// The same with another status.
    pub(crate) fn with_status(mut self, status: StatusCode) -> Answer {
        self.status = status;
        self
    }

    /// The same with a header more. A value that HTTP cannot carry is left out.
    pub(crate) fn with_header(mut self, name: &'static str, value: &str) -> Answer {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.insert(HeaderName::from_static(name), value);
        }
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.headers).into_response();
        response.extensions_mut().insert(Unwritten(self.body));
        response
    }
}

/// Writes the bodies of answers.
pub(super) async fn present(request: Request, next: Next) -> Response {
    let pretty = Params::of(request.uri()).is_ok_and(|params| params.flag("_prettyPrint").unwrap_or(false));
    let mut response = next.run(request).await;
    let is_refusal = response.status().is_client_error() || response.status().is_server_error();
    if is_refusal && response.extensions().get::<Unwritten>().is_none() {
        response = problem::refused_elsewhere(response).await;
    }
    let Some(Unwritten(body)) = response.extensions_mut().remove::<Unwritten>() else { return response };
    let text = if pretty { format!("{body:#}") } else { body.to_string() };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-cache"));
    *response.body_mut() = Body::from(text);
    response
}
