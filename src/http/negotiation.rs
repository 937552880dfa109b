//! What client and service have to agree on before anything is said: the version of the interface, `Expect`, and where
//! the request ends.

use axum::extract::Request;
use axum::http::header::EXPECT;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::Problem;
use super::server::TwoLengths;
use crate::error::{Error, Result};

const ACCEPTED: &str = "accept-api-version";
const GIVEN: &str = "content-api-version";

/// The version that we speak: major, minor.
const PROTOCOL: (u32, u32) = (2, 1);

/// Refuses requests that ask for a conversation that is not to be had, and says which one this is.
pub(super) async fn negotiate(request: Request, next: Next) -> Result<Response, Problem> {
    if request.extensions().get::<TwoLengths>().is_some() {
        let message = "a request has a Content-Length or a Transfer-Encoding, not both";
        return Err(Error::request(message).into());
    }
    expectation(request.headers())?;
    version(request.headers())?;
    let is_versioned = request.uri().path().starts_with("/openidm/");
    let mut response = next.run(request).await;
    if is_versioned {
        response.headers_mut().insert(GIVEN, HeaderValue::from_static("protocol=2.1,resource=1.0"));
    }
    Ok(response)
}

fn expectation(headers: &HeaderMap) -> Result<(), Problem> {
    let unmet = |value: &&HeaderValue| !value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    match headers.get_all(EXPECT).iter().find(unmet) {
        None => Ok(()),
        Some(value) => {
            let message =
                format!("'{}' is not to be expected: only 100-continue is", String::from_utf8_lossy(value.as_bytes()));
            Err(Problem::new(StatusCode::EXPECTATION_FAILED, message))
        }
    }
}

/// Checks `Accept-API-Version`: `protocol=2.1,resource=1.0`, either or both in any order.
fn version(headers: &HeaderMap) -> Result<()> {
    let Some(value) = headers.get(ACCEPTED) else { return Ok(()) };
    let text = String::from_utf8_lossy(value.as_bytes());
    let invalid = || Error::request(format!("Version string is in an invalid format: {text}"));
    let mut named = Vec::new();
    for part in text.split(',') {
        let (name, number) = part.trim().split_once('=').ok_or_else(invalid)?;
        let (name, number) = (name.trim(), number.trim());
        let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
        let (major, minor) = parse(major).zip(parse(minor)).ok_or_else(invalid)?;
        if !matches!(name, "protocol" | "resource") || named.contains(&name) {
            return Err(invalid());
        }
        named.push(name);
        let (our_major, our_minor) = PROTOCOL;
        match name {
            "protocol" if major > our_major => {
                return Err(Error::request(format!("Unsupported major version: {major}.{minor}")));
            }
            "protocol" if major == our_major && minor > our_minor => {
                return Err(Error::request(format!("Unsupported minor version: {major}.{minor}")));
            }
            _ => {}
        }
    }
    Ok(())
}

fn parse(number: &str) -> Option<u32> {
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderValue};

    use super::{ACCEPTED, version};

    #[test]
    fn versions() {
        let invalid = |text: &str| Some(format!("Version string is in an invalid format: {text}"));
        for (text, refusal) in [
            ("resource=1.0", None),
            ("protocol=2.1,resource=1.0", None),
            ("resource=1, protocol=2.0", None),
            ("protocol=1.0", None),
            ("resource=99.9", None),
            ("protocol=3.0", Some("Unsupported major version: 3.0".to_owned())),
            ("protocol=2.2", Some("Unsupported minor version: 2.2".to_owned())),
            ("", invalid("")),
            ("1.0", invalid("1.0")),
            ("resource=", invalid("resource=")),
            ("resource=a", invalid("resource=a")),
            ("resource=1.", invalid("resource=1.")),
            ("resource=1.0.0", invalid("resource=1.0.0")),
            ("resource=1,resource=1", invalid("resource=1,resource=1")),
            ("colour=1.0", invalid("colour=1.0")),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPTED, HeaderValue::from_str(text).expect(text));
            assert_eq!(version(&headers).err().map(|error| error.to_string()), refusal, "{text}");
        }
    }
}
