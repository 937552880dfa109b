//! What forms send.

use std::error::Error as _;

use axum::body::to_bytes;
use axum::extract::{FromRequest, Request};

use super::visitor::Visitor;
use crate::error::{Error, Kind, Result};
use crate::http::Problem;
use crate::http::params::Params;

/// More than anybody types.
const LARGEST: usize = 5 << 20;

/// The field with the visitor's token against forged requests.
pub(super) const CSRF: &str = "csrf";

/// The fields of a form that a visitor has sent from a page of ours. Whatever changes something takes one.
#[derive(Debug)]
pub(super) struct Form(Params);

impl Form {
    /// The value of a field, without blanks around it; none if there is no such field, or nothing in it.
    pub(super) fn text<'f>(&'f self, name: &'f str) -> Result<Option<&'f str>> {
        Ok(self.0.one(name)?.map(str::trim).filter(|text| !text.is_empty()))
    }

    /// The value of a field as it was sent, blanks and all; none if there is no such field.
    pub(super) fn whole<'f>(&'f self, name: &'f str) -> Result<Option<&'f str>> {
        self.0.one(name)
    }

    /// The values of fields of this name, as they were sent.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.0.all(name)
    }

    /// Whether a box is ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.0.all(name).next().is_some()
    }
}

impl<S: Send + Sync> FromRequest<S> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Form, Problem> {
        let expected = request.extensions().get::<Visitor>().map(|visitor| visitor.csrf.clone());
        let fields = fields(request).await?;
        check_csrf(fields.one(CSRF)?, expected.as_deref())?;
        Ok(Form(fields))
    }
}

/// The fields of a form, whoever sent it.
pub(super) async fn fields(request: Request) -> Result<Params, Problem> {
    let body = to_bytes(request.into_body(), LARGEST).await.map_err(|error| {
        let is_too_large = error.source().is_some_and(|cause| cause.to_string() == "length limit exceeded");
        match is_too_large {
            true => Error::new(Kind::TooLarge, format!("the form is larger than {} MB", LARGEST >> 20)),
            false => Error::request("the form was cut off"),
        }
    })?;
    let text = str::from_utf8(&body).map_err(|_| Error::request("the form is not UTF-8"))?;
    Ok(Params::of_form(text)?)
}

/// Refuses what was not sent from a page of ours.
///
/// # Errors
/// `Forbidden`.
pub(super) fn check_csrf(sent: Option<&str>, expected: Option<&str>) -> Result<()> {
    // Of the hashes, so that how long it takes says nothing.
    let is_equal = |sent: &str, expected: &str| blake3::hash(sent.as_bytes()) == blake3::hash(expected.as_bytes());
    match (sent, expected) {
        (Some(sent), Some(expected)) if is_equal(sent, expected) => Ok(()),
        _ => Err(forged()),
    }
}

/// What is said to whoever sends what is not from a page of his.
pub(super) const FORGED: &str = "this form was not sent from a page of yours, or you have signed in anew since you opened \
                                 the page; nothing was done";

/// The refusal of what was not sent from a page of ours.
pub(super) fn forged() -> Error {
    Error::new(Kind::Forbidden, FORGED)
}
