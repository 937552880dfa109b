//! Answers: JSON bodies and the headers that go with them, as PingIDM sends them.
//!
//! A handler gives a value; how it is laid out is for [`presentation`](super::presentation) to know, which writes it last.

use axum::http::header::ETAG;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

/// The content type of JSON, as PingIDM writes it.
pub(crate) const JSON: &str = "application/json; charset=UTF-8";

/// A JSON answer.
#[derive(Debug)]
pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Value,
}

/// The body of an [`Answer`] until it is written.
#[derive(Clone)]
pub(crate) struct Unwritten(pub(crate) Value);

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
