//! Who asks: credentials of a request become a [`Principal`].

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::Door;
use super::problem::Problem;
use crate::access::{Credentials, Principal};
use crate::error::{Error, Kind, Result};

/// Routes that anybody may ask for.
const OPEN: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/openapi.json"];

/// Lets a request pass whose credentials are good, before a byte of its body is read. What is nowhere is nobody's
/// business either: without credentials the answer is 401, not 404.
pub(super) async fn authenticate(
    State(door): State<Door>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if !OPEN.contains(&request.uri().path()) {
        let principal = principal(&door, request.headers()).await?;
        request.extensions_mut().insert(principal);
    }
    Ok(next.run(request).await)
}

async fn principal(door: &Door, headers: &HeaderMap) -> Result<Principal, Problem> {
    let credentials = credentials(headers).ok_or_else(denied)?;
    door.run(move |door| door.access.principal(&credentials)?.ok_or_else(denied)).await
}

fn credentials(headers: &HeaderMap) -> Option<Credentials> {
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, rest) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| Credentials::Bearer(rest.trim().to_owned()))
}

fn denied() -> Error {
    Error::new(Kind::Unauthenticated, "Access Denied")
}

impl<S: Sync> FromRequestParts<S> for Principal {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Principal, Problem> {
        Ok(parts.extensions.get::<Principal>().cloned().ok_or_else(denied)?)
    }
}
