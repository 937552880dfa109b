//! JSON bodies of requests, in PingIDM's words when they are none.

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::problem::Problem;
use crate::error::{Error, Result};
use crate::schema::value::parse_json;

/// The JSON that came with a request. Names that come twice and numbers that would lose digits are refused, since what is
/// stored must be what was sent.
#[derive(Clone, Debug)]
pub(super) struct JsonBody(pub(crate) Value);

impl JsonBody {
    /// The members of the object that it has to be.
    ///
    /// # Errors
    /// `Request` if it is something else.
    pub(super) fn into_members(self) -> Result<Map<String, Value>> {
        match self.0 {
            Value::Object(members) => Ok(members),
            _ => Err(Error::request("the body must be a JSON object")),
        }
    }
}

impl<S: Sync> FromRequest<S> for JsonBody {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<JsonBody, Problem> {
        refuse_other_types(request.headers())?;
        let text = read(request.into_body()).await?;
        if text.trim_ascii().is_empty() {
            let empty = "The request could not be processed because it did not contain any JSON content";
            return Err(Error::request(empty).into());
        }
        let invalid = |said: String| {
            let sentence = "The request could not be processed because the provided content is not valid JSON";
            Error::request(sentence).with_detail(json!({ "message": said }))
        };
        let text = std::str::from_utf8(&text).map_err(|error| invalid(error.to_string()))?;
        Ok(JsonBody(parse_json(text).map_err(invalid)?))
    }
}

fn refuse_other_types(headers: &HeaderMap) -> Result<()> {
    let Some(given) = headers.get(CONTENT_TYPE) else { return Ok(()) };
    let given = String::from_utf8_lossy(given.as_bytes());
    let essence = given.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    Err(Error::request(format!(
        "The request could not be processed because it specified the content-type '{given}' when only the content-type \
         'application/json' is supported"
    )))
}

/// How large a body may be is looked after where it comes in.
async fn read(body: Body) -> Result<Bytes> {
    let broken = |_| Error::request("the body ended before it was whole");
    to_bytes(body, usize::MAX).await.map_err(broken)
}
