//! What is asked, and what becomes of it.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use futures_util::{StreamExt as _, stream};
use hyper::body::Incoming;
use hyper::{Method, Response};
use percent_encoding::percent_decode_str;
use s3s::{HttpError, StdError};
use tokio::time::sleep;

use super::House;

/// One request.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Request {
    /// The first one is number 1.
    pub(crate) number: usize,
    /// What is to be done, by S3's name: `GetObject`.
    pub(crate) action: &'static str,
    /// The key, or the prefix of a listing.
    pub(crate) key: String,
    /// The key that is copied from.
    pub(crate) source: Option<String>,
}

/// What becomes of a request.
pub(crate) enum Fate {
    /// It is done and answered.
    Done,
    /// It is not done, and this status says so.
    Refused(u16),
    /// It is not done, and the connection is closed.
    Dropped,
    /// It is done, but this status says that it was not.
    DoneButRefused(u16),
    /// It is done, and the connection is closed without a word.
    DoneButDropped,
    /// It is done, and the connection is closed in the middle of the answer's body.
    Cut,
    /// It is done, then this happens, then it is answered.
    DoneThen(Box<dyn FnOnce() + Send>),
}

/// What a client gets: an answer, or the end of the connection.
pub(super) type Answer = Result<Response<Body>, StdError>;

impl Request {
    fn of(request: &hyper::Request<Incoming>) -> Request {
        let path = request.uri().path().trim_start_matches('/');
        let key = path.split_once('/').map_or("", |(_, key)| key);
        let parameter = |name: &str| {
            let pairs = request.uri().query().unwrap_or_default().split('&');
            let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
            pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| decoded(value))
        };
        let source = request.headers().get("x-amz-copy-source").and_then(|value| value.to_str().ok());
        let source = source.map(decoded);
        let source =
            source.as_deref().map(|source| source.trim_start_matches('/').split_once('/').unwrap_or_default().1);
        let source = source.map(str::to_owned);
        let has = |name| parameter(name).is_some();
        let action = match (request.method(), key.is_empty()) {
            (&Method::GET, true) if has("location") => "GetBucketLocation",
            (&Method::GET, true) => "ListObjects",
            (&Method::HEAD, true) => "HeadBucket",
            (&Method::POST, true) => "DeleteObjects",
            (&Method::GET, false) => "GetObject",
            (&Method::HEAD, false) => "HeadObject",
            (&Method::PUT, false) if has("uploadId") => "UploadPart",
            (&Method::PUT, false) if source.is_some() => "CopyObject",
            (&Method::PUT, false) => "PutObject",
            (&Method::DELETE, false) if has("uploadId") => "AbortMultipartUpload",
            (&Method::DELETE, false) => "DeleteObject",
            (&Method::POST, false) if has("uploads") => "CreateMultipartUpload",
            (&Method::POST, false) => "CompleteMultipartUpload",
            _ => "something else",
        };
        let key = if action == "ListObjects" { parameter("prefix").unwrap_or_default() } else { decoded(key) };
        Request { number: 0, action, key, source }
    }

    /// What of the bucket it may change.
    pub(crate) fn writes(&self) -> bool {
        !matches!(self.action, "GetObject" | "HeadObject" | "ListObjects" | "HeadBucket" | "GetBucketLocation")
    }

    /// The rights that it takes: actions of IAM, each with what it is done to.
    fn rights(&self) -> Vec<(&'static str, &str)> {
        let key = self.key.as_str();
        let mut rights = match self.action {
            "GetObject" | "HeadObject" => vec![("s3:GetObject", key)],
            "ListObjects" | "HeadBucket" => vec![("s3:ListBucket", key)],
            "GetBucketLocation" => vec![("s3:GetBucketLocation", key)],
            "DeleteObject" | "DeleteObjects" => vec![("s3:DeleteObject", key)],
            "AbortMultipartUpload" => vec![("s3:AbortMultipartUpload", key)],
            _ => vec![("s3:PutObject", key)],
        };
        rights.extend(self.source.as_deref().map(|source| ("s3:GetObject", source)));
        rights
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Answers a request as its fate is.
pub(super) async fn answer(house: Arc<House>, request: hyper::Request<Incoming>) -> Answer {
    let (ours, decide) = house.enter(Request::of(&request));
    let asked = ours.clone();
    let fate = tokio::task::spawn_blocking(move || decide(&asked)).await?;
    match fate {
        Fate::Refused(status) => return Ok(refusal(status)),
        Fate::Dropped => return Err(closed()),
        _ => {}
    }
    let response = done(&house, &ours, request).await?;
    match fate {
        Fate::DoneButRefused(status) => Ok(refusal(status)),
        Fate::DoneButDropped => Err(closed()),
        Fate::Cut => cut(response).await,
        Fate::DoneThen(happen) => {
            // The body is whole before anything happens to the objects.
            let (parts, body) = response.into_parts();
            let body = to_bytes(body, usize::MAX).await?;
            tokio::task::spawn_blocking(happen).await?;
            Ok(Response::from_parts(parts, Body::from(body)))
        }
        _ => Ok(response),
    }
}

async fn done(house: &House, ours: &Request, request: hyper::Request<Incoming>) -> Answer {
    if ours.rights().into_iter().any(|(action, key)| house.guests.is_forbidden(action, key)) {
        return Ok(refusal(403));
    }
    let response = house.s3.call(request.map(s3s::Body::from)).await.map_err(broken)?;
    // Who may not list is not told what there is not.
    match ours.action {
        "GetObject" | "HeadObject"
            if response.status() == 404 && house.guests.is_forbidden("s3:ListBucket", &ours.key) =>
        {
            Ok(refusal(403))
        }
        _ => Ok(response.map(Body::new)),
    }
}

fn broken(error: HttpError) -> StdError {
    error.into()
}

fn closed() -> StdError {
    "the connection is closed".into()
}

/// Half of the answer.
async fn cut(response: Response<Body>) -> Answer {
    let (mut parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await?;
    parts.headers.insert("content-length", body.len().into());
    let half = stream::once(ready(Ok(body.slice(..body.len() / 2))));
    // What is sent just before the end would not be sent at all.
    let end = stream::once(async {
        sleep(Duration::from_millis(50)).await;
        Err(closed())
    });
    Ok(Response::from_parts(parts, Body::from_stream(half.chain(end))))
}

fn refusal(status: u16) -> Response<Body> {
    let (code, message) = match status {
        403 => ("AccessDenied", "Access Denied"),
        503 => ("SlowDown", "Please reduce your request rate."),
        _ => ("InternalError", "We encountered an internal error. Please try again."),
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message>\
         <RequestId>4442587FB7D0A2F9</RequestId></Error>"
    );
    let response = Response::builder().status(status).header("content-type", "application/xml");
    response.body(Body::from(body)).unwrap()
}
