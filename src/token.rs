//! Access tokens: what lets somebody in, for how long, and to do what.
//!
//! Of the token itself, the *secret*, only the digest is kept: whoever reads the repository cannot come in with what he
//! reads. Secrets that are made here have 256 random bits, so nobody finds one by trying, and a digest that is quickly
//! computed is enough. Pure: the repository keeps tokens, `access` asks for them.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::schema::TypeName;

/// The most characters that a name may have.
const MAX_NAME: usize = 100;

/// What a principal may do; each role includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Read: object types, objects, imports and their failures.
    Viewer,
    /// Import, cancel and clean up imports, create and change objects.
    Importer,
    /// Everything: delete objects, change object types and drop folders.
    Admin,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Role::Viewer => "viewer",
            Role::Importer => "importer",
            Role::Admin => "admin",
        })
    }
}

impl FromStr for Role {
    type Err = Error;

    /// Takes `admin`, `importer` or `viewer`; anything else is an error of kind `Request`.
    fn from_str(word: &str) -> Result<Role> {
        let role = [Role::Admin, Role::Importer, Role::Viewer].into_iter().find(|role| role.to_string() == word);
        let unknown = || format!("'{word}' is no role: it is 'admin', 'importer' or 'viewer'");
        role.ok_or_else(|| Error::request(unknown()))
    }
}

/// The name of a token, by which imports remember who asked (`authId`). No two tokens have the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TokenName {
    type Err = Error;

    /// Takes up to 100 characters, none of them a control character, with no blanks around them.
    fn from_str(text: &str) -> Result<TokenName> {
        let fault = match text {
            _ if text.trim().is_empty() => "a token needs a name".to_owned(),
            _ if text.contains(char::is_control) => "the name of a token has no control characters".to_owned(),
            _ if text.trim() != text => format!("the name of a token has no blanks around it, as '{text}' has"),
            _ => match text.chars().count() {
                0..=MAX_NAME => return Ok(TokenName(text.to_owned())),
                length => format!("the name of a token has at most {MAX_NAME} characters, not {length}"),
            },
        };
        Err(Error::request(fault))
    }
}

/// What is known of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is revoked by; a part of the secrets made here, so that a secret found somewhere can be revoked.
    pub id: String,
    /// Whose it is.
    pub name: TokenName,
    /// What may be done with it.
    pub role: Role,
    /// The object types that it is for; none means all.
    pub object_types: Option<BTreeSet<TypeName>>,
    /// When it was made, in RFC 3339 UTC with milliseconds.
    pub created: String,
    /// From when on it is good no more, in the same form; none means never.
    pub expires: Option<String>,
}

impl Token {
    /// Whether it is good no more at this moment, which is in the form of [`Token::expires`].
    pub fn is_expired(&self, now: &str) -> bool {
        // In this form the order of moments is that of texts.
        self.expires.as_deref().is_some_and(|expires| expires <= now)
    }
}

/// What stands for a secret in the repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 32]);

impl Digest {
    /// That of this secret.
    pub fn of(secret: &str) -> Digest {
        Digest(*blake3::hash(secret.as_bytes()).as_bytes())
    }

    /// Its bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// A new id.
///
/// # Errors
/// `Storage` if the operating system has no random bytes.
pub fn new_id() -> Result<String> {
    Ok(random::<6>()?.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// A new secret for the token of this id: `rb_ID_` and 256 random bits.
///
/// # Errors
/// `Storage` if the operating system has no random bytes.
pub fn new_secret(id: &str) -> Result<String> {
    Ok(format!("rb_{id}_{}", URL_SAFE_NO_PAD.encode(random::<32>()?)))
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    let filled = getrandom::fill(&mut bytes);
    filled.map_err(|error| Error::storage("the operating system gave no random bytes", error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{Digest, Role, TokenName, new_id, new_secret};

    #[test]
    fn names_can_be_shown_and_typed() {
        for name in ["ci", "Zoë's laptop", "openidm-admin", "a:b", &"x".repeat(100)] {
            assert_eq!(name.parse::<TokenName>().expect(name).as_str(), name);
        }
        for name in ["", " ", " a", "a\n", "a\u{1b}b", &"x".repeat(101)] {
            assert!(name.parse::<TokenName>().is_err(), "{name:?}");
        }
    }

    #[test]
    fn roles_are_words() {
        for role in [Role::Admin, Role::Importer, Role::Viewer] {
            assert_eq!(role.to_string().parse::<Role>().expect("its own word"), role);
        }
        let error = "root".parse::<Role>().expect_err("no role");
        assert_eq!(error.to_string(), "'root' is no role: it is 'admin', 'importer' or 'viewer'");
        assert!(Role::Admin > Role::Importer && Role::Importer > Role::Viewer);
    }

    #[test]
    fn secrets_differ_and_carry_their_id() {
        let id = new_id().expect("random bytes");
        let [one, other] = [(); 2].map(|()| new_secret(&id).expect("random bytes"));
        assert_ne!(one, other);
        assert_ne!(Digest::of(&one), Digest::of(&other));
        assert!(one.starts_with(&format!("rb_{id}_")) && one.len() == "rb_".len() + 12 + 1 + 43, "{one}");
    }
}
