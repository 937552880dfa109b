//! Who has signed in on the console, and until when. Pure: the repository keeps it, `access` asks for it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::schema::TypeName;
use crate::token::Role;

/// Somebody has signed in. Of the secret in his browser only the digest is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignIn {
    /// What he has shown.
    pub shown: Shown,
    /// When that was, in RFC 3339 UTC with milliseconds.
    pub created: String,
    /// From when on it counts no more, in the same form.
    pub expires: String,
}

/// What somebody has shown who has signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// The token of this id. What it allows, and whether it is still good, is asked each time.
    Token(String),
    /// The word of an OpenID Connect issuer, which is asked once.
    Subject(Subject),
}

/// Whom an issuer has named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subject {
    /// Who has named him.
    #[serde(default)]
    pub issuer: String,
    /// The name.
    pub name: String,
    /// Where the name is known.
    pub component: String,
    /// What he may do.
    pub role: Role,
    /// The object types that he may see; none means all.
    pub object_types: Option<BTreeSet<TypeName>>,
}
