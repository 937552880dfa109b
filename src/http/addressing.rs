//! What a request is addressed to, in the one form that the routes know.
//!
//! Slashes around a path mean nothing to clients of PingIDM (`/openidm/csv/metadata/?_queryFilter=true`), and one that
//! can only POST names the method that it means in `X-HTTP-Method-Override`.

use std::collections::HashMap;

use axum::extract::{FromRequestParts, Path, Request};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, Uri};
use axum::middleware::Next;
use axum::response::Response;
use utoipa::IntoParams;

use super::problem::Problem;
use crate::error::{Error, Result};
use crate::schema::TypeName;

const OVERRIDE: &str = "x-http-method-override";

/// The object type that a route is about, and the object if it is about one: `{type}` and `{id}` of its path.
#[derive(Clone, Debug)]
pub(crate) struct Addressed {
    pub(crate) object_type: TypeName,
    /// Empty for the collection.
    pub(crate) id: String,
}

/// `{type}` of a path, as it is described.
#[expect(dead_code, reason = "only described, never made")]
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct TypeParameter {
    /// The object type, such as user
    #[param(rename = "type", pattern = "^[A-Za-z0-9_-]+$")]
    object_type: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Addressed {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Addressed, Problem> {
        let segments = Path::<HashMap<String, String>>::from_request_parts(parts, state).await;
        let Path(mut segments) = segments.map_err(|error| Error::request(error.body_text()))?;
        let object_type = segments.remove("type").unwrap_or_default();
        let object_type = format!("managed/{object_type}").parse()?;
        Ok(Addressed { object_type, id: segments.remove("id").unwrap_or_default() })
    }
}

/// Settles method and path, before a route is chosen.
pub(super) async fn settle(mut request: Request, next: Next) -> Response {
    if let Some(uri) = without_outer_slashes(request.uri()) {
        *request.uri_mut() = uri;
    }
    // One that makes no sense is refused by `check`, where it is known how refusals look.
    if request.method() == Method::POST
        && let Ok(Some(method)) = meant(request.headers())
    {
        *request.method_mut() = method;
    }
    next.run(request).await
}

/// Refuses a method override that names no method.
pub(super) async fn check(request: Request, next: Next) -> Result<Response, Problem> {
    meant(request.headers())?;
    Ok(next.run(request).await)
}

fn meant(headers: &HeaderMap) -> Result<Option<Method>> {
    let Some(value) = headers.get(OVERRIDE) else { return Ok(None) };
    let name = value.as_bytes().trim_ascii().to_ascii_uppercase();
    let refused = |_| {
        let name = String::from_utf8_lossy(&name);
        Error::request(format!("X-HTTP-Method-Override names a method, such as PATCH, not '{name}'"))
    };
    Method::from_bytes(&name).map(Some).map_err(refused)
}

/// The address with one slash in front of its path and none behind; nothing if it is so already.
fn without_outer_slashes(uri: &Uri) -> Option<Uri> {
    let path = format!("/{}", uri.path().trim_matches('/'));
    if path == uri.path() {
        return None;
    }
    let path = uri.query().map_or(path.clone(), |query| format!("{path}?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(path).ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::without_outer_slashes;

    #[test]
    fn outer_slashes_mean_nothing() {
        for (address, settled) in [
            ("/openidm/csv/metadata/?_queryFilter=true", "/openidm/csv/metadata?_queryFilter=true"),
            ("//openidm/csv//", "/openidm/csv"),
            ("http://host/openidm/", "http://host/openidm"),
            ("///", "/"),
            ("/openidm//csv?a=/b/", "/openidm//csv?a=/b/"),
            ("/a%2F/", "/a%2F"),
        ] {
            let uri = address.parse().expect(address);
            assert_eq!(without_outer_slashes(&uri).unwrap_or(uri).to_string(), settled);
        }
    }
}
