//! Making tokens, the administrator's first of all.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Access, Principal};
use crate::clock;
use crate::error::{Error, Kind, Result};
use crate::schema::TypeName;
use crate::token::{Digest, Role, Token, TokenName, new_id, new_secret};

/// The name of the token that every installation has once it was served: PingIDM's administrator.
pub const ADMINISTRATOR: &str = "openidm-admin";

impl Access {
    /// Makes a token that is good from now on, and for this long if a time is given. Also gives its secret, which nobody
    /// gets again.
    ///
    /// # Errors
    /// `NotFound` if there is no such object type, `Conflict` if another token has the name, `Request` if the time has no
    /// end in the calendar.
    pub fn create_token(
        &self,
        name: TokenName,
        role: Role,
        object_types: Option<BTreeSet<TypeName>>,
        lifetime: Option<Duration>,
    ) -> Result<(Token, String)> {
        for object_type in object_types.iter().flatten() {
            self.app.object_type(object_type)?;
        }
        let endless = || Error::request("a token cannot be good for so long: leave out when it expires");
        let expires = lifetime.map(|lifetime| clock::ahead(lifetime).ok_or_else(endless)).transpose()?;
        let id = new_id()?;
        let secret = new_secret(&id)?;
        let token = Token { id, name, role, object_types, created: clock::now(), expires };
        self.app.repository.add_token(&token, &Digest::of(&secret))?;
        Ok((token, secret))
    }

    /// The tokens that somebody may know of and revoke, oldest first: those that see nothing which he does not see.
    ///
    /// # Errors
    /// `Forbidden` unless he is an administrator.
    pub fn tokens(&self, principal: &Principal) -> Result<Vec<Token>> {
        principal.must_be(Role::Admin)?;
        let mut tokens = self.app.repository.tokens()?;
        tokens.retain(|token| principal.covers(token.object_types.as_ref()));
        Ok(tokens)
    }

    /// Makes a token at somebody's wish, like [`create_token`](Access::create_token). It cannot see what he does not see.
    ///
    /// # Errors
    /// `Forbidden` unless he is an administrator, `Request` if it would see too much; see also there.
    pub fn create_token_for(
        &self,
        principal: &Principal,
        name: TokenName,
        role: Role,
        object_types: Option<BTreeSet<TypeName>>,
        lifetime: Option<Duration>,
    ) -> Result<(Token, String)> {
        principal.must_be(Role::Admin)?;
        for object_type in object_types.iter().flatten() {
            principal.object_type(&self.app, object_type)?;
        }
        if !principal.covers(object_types.as_ref()) {
            return Err(Error::request(
                "you do not see all object types, so a token of yours cannot: name some of them",
            ));
        }
        let (token, secret) = self.create_token(name, role, object_types, lifetime)?;
        tracing::info!(by = principal.name, id = token.id, name = token.name.as_str(), %role, "a token was made");
        Ok((token, secret))
    }

    /// Revokes a token at somebody's wish. What was signed in with it counts no more.
    ///
    /// # Errors
    /// `Forbidden` unless he is an administrator, `NotFound` if there is none of this id that he may know of.
    pub fn revoke_token_for(&self, principal: &Principal, id: &str) -> Result<Token> {
        let is_known = self.tokens(principal)?.iter().any(|token| token.id == id);
        if !is_known {
            return Err(Error::not_found(format!("there is no token with the id '{id}'")));
        }
        let token = self.app.repository.revoke_token(id)?;
        tracing::info!(by = principal.name, id, name = token.name.as_str(), "a token was revoked");
        Ok(token)
    }

    /// Sees to it that the administrator can come in: with this secret if one is given, else with one that is made if
    /// there is none yet. Gives the one that was made.
    ///
    /// # Errors
    /// `Request` if the secret cannot be sent in a header as it is, `Conflict` if it is that of another token.
    pub fn admit_administrator(&self, secret: Option<&str>) -> Result<Option<String>> {
        let name: TokenName = ADMINISTRATOR.parse()?;
        match secret {
            Some(secret) => self.set_administrator(name, secret).map(|()| None),
            None => self.make_administrator(name),
        }
    }

    fn set_administrator(&self, name: TokenName, secret: &str) -> Result<()> {
        if secret.is_empty() || secret.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(Error::request("ROLLBOOK_ADMIN_TOKEN is empty or has blanks or line breaks: no token has"));
        }
        let digest = Digest::of(secret);
        let found = self.app.repository.token(&digest)?;
        if found.is_some_and(|token| token.name == name && token.role == Role::Admin && token.object_types.is_none()) {
            return Ok(());
        }
        let (id, created) = (new_id()?, clock::now());
        let token = Token { id, name, role: Role::Admin, object_types: None, created, expires: None };
        self.app.repository.put_token(&token, &digest)
    }

    fn make_administrator(&self, name: TokenName) -> Result<Option<String>> {
        let (tokens, now) = (self.app.repository.tokens()?, clock::now());
        if tokens.iter().any(|token| token.name == name && !token.is_expired(&now)) {
            return Ok(None);
        }
        match self.create_token(name, Role::Admin, None, None) {
            Ok((_, secret)) => Ok(Some(secret)),
            // Another process that starts now was faster, and shows it.
            Err(error) if error.kind() == Kind::Conflict => Ok(None),
            Err(error) => Err(error),
        }
    }
}
