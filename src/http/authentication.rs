//! Who asks: credentials of a request become a [`Principal`].

use axum::extract::{FromRequestParts, Request, State};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;

use super::Door;
use super::credentials::credentials;
use super::problem::Problem;
use crate::access::Principal;
use crate::error::{Error, Kind, Result};

/// Routes that anybody may ask for.
const OPEN: [&str; 4] = ["/healthz", "/readyz", "/metrics", "/openapi.json"];

/// Lets a request pass whose credentials are good, before a byte of its body is read. What is nowhere is nobody's
/// business either: without credentials the answer is 401, not 404. As with PingIDM it comes without a challenge, so that
/// no browser asks for a password.
pub(super) async fn authenticate(
    State(door): State<Door>,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if OPEN.contains(&request.uri().path()) {
        return Ok(next.run(request).await);
    }
    let principal = principal(&door, request.headers()).await?;
    request.extensions_mut().insert(principal.clone());
    let mut response = next.run(request).await;
    response.extensions_mut().insert(principal);
    Ok(response)
}

/// Who sends a request. All credentials of it must be good and of the same principal: which of two names counts is not
/// for us to guess.
async fn principal(door: &Door, headers: &HeaderMap) -> Result<Principal, Problem> {
    let credentials = credentials(headers).ok_or_else(denied)?;
    let all = move |door: &Door| {
        let mut found: Option<Principal> = None;
        for shown in &credentials {
            let principal = door.access.principal(shown)?.ok_or_else(denied)?;
            if found.as_ref().is_some_and(|found| *found != principal) {
                return Err(denied());
            }
            found = Some(principal);
        }
        found.ok_or_else(denied)
    };
    door.run(all).await
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
