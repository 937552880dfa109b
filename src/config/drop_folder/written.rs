//! A drop folder as it is written: in `rollbook.toml`, in a file for `drop-folder set`, or as JSON over REST.
//!
//! In TOML names are `snake_case`, in JSON `camelCase`; both are read everywhere. What is said about a wrong value shows
//! no secret.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::Value;

use crate::config::secrets::WrittenSecret;
use crate::config::unreadable;
use crate::error::{Error, Result};

/// A drop folder as it is written. Its keys are known, and their values are of the right kind; nothing else is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WrittenDropFolder {
    pub(super) name: Option<String>,
    #[serde(alias = "objectType")]
    pub(super) object_type: Option<String>,
    pub(super) bucket: Option<String>,
    #[serde(alias = "baseFolder")]
    pub(super) base_folder: Option<String>,
    #[serde(alias = "dateFormat")]
    pub(super) date_format: Option<Texts>,
    #[serde(alias = "timeZone")]
    pub(super) time_zone: Option<String>,
    #[serde(alias = "pollInterval")]
    pub(super) poll_interval: Option<String>,
    pub(super) cron: Option<String>,
    pub(super) paused: Option<bool>,
    #[serde(alias = "settleTime")]
    pub(super) settle_time: Option<String>,
    #[serde(alias = "maxRecords")]
    pub(super) max_records: Option<u64>,
    #[serde(alias = "maxFileSize")]
    pub(super) max_file_size: Option<String>,
    pub(super) destination: Option<WrittenDestination>,
    #[serde(alias = "accessKey", deserialize_with = "table")]
    pub(super) access_key: Option<WrittenAccessKey>,
    pub(super) role: Option<WrittenRole>,
    pub(super) s3: Option<WrittenS3>,
    #[serde(deserialize_with = "table")]
    pub(super) callback: Option<WrittenCallback>,
    #[serde(alias = "blankCells")]
    pub(super) blank_cells: Option<String>,
    #[serde(alias = "nullToken")]
    pub(super) null_token: Option<String>,
    pub(super) columns: Option<String>,
    #[serde(alias = "disabledColumns")]
    pub(super) disabled_columns: Option<String>,
    #[serde(alias = "readOnlyColumns")]
    pub(super) read_only_columns: Option<String>,
    #[serde(alias = "createMissing")]
    pub(super) create_missing: Option<bool>,
    #[serde(alias = "strictDuplicates")]
    pub(super) strict_duplicates: Option<bool>,
    pub(super) encoding: Option<String>,
    #[serde(alias = "onIdentical")]
    pub(super) on_identical: Option<String>,
    #[serde(alias = "stopOnError")]
    pub(super) stop_on_error: Option<bool>,
    #[serde(alias = "giveUpAfter")]
    pub(super) give_up_after: Option<String>,
    #[serde(alias = "staleAfter")]
    pub(super) stale_after: Option<String>,
    #[serde(alias = "keepProcessed")]
    pub(super) keep_processed: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenDestination {
    pub(super) product: String,
    pub(super) channel: String,
    pub(super) environment: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAccessKey {
    pub(super) id: Option<String>,
    pub(super) secret: Option<WrittenSecret>,
    #[serde(alias = "sessionToken")]
    pub(super) session_token: Option<WrittenSecret>,
    /// Shown where a secret is not; it says nothing when it is put back.
    #[serde(rename = "secretSet", default)]
    _secret_set: bool,
    #[serde(rename = "sessionTokenSet", default)]
    _session_token_set: bool,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenRole {
    pub(super) arn: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenS3 {
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
    #[serde(alias = "pathStyle")]
    pub(super) path_style: Option<bool>,
    #[serde(alias = "stsEndpoint")]
    pub(super) sts_endpoint: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenCallback {
    pub(super) url: Option<String>,
    #[serde(alias = "apiKey")]
    pub(super) api_key: Option<WrittenSecret>,
    #[serde(alias = "allowPrivate", default)]
    pub(super) allow_private: bool,
    /// See [`WrittenAccessKey`].
    #[serde(rename = "apiKeySet", default)]
    _api_key_set: bool,
}

/// One text, or a list of texts.
#[derive(Clone, Debug)]
pub(super) struct Texts(pub(super) Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        struct TextsVisitor;

        impl<'de> Visitor<'de> for TextsVisitor {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(TextsVisitor)
    }
}

/// A table with a secret in it. One that is no table may be the secret, and is not shown.
fn table<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let wrong = || D::Error::custom("this is to be a table: { ... }");
    match Value::deserialize(deserializer).map_err(|_| wrong())? {
        Value::Null => Ok(None),
        table @ Value::Object(_) => serde_json::from_value(table).map(Some).map_err(D::Error::custom),
        _ => Err(wrong()),
    }
}

/// The sentence about an unknown key, with the known ones in one spelling.
pub(in crate::config) fn in_one_spelling(message: &str, is_spelt: impl Fn(&str) -> bool) -> String {
    const EXPECTED: &str = "expected one of ";
    let Some((unknown, known)) = message.split_once(EXPECTED) else { return message.to_owned() };
    let known: Vec<&str> = known.split(", ").filter(|key| is_spelt(key)).collect();
    format!("{unknown}{EXPECTED}{}", known.join(", "))
}

/// A file for `drop-folder set`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DropFolderFile {
    drop_folder: Vec<WrittenDropFolder>,
}

impl WrittenDropFolder {
    /// Reads JSON. Members that begin with `_` are the server's, and are passed over.
    ///
    /// # Errors
    /// `Request` for the first unknown key or value of a wrong kind.
    pub fn from_json(mut json: Value) -> Result<WrittenDropFolder> {
        let Some(members) = json.as_object_mut() else {
            return Err(Error::request("a drop folder is a JSON object"));
        };
        members.retain(|key, _| !key.starts_with('_'));
        serde_json::from_value(json).map_err(|error| {
            let message = error.to_string().replace(['`', '"'], "'");
            Error::request(in_one_spelling(&message, |key| !key.contains('_')))
        })
    }

    /// Reads TOML: one drop folder, or several `[[drop_folder]]`.
    ///
    /// # Errors
    /// `Request` for the first unknown key or value of a wrong kind, with its line.
    pub fn all_in_toml(text: &str) -> Result<Vec<WrittenDropFolder>> {
        let failed = |error| unreadable(text, &error);
        let table: toml::Table = toml::from_str(text).map_err(failed)?;
        match table.contains_key("drop_folder") {
            true => toml::from_str(text).map(|file: DropFolderFile| file.drop_folder).map_err(failed),
            false => toml::from_str(text).map(|folder| vec![folder]).map_err(failed),
        }
    }

    /// Its name, if it has one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Gives it a name, as the address that it is put to says it.
    ///
    /// # Errors
    /// `Request` if it has another one.
    pub fn named(mut self, name: &str) -> Result<WrittenDropFolder> {
        match &self.name {
            Some(own) if own != name => Err(Error::request(format!(
                "the drop folder is named '{own}' in the body, and '{name}' in the address"
            ))),
            _ => {
                self.name = Some(name.to_owned());
                Ok(self)
            }
        }
    }
}
