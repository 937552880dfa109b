//! Parameters of the query string, read as PingIDM reads them.
//!
//! Form decoding (`+` and `%20` are blanks), and names that begin with an underscore in any case. A parameter that takes
//! one value and comes with several is refused, not chosen from.

use axum::extract::FromRequestParts;
use axum::http::Uri;
use axum::http::request::Parts;
use percent_encoding::percent_decode_str;
use strsim::damerau_levenshtein;

use super::problem::Problem;
use crate::error::{Error, Result, did_you_mean};

/// The query string of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Those of this address.
    ///
    /// # Errors
    /// `Request` if a name or value is not UTF-8 once decoded.
    pub(crate) fn of(uri: &Uri) -> Result<Params> {
        Params::of_form(uri.query().unwrap_or_default())
    }

    /// These names and values.
    pub(crate) fn of_pairs(pairs: Vec<(String, String)>) -> Params {
        Params(pairs)
    }

    /// Those of a form, `application/x-www-form-urlencoded`.
    ///
    /// # Errors
    /// See [`Params::of`].
    pub(crate) fn of_form(text: &str) -> Result<Params> {
        let pairs = text.split('&').filter(|pair| !pair.is_empty());
        let decode = |text: &str| {
            let text = text.replace('+', " ");
            let decoded = percent_decode_str(&text).decode_utf8();
            let decoded = decoded.map_err(|_| Error::request(format!("the parameter '{text}' is not UTF-8")));
            decoded.map(|decoded| decoded.into_owned())
        };
        let read = |pair: &str| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        };
        pairs.map(read).collect::<Result<_>>().map(Params)
    }

    /// Every value of a parameter, in order.
    pub(crate) fn all<'p>(&'p self, name: &'p str) -> impl Iterator<Item = &'p str> {
        let named = move |found: &str| match name.starts_with('_') {
            true => found.eq_ignore_ascii_case(name),
            false => found == name,
        };
        self.0.iter().filter(move |(found, _)| named(found)).map(|(_, value)| value.as_str())
    }

    /// The value of a parameter that takes one.
    ///
    /// # Errors
    /// `Request` if there are several.
    pub(crate) fn one<'p>(&'p self, name: &'p str) -> Result<Option<&'p str>> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (first, None) => Ok(first),
            _ => Err(Error::request(format!(
                "Multiple values provided for the single-valued request parameter '{name}'"
            ))),
        }
    }

    /// Whether a parameter is `true`; without it, no.
    ///
    /// # Errors
    /// `Request` if it is neither `true` nor `false`.
    pub(crate) fn flag(&self, name: &str) -> Result<bool> {
        match self.one(name)? {
            None => Ok(false),
            Some(word) if word.eq_ignore_ascii_case("true") => Ok(true),
            Some(word) if word.eq_ignore_ascii_case("false") => Ok(false),
            Some(word) => Err(Error::request(format!("the parameter '{name}' is 'true' or 'false', not '{word}'"))),
        }
    }

    /// Refuses parameters of other names than these. Those with an underscore are for all routes.
    ///
    /// # Errors
    /// `Request`, with what was probably meant.
    pub(crate) fn must_be_of(&self, known: &[&str]) -> Result<()> {
        let unknown = self.names().find(|name| !name.starts_with('_') && !known.contains(name));
        let Some(unknown) = unknown else { return Ok(()) };
        let mistakes = |name: &str| damerau_levenshtein(&name.to_lowercase(), &unknown.to_lowercase());
        let nearest = known.iter().min_by_key(|name| mistakes(name));
        let meant = nearest.filter(|name| mistakes(name) <= name.len() / 3);
        let suggestion = did_you_mean(meant.copied());
        Err(Error::request(format!(
            "there is no parameter '{unknown}' here{suggestion}; there are {}",
            known.join(", ")
        )))
    }

    /// The names that came, each once.
    fn names(&self) -> impl Iterator<Item = &str> {
        let first = |(at, (name, _)): &(usize, &(String, String))| !self.0[..*at].iter().any(|(seen, _)| seen == name);
        self.0.iter().enumerate().filter(first).map(|(_, (name, _))| name.as_str())
    }
}

/// The refusal of an `_action` that the route does not have, in PingIDM's words; `known` are those that it has.
pub(crate) fn unsupported_action(name: &str, known: &str) -> Error {
    Error::request(format!("Action {name} is not supported. There is {known}"))
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Params, Problem> {
        Ok(Params::of(&parts.uri)?)
    }
}
