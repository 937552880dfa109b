//! Conditional requests: which revision of a resource the client speaks of.

use axum::extract::FromRequestParts;
use axum::http::header::{ETAG, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_UNMODIFIED_SINCE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use utoipa::IntoResponses;

use super::answer::Answer;
use super::problem::{Problem, ProblemBody};
use crate::app::Condition;
use crate::error::{Error, Kind, Result};

/// How a request is refused for its conditions.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "only described, never made")]
pub(super) enum ConditionRefusals {
    #[response(status = 409, description = "A condition on a date is set")]
    OnDate(ProblemBody),
    #[response(status = 412, description = "A condition on the revision does not hold, or makes no sense here")]
    OnRevision(ProblemBody),
}

/// `If-Match` and `If-None-Match`: a revision without its quotes, or `*` for any.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Conditions {
    method: Method,
    /// The resource has to have this revision.
    if_match: Option<String>,
    /// The resource must not have this revision.
    if_none_match: Option<String>,
}

impl Conditions {
    fn of(method: &Method, headers: &HeaderMap) -> Result<Conditions> {
        for name in [IF_MODIFIED_SINCE, IF_UNMODIFIED_SINCE] {
            if headers.contains_key(&name) {
                return Err(Error::conflict(format!("Header {} not supported", shown(&name))));
            }
        }
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        Ok(Conditions { method, if_match: tag(headers, &IF_MATCH), if_none_match: tag(headers, &IF_NONE_MATCH) })
    }

    /// Refuses `If-Match` where nothing is changed.
    ///
    /// # Errors
    /// `Outdated`, in PingIDM's words.
    pub(super) fn refuse_if_match(&self) -> Result<()> {
        self.refuse(&self.if_match, &IF_MATCH)
    }

    /// Refuses `If-None-Match` where nothing could be made.
    ///
    /// # Errors
    /// `Outdated`, in PingIDM's words.
    pub(super) fn refuse_if_none_match(&self) -> Result<()> {
        self.refuse(&self.if_none_match, &IF_NONE_MATCH)
    }

    fn refuse(&self, condition: &Option<String>, name: &HeaderName) -> Result<()> {
        match condition {
            None => Ok(()),
            Some(_) => {
                let message = format!("{} not supported for {} requests", shown(name), self.method);
                Err(Error::new(Kind::Outdated, message))
            }
        }
    }

    /// Refuses both where no resource is addressed.
    ///
    /// # Errors
    /// `Outdated`, in PingIDM's words.
    pub(super) fn refuse_any(&self) -> Result<()> {
        self.refuse_if_match()?;
        self.refuse_if_none_match()
    }

    /// What the client of a PUT, which may make something new, knows of the resource.
    ///
    /// # Errors
    /// In PingIDM's words, `Outdated` if both are there, `Request` if `If-None-Match` names a revision.
    pub(super) fn of_put(&self) -> Result<Condition> {
        match (self.if_match.as_deref(), self.if_none_match.as_deref()) {
            (Some(_), Some(_)) => {
                let both = "Simultaneous use of If-Match and If-None-Match not supported for PUT requests";
                Err(Error::new(Kind::Outdated, both))
            }
            (Some("*"), None) => Ok(Condition::Present),
            (Some(rev), None) => Ok(Condition::Revision(rev.to_owned())),
            (None, Some("*")) => Ok(Condition::Absent),
            (None, Some(tag)) => {
                Err(Error::request(format!("\"{tag}\" is not a supported value for If-None-Match on PUT")))
            }
            (None, None) => Ok(Condition::None),
        }
    }

    /// What the client of a request that makes nothing new knows of the resource.
    ///
    /// # Errors
    /// `Outdated`, in PingIDM's words.
    pub(super) fn of_change(&self) -> Result<Condition> {
        self.refuse_if_none_match()?;
        self.of_put()
    }

    /// The answer to a read: the resource, or 304 if the client has this revision already.
    pub(super) fn unless_known(&self, rev: &str, answer: Answer) -> Response {
        match self.if_none_match.as_deref() {
            Some(known) if known == rev || known == "*" => {
                (StatusCode::NOT_MODIFIED, [(ETAG, format!("\"{rev}\""))]).into_response()
            }
            _ => answer.into_response(),
        }
    }
}

/// The name as people write it.
fn shown(name: &HeaderName) -> &'static str {
    match *name {
        IF_MATCH => "If-Match",
        IF_NONE_MATCH => "If-None-Match",
        IF_MODIFIED_SINCE => "If-Modified-Since",
        _ => "If-Unmodified-Since",
    }
}

/// A revision is named with or without quotes, and as a weak tag by proxies that compress.
fn tag(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let text = String::from_utf8_lossy(headers.get(name)?.as_bytes()).into_owned();
    let text = text.trim();
    let text = text.strip_prefix("W/").unwrap_or(text);
    Some(text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(text).to_owned())
}

impl<S: Sync> FromRequestParts<S> for Conditions {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Conditions, Problem> {
        Ok(Conditions::of(&parts.method, &parts.headers)?)
    }
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, Method};

    use super::Conditions;
    use crate::app::Condition;

    fn conditions(name: &'static str, value: &'static str) -> Result<Conditions, String> {
        let headers: HeaderMap =
            [(name.parse().expect("a name"), value.parse().expect("a value"))].into_iter().collect();
        Conditions::of(&Method::HEAD, &headers).map_err(|error| error.to_string())
    }

    #[test]
    fn quotes_are_not_part_of_a_revision() {
        for (value, rev) in
            [("\"1f\"", "1f"), (" 1f ", "1f"), ("W/\"1f\"", "1f"), ("*", "*"), ("\"*\"", "*"), ("\"", "\"")]
        {
            let read = conditions("if-match", value).expect("a condition");
            assert_eq!(read.if_match.as_deref(), Some(rev));
            let meant = if rev == "*" { Condition::Present } else { Condition::Revision(rev.to_owned()) };
            assert_eq!(read.of_change().map_err(|error| error.to_string()), Ok(meant));
        }
    }

    #[test]
    fn what_is_not_supported_is_said_in_pingidms_words() {
        let refused = |name, value| {
            let read = conditions(name, value)?;
            let refused = read.refuse_if_match().and_then(|()| read.refuse_if_none_match());
            refused.map_err(|error| error.to_string())
        };
        for (name, message) in [
            ("if-match", "If-Match not supported for GET requests"),
            ("if-none-match", "If-None-Match not supported for GET requests"),
            ("if-modified-since", "Header If-Modified-Since not supported"),
            ("if-unmodified-since", "Header If-Unmodified-Since not supported"),
        ] {
            assert_eq!(refused(name, "*"), Err(message.to_owned()));
        }
    }
}
