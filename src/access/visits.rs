//! Signing in on the console, and out again.

use std::time::Duration;

use jiff::Timestamp;

use super::{Access, Credentials, FromIssuer, Issuer, Principal};
use crate::clock;
use crate::error::{Error, Result};
use crate::sign_in::{Shown, SignIn, Subject};
use crate::token::{Digest, new_id, new_secret};

/// For so long somebody is known who has signed in: a working day, and its overtime.
pub const LONGEST_VISIT: Duration = Duration::from_hours(12);

impl Access {
    /// Has whoever shows these credentials known for a while by a secret, which is given; nothing if they are not good.
    /// Nobody is known for longer than what he shows is good.
    ///
    /// # Errors
    /// See [`Access::principal`].
    pub fn sign_in(&self, credentials: &Credentials) -> Result<Option<String>> {
        let (Credentials::Bearer(secret) | Credentials::Password { secret, .. }) = credentials;
        if let Some(token) = self.app.repository.token(&Digest::of(secret))? {
            return self.keep(Shown::Token(token.id), None).map(Some);
        }
        let Some(issuer) = &self.issuer else { return Ok(None) };
        let found = issuer.principal_until(secret)?;
        found.map(|(principal, until)| self.keep(Shown::Subject(subject(principal, issuer)), Some(until))).transpose()
    }

    /// What the issuer is called among people, if they can sign in there.
    pub fn issuer_label(&self) -> Option<&str> {
        self.issuer.as_ref()?.client().map(|client| client.label.as_str())
    }

    /// The address at the issuer where somebody can sign in. He comes back to `redirect`, by what only his browser knows:
    /// the secret of his `visit`.
    ///
    /// # Errors
    /// `Busy` if the issuer does not answer, `NotFound` if nobody can sign in there.
    pub fn way_to_issuer(&self, visit: &str, redirect: &str) -> Result<String> {
        let nobody = || Error::not_found("nobody signs in here but with a token");
        self.issuer.as_ref().ok_or_else(nobody)?.way_there(visit, redirect)
    }

    /// Has somebody known who comes back from the issuer: by a secret, which is given.
    ///
    /// # Errors
    /// `Forbidden` if he has no business here, `Busy` if the issuer does not answer, each in words for him.
    pub fn sign_in_by_issuer(&self, visit: &str, answer: &FromIssuer, redirect: &str) -> Result<String> {
        let nobody = || Error::not_found("nobody signs in here but with a token");
        let issuer = self.issuer.as_ref().ok_or_else(nobody)?;
        let principal = issuer.come_back(visit, answer, redirect)?;
        self.keep(Shown::Subject(subject(principal, issuer)), None)
    }

    /// Notes who has signed in, until the second since 1970 that is given, if that is sooner.
    fn keep(&self, shown: Shown, until: Option<i64>) -> Result<String> {
        let endless = || Error::internal("twelve hours from now there is no calendar any more");
        let longest = clock::ahead(LONGEST_VISIT).ok_or_else(endless)?;
        let until = until.and_then(|second| Timestamp::from_second(second).ok()).map(|until| format!("{until:.3}"));
        // In this form the order of moments is that of texts.
        let expires = until.filter(|until| *until < longest).unwrap_or(longest);
        let sign_in = SignIn { shown, created: clock::now(), expires };
        let secret = new_secret(&new_id()?)?;
        self.app.repository.add_sign_in(&sign_in, &Digest::of(&secret))?;
        Ok(secret)
    }

    /// Who has signed in and got this secret; nobody if that is too long ago, if the token was revoked or has expired, or
    /// if it was by the word of an issuer that is not asked any more.
    pub fn visitor(&self, secret: &str) -> Result<Option<Principal>> {
        let Some(sign_in) = self.app.repository.sign_in(&Digest::of(secret))? else { return Ok(None) };
        match sign_in.shown {
            Shown::Subject(subject) => {
                let counts = self.issuer.as_ref().is_some_and(|issuer| issuer.name() == subject.issuer);
                Ok(counts.then(|| Principal::from(subject)))
            }
            Shown::Token(id) => Ok(self.app.repository.token_of_id(&id)?.map(Principal::from)),
        }
    }

    /// Forgets whoever got this secret.
    pub fn sign_out(&self, secret: &str) -> Result<()> {
        self.app.repository.remove_sign_in(&Digest::of(secret))
    }
}

fn subject(principal: Principal, issuer: &Issuer) -> Subject {
    let Principal { name, component, role, object_types } = principal;
    Subject { issuer: issuer.name().to_owned(), name, component, role, object_types }
}

impl From<Subject> for Principal {
    fn from(Subject { name, component, role, object_types, .. }: Subject) -> Principal {
        Principal { name, component, role, object_types }
    }
}
