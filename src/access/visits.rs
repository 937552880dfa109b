//! Signing in on the console, and out again.

use std::time::Duration;

use super::{Access, Credentials, Principal};
use crate::clock;
use crate::error::{Error, Result};
use crate::sign_in::{Shown, SignIn, Subject};
use crate::token::{Digest, new_id, new_secret};

/// For so long somebody is known who has signed in: a working day, and its overtime.
const LONGEST: Duration = Duration::from_hours(12);

impl Access {
    /// Has whoever shows these credentials known for a while by a secret, which is given; nothing if they are not good.
    ///
    /// # Errors
    /// See [`Access::principal`].
    pub fn sign_in(&self, credentials: &Credentials) -> Result<Option<String>> {
        let token = |secret: &str| self.app.repository.token(&Digest::of(secret));
        let shown = match credentials {
            Credentials::Bearer(secret) | Credentials::Password { secret, .. } => match token(secret)? {
                Some(token) => Some(Shown::Token(token.id)),
                None => self.principal(credentials)?.map(|principal| Shown::Subject(Subject::from(principal))),
            },
        };
        shown.map(|shown| self.keep(shown)).transpose()
    }

    fn keep(&self, shown: Shown) -> Result<String> {
        let endless = || Error::internal("twelve hours from now there is no calendar any more");
        let sign_in = SignIn { shown, created: clock::now(), expires: clock::ahead(LONGEST).ok_or_else(endless)? };
        let secret = new_secret(&new_id()?)?;
        self.app.repository.add_sign_in(&sign_in, &Digest::of(&secret))?;
        Ok(secret)
    }

    /// Who has signed in and got this secret; nobody if that is too long ago, or if the token was revoked or has expired.
    pub fn visitor(&self, secret: &str) -> Result<Option<Principal>> {
        let Some(sign_in) = self.app.repository.sign_in(&Digest::of(secret))? else { return Ok(None) };
        match sign_in.shown {
            Shown::Subject(subject) => Ok(Some(Principal::from(subject))),
            Shown::Token(id) => {
                let token = self.app.repository.tokens()?.into_iter().find(|token| token.id == id);
                Ok(token.filter(|token| !token.is_expired(&clock::now())).map(Principal::from))
            }
        }
    }

    /// Forgets whoever got this secret.
    pub fn sign_out(&self, secret: &str) -> Result<()> {
        self.app.repository.remove_sign_in(&Digest::of(secret))
    }
}

impl From<Principal> for Subject {
    fn from(Principal { name, component, role, object_types }: Principal) -> Subject {
        Subject { name, component, role, object_types }
    }
}

impl From<Subject> for Principal {
    fn from(Subject { name, component, role, object_types }: Subject) -> Principal {
        Principal { name, component, role, object_types }
    }
}
