//! Problems: the JSON body of every answer that is not a success, as PingIDM words it.
//!
//! `{code, reason, message, detail}` in that order. The library's [`Error`] becomes one as it is; what only HTTP knows
//! (methods, media types) is said here.

use std::any::Any;

use axum::body::to_bytes;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::Object;

use super::answer::Answer;
use crate::error::{Error, reason};

/// More than a library says when it refuses something.
const LONGEST_SAYING: usize = 4096;

/// A refusal on its way to the client.
#[derive(Debug)]
pub struct Problem {
    status: StatusCode,
    body: Value,
}

/// What the body of a refusal says.
#[derive(ToSchema)]
#[schema(as = Problem)]
#[expect(dead_code, reason = "stands for the JSON in the description of the routes")]
pub(super) struct ProblemBody {
    /// The status, once more.
    code: u16,
    /// PingIDM's phrase for the status.
    reason: String,
    /// What is wrong, where, and what would be right.
    message: String,
    /// More for programs, such as the requirements that a value does not meet.
    #[schema(required = false)]
    detail: Option<Object>,
}

impl Problem {
    /// A problem of this status, in a sentence of ours.
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Problem {
        let body = json!({ "code": status.as_u16(), "reason": reason(status.as_u16()), "message": message.into() });
        Problem { status, body }
    }
}

impl Problem {
    /// The status of the answer that it becomes.
    pub(crate) fn status(&self) -> StatusCode {
        self.status
    }

    /// What is said of it.
    pub(crate) fn body(&self) -> &Value {
        &self.body
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Problem {
        let status = StatusCode::from_u16(error.kind().code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        Problem { status, body: error.problem() }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let busy = self.status == StatusCode::SERVICE_UNAVAILABLE;
        let answer = Answer::json(self.body).with_status(self.status);
        if busy { answer.with_header("retry-after", "5").into_response() } else { answer.into_response() }
    }
}

/// The answer of a handler that panicked.
pub(super) fn panicked(panic: Box<dyn Any + Send>) -> Response {
    let said = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    tracing::error!(panic = said.unwrap_or("without a word"), "a request failed in a way that it should not");
    Problem::from(unforeseen()).into_response()
}

/// What a client is told of a mistake of ours; the log knows more.
pub(super) fn unforeseen() -> Error {
    Error::internal("the request failed in a way that it should not")
}

/// The answer where a library of ours refused the request in words of its own.
pub(crate) async fn refused_elsewhere(response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let said = to_bytes(body, LONGEST_SAYING).await.unwrap_or_default();
    let said = String::from_utf8_lossy(&said);
    let message = if said.is_empty() { reason(parts.status.as_u16()) } else { said.as_ref() };
    let mut problem = Problem::new(parts.status, message).into_response();
    for (name, value) in &parts.headers {
        if !matches!(*name, CONTENT_TYPE | CONTENT_LENGTH) {
            problem.headers_mut().append(name, value.clone());
        }
    }
    problem
}

/// The answer where no route is.
pub(super) async fn no_such_route(uri: Uri) -> Problem {
    Problem::new(StatusCode::NOT_FOUND, format!("there is nothing at '{}'", uri.path()))
}

/// The answer where a route takes other methods.
pub(super) async fn no_such_method(method: Method, uri: Uri) -> Problem {
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, format!("'{}' does not take {method}", uri.path()))
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::extract::Path;
    use axum::http::Request;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::panicked;
    use crate::http::presentation::present;

    async fn broken() -> &'static str {
        panic!("broken")
    }

    async fn numbered(Path(number): Path<u8>) -> String {
        number.to_string()
    }

    #[tokio::test]
    async fn every_refusal_is_a_problem() {
        let routes = Router::new().route("/broken", get(broken)).route("/{number}", get(numbered));
        let service = routes.layer(CatchPanicLayer::custom(panicked)).layer(from_fn(present));
        for (path, told) in [
            ("/7", "7"),
            ("/x", r#"{"code":400,"reason":"Bad Request","message":"Invalid URL: Cannot parse `x` to a `u8`"}"#),
            ("/nowhere/at/all", r#"{"code":404,"reason":"Not Found","message":"Not Found"}"#),
            (
                "/broken",
                r#"{"code":500,"reason":"Internal Server Error","message":"the request failed in a way that it should not"}"#,
            ),
        ] {
            let request = Request::get(path).body(Body::empty()).expect(path);
            let response = service.clone().oneshot(request).await.expect("it cannot fail");
            let body = to_bytes(response.into_body(), 4096).await.expect(path);
            assert_eq!(String::from_utf8_lossy(&body), told, "{path}");
        }
    }
}
