//! Who may do what: access tokens, roles and the object types they are for.
//!
//! A request becomes a [`Principal`] by its [`Credentials`]. They are looked at for each request, so a token that was made
//! or revoked by another process counts at once. What a principal may not see does not exist for it: asking for it is
//! answered as asking for what is nowhere.

mod oidc;
mod tokens;
mod visits;

use std::collections::BTreeSet;
use std::sync::Arc;

pub use self::oidc::FromIssuer;
use self::oidc::Issuer;
pub use self::tokens::ADMINISTRATOR;
pub use self::visits::LONGEST_VISIT;
use crate::app::App;
use crate::error::{Error, Kind, Result};
use crate::import::{Import, no_import};
use crate::plan::Caller;
use crate::repository::StoredType;
use crate::schema::TypeName;
pub use crate::token::Role;
use crate::token::{Digest, Token};

/// The `authzComponent` of whoever comes with a token: PingIDM's for its internal users.
const TOKENS: &str = "internal/user";

/// What a request shows of who sent it.
#[derive(Clone)]
pub enum Credentials {
    /// `Authorization: Bearer`: a token of ours, or a JWT.
    Bearer(String),
    /// A user name and a password: the name of a token, and the token.
    Password {
        /// The token's name.
        name: String,
        /// The token.
        secret: String,
    },
}

/// Somebody known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    /// The name of the token, or the subject of the JWT: `authId`.
    pub name: String,
    /// PingIDM's `authzComponent`: where the name is known.
    pub component: String,
    /// What it may do.
    pub role: Role,
    /// The object types that it may see; none means all.
    pub object_types: Option<BTreeSet<TypeName>>,
}

impl Principal {
    /// Who asked, as imports keep it.
    pub fn caller(&self) -> Caller {
        Caller { auth_id: self.name.clone(), authz_component: self.component.clone() }
    }

    /// Whether it may see what is of this object type.
    pub fn sees(&self, object_type: &TypeName) -> bool {
        self.object_types.as_ref().is_none_or(|seen| seen.contains(object_type))
    }

    /// Whether it sees all that whoever is for these object types sees; none means all.
    pub fn covers(&self, object_types: Option<&BTreeSet<TypeName>>) -> bool {
        match (&self.object_types, object_types) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(seen), Some(object_types)) => object_types.is_subset(seen),
        }
    }

    /// Whether this token is its own.
    pub fn has(&self, token: &Token) -> bool {
        self.component == TOKENS && self.name == token.name.as_str()
    }

    /// Refuses what takes a higher role.
    ///
    /// # Errors
    /// `Forbidden`, in PingIDM's words.
    pub fn must_be(&self, role: Role) -> Result<()> {
        if self.role >= role { Ok(()) } else { Err(Error::new(Kind::Forbidden, "Access denied")) }
    }

    /// The object type of this name, if the principal may see it.
    ///
    /// # Errors
    /// `NotFound`, with the names that it may see.
    pub fn object_type(&self, app: &App, name: &TypeName) -> Result<StoredType> {
        match app.repository.object_type(name)? {
            Some(stored) if self.sees(name) => Ok(stored),
            _ => Err(name.unknown(self.object_types(app)?.iter().map(|stored| stored.object_type.name()))),
        }
    }

    /// The object types that the principal may see.
    pub fn object_types(&self, app: &App) -> Result<Vec<StoredType>> {
        let mut all = app.repository.object_types()?;
        all.retain(|stored| self.sees(stored.object_type.name()));
        Ok(all)
    }

    /// The import of this id, if the principal may see its object type.
    ///
    /// # Errors
    /// `NotFound`. A text that is no id is that of no import.
    pub fn import(&self, app: &App, id: &str) -> Result<Import> {
        let import = app.import(id.parse()?)?;
        if self.sees(&import.plan.object_type) { Ok(import) } else { Err(no_import(id)) }
    }
}

/// The door keeper.
#[derive(Debug)]
pub struct Access {
    app: Arc<App>,
    /// Who signs the JWTs that are taken, if any are.
    issuer: Option<Issuer>,
    mark: String,
}

impl Access {
    /// The door keeper of this installation.
    pub fn new(app: Arc<App>) -> Access {
        let issuer = app.config.oidc.clone().map(Issuer::new);
        let own = app.repository.hashes().key("rollbook console\0").to_le_bytes();
        let mark = blake3::Hash::from(blake3::derive_key("rollbook 2026-11 mark of an installation", &own)).to_hex();
        let mark = mark.chars().take(8).collect();
        Access { app, issuer, mark }
    }

    /// By this the cookies of several installations on one host are told apart, as browsers do not by the port.
    pub fn mark(&self) -> &str {
        &self.mark
    }

    /// Who shows these credentials; nobody if they are not good, or not any more.
    ///
    /// # Errors
    /// `Busy` if a JWT cannot be checked now, `Forbidden` if it is good and gives no role.
    pub fn principal(&self, credentials: &Credentials) -> Result<Option<Principal>> {
        let token = |secret: &str| self.app.repository.token(&Digest::of(secret));
        match credentials {
            // A token that an operator chose may look like a JWT, so it is asked for first.
            Credentials::Bearer(secret) => match (token(secret)?, &self.issuer) {
                (Some(token), _) => Ok(Some(Principal::from(token))),
                (None, Some(issuer)) => issuer.principal(secret),
                (None, None) => Ok(None),
            },
            Credentials::Password { name, secret } => {
                Ok(token(secret)?.filter(|token| token.name.as_str() == name).map(Principal::from))
            }
        }
    }
}

impl From<Token> for Principal {
    fn from(token: Token) -> Principal {
        Principal {
            name: token.name.to_string(),
            component: TOKENS.to_owned(),
            role: token.role,
            object_types: token.object_types,
        }
    }
}
