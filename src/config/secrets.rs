//! `[secrets]`: the key that stored secrets are sealed with; and secrets as they are written, themselves or where they
//! are to be found.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use super::environment::Environment;
use crate::error::{Error, Result};
use crate::secret::{KEY_LENGTH, Secret};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SecretsSection {
    key: Option<WrittenSecret>,
}

/// A secret as it is written: itself, or where it is to be found. What is said about a wrong one does not show it.
#[derive(Clone)]
pub(super) enum WrittenSecret {
    /// Itself.
    Literal(Secret),
    /// The environment variable that it is in.
    Env(String),
    /// The file that it is in, relative to the data directory; a line end at its end is not part of it.
    File(PathBuf),
}

/// Why a secret could not be had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NoSecret {
    /// What is written makes no sense.
    Wrong(String),
    /// It is not where it should be. It may be there for another process.
    Lacking(String),
}

const FORMS: &str = "it is a text, { env = \"NAME\" } or { file = \"PATH\" }";

impl WrittenSecret {
    /// The secret itself.
    pub(super) fn resolve(self, data: &Path, environment: &Environment) -> Result<Secret, NoSecret> {
        let secret = match self {
            WrittenSecret::Literal(secret) => secret,
            WrittenSecret::Env(name) => match environment.get(&name) {
                Some(value) => Secret::new(without_line_end(value)),
                None => return Err(NoSecret::Lacking(format!("the environment variable '{name}' is not set"))),
            },
            WrittenSecret::File(path) => {
                let text = fs::read_to_string(data.join(&path)).map_err(|error| {
                    NoSecret::Lacking(format!("the file '{}' could not be read: {error}", path.display()))
                })?;
                Secret::new(without_line_end(&text))
            }
        };
        match secret.reveal().is_empty() {
            true => Err(NoSecret::Wrong("is empty".to_owned())),
            false => Ok(secret),
        }
    }
}

fn without_line_end(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}

impl fmt::Debug for WrittenSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            WrittenSecret::Literal(secret) => secret.fmt(f),
            WrittenSecret::Env(name) => write!(f, "(secret in the variable {name})"),
            WrittenSecret::File(path) => write!(f, "(secret in the file {})", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for WrittenSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WrittenSecret, D::Error> {
        let wrong = || D::Error::custom(format!("this is not a secret: {FORMS}"));
        match Value::deserialize(deserializer).map_err(|_| wrong())? {
            Value::String(text) => Ok(WrittenSecret::Literal(Secret::new(text))),
            Value::Object(members) => match members.iter().next() {
                Some((key, Value::String(name))) if members.len() == 1 && key == "env" => {
                    Ok(WrittenSecret::Env(name.clone()))
                }
                Some((key, Value::String(path))) if members.len() == 1 && key == "file" => {
                    Ok(WrittenSecret::File(path.into()))
                }
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        }
    }
}

/// The variable that stands for `secrets.key`, whatever the file says.
pub(super) const VARIABLE: &str = "ROLLBOOK_SECRETS_KEY";

/// What `[secrets]` means.
#[derive(Clone, Debug, Default)]
pub struct SecretsSettings {
    /// The key, or why it could not be had; without it, one in a file of the data directory is used.
    key: Option<Result<Secret, String>>,
    /// What it is called where it is set.
    name: String,
    /// The settings that say so, unless the environment does.
    file: Option<String>,
}

impl SecretsSection {
    pub(super) fn read(self, data: &Path, environment: &Environment, file: &str) -> SecretsSettings {
        let set = environment.get(VARIABLE).map(|_| WrittenSecret::Env(VARIABLE.to_owned()));
        let (name, file) = match (&set, &self.key) {
            (Some(_), _) => (format!("the environment variable {VARIABLE}"), None),
            (None, Some(_)) => ("secrets.key".to_owned(), Some(file.to_owned())),
            (None, None) => (String::new(), None),
        };
        let key = set.or(self.key).map(|written| match written {
            WrittenSecret::Literal(_) => {
                Err("secrets.key is written itself: write { env = \"NAME\" } or { file = \"PATH\" }".to_owned())
            }
            found => found.resolve(data, environment).map_err(|no| match no {
                NoSecret::Wrong(why) => format!("{name} {why}"),
                NoSecret::Lacking(why) => format!("{name}: {why}"),
            }),
        });
        SecretsSettings { key, name, file }
    }
}

impl SecretsSettings {
    /// Whether a key is set, sound or not.
    pub fn is_set(&self) -> bool {
        self.key.is_some()
    }

    /// The key that secrets are sealed with, if one is set.
    ///
    /// # Errors
    /// `Request` if it is not where the settings say, or is none.
    pub fn key(&self) -> Result<Option<[u8; KEY_LENGTH]>> {
        let Some(key) = &self.key else { return Ok(None) };
        let refuse = |why: &str| match &self.file {
            Some(file) => Error::request(why).in_file(file),
            None => Error::request(why),
        };
        let none = || {
            refuse(&format!(
                "{} is not a key: it is {KEY_LENGTH} bytes in base64 or hexadecimal digits, or any text of at least \
                 {LEAST} characters",
                self.name
            ))
        };
        let text = key.as_ref().map_err(|why| refuse(why))?;
        parse_key(text).map(Some).ok_or_else(none)
    }
}

/// How many characters a key has that is a text.
const LEAST: usize = 32;

/// The key that a text says: 32 bytes in hexadecimal digits or base64, or any text that is long enough.
pub(crate) fn parse_key(text: &Secret) -> Option<[u8; KEY_LENGTH]> {
    let text = text.reveal().trim();
    let encoded = hexadecimal(text).or_else(|| STANDARD.decode(text).ok());
    match encoded.and_then(|bytes| bytes.try_into().ok()) {
        Some(key) => Some(key),
        None if text.chars().count() >= LEAST => {
            Some(blake3::derive_key("Rollbook 2026 key of stored secrets", text.as_bytes()))
        }
        None => None,
    }
}

fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    if text.len() != 2 * KEY_LENGTH || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    (0..KEY_LENGTH).map(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()).collect()
}
