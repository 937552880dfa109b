//! `[spool]`: where accepted bytes wait for their imports.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::drop_folder::{Bucket, S3Settings, endpoint_fault, is_key_id, is_region, read_bucket};
use super::environment::Environment;
use super::secrets::{NoSecret, WrittenSecret};
use super::values::Values;
use crate::secret::Secret;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct SpoolSection {
    url: Option<String>,
    region: Option<String>,
    endpoint: Option<String>,
    access_key_id: Option<WrittenSecret>,
    secret_access_key: Option<WrittenSecret>,
    session_token: Option<WrittenSecret>,
}

/// Where accepted bytes wait.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SpoolSettings {
    /// In the data directory.
    #[default]
    Own,
    /// In a directory that several processes see.
    Directory(PathBuf),
    /// In a bucket.
    Bucket(SpoolBucket),
}

/// A bucket for a spool.
#[derive(Clone, Debug, PartialEq)]
pub struct SpoolBucket {
    /// As it was written: `s3://BUCKET/FOLDER`.
    pub url: String,
    /// The bucket's name.
    pub name: String,
    /// The folders in it, without outer slashes.
    pub folders: String,
    /// Where it is.
    pub s3: S3Settings,
    /// What lets us in.
    pub key: AccessKey,
}

/// An access key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKey {
    /// Its id.
    pub id: String,
    /// The key itself.
    pub secret: Secret,
    /// Of a temporary key: its session token.
    pub session_token: Option<Secret>,
}

const FORMS: &str = "write 'file:///DIRECTORY' for a directory that all processes see, or 's3://BUCKET/FOLDER'";

impl SpoolSection {
    pub(super) fn read(self, data: &Path, environment: &Environment, values: &mut Values) -> SpoolSettings {
        let bucket = match self.url.as_deref() {
            None => None,
            Some(url) if !url.starts_with("file:///") && !url.starts_with("s3://") => {
                values.mistake(format!("spool.url = '{url}' is not a spool: {FORMS}"));
                return SpoolSettings::Own;
            }
            Some(url) => match read_bucket(url, data) {
                Ok(bucket) => Some((bucket, url.to_owned())),
                Err(why) => {
                    // Its advice is for drop folders.
                    let why = match why.split_once(": write ") {
                        Some((why, _)) => format!("{why}: {FORMS}"),
                        None => why,
                    };
                    values.mistake(format!("spool.url = '{url}' {why}"));
                    return SpoolSettings::Own;
                }
            },
        };
        match bucket {
            Some((Bucket::S3 { name, folders }, url)) => {
                let s3 = self.place(values);
                match self.key(data, environment, values) {
                    Some(key) => SpoolSettings::Bucket(SpoolBucket { url, name, folders, s3, key }),
                    None => SpoolSettings::Own,
                }
            }
            Some((Bucket::Directory(directory), _)) => {
                self.refuse_for_directories(values);
                SpoolSettings::Directory(directory)
            }
            None => {
                self.refuse_for_directories(values);
                SpoolSettings::Own
            }
        }
    }

    fn refuse_for_directories(&self, values: &mut Values) {
        for (key, is_there) in [
            ("region", self.region.is_some()),
            ("endpoint", self.endpoint.is_some()),
            ("access_key_id", self.access_key_id.is_some()),
            ("secret_access_key", self.secret_access_key.is_some()),
            ("session_token", self.session_token.is_some()),
        ] {
            if is_there {
                values.mistake(format!("spool.{key} is for a bucket, and the spool is a directory: {FORMS}"));
            }
        }
    }

    fn place(&self, values: &mut Values) -> S3Settings {
        if let Some(region) = self.region.as_ref().filter(|region| !is_region(region)) {
            values.mistake(format!("spool.region = '{region}' is not a region: write for example 'eu-central-1'"));
        }
        if let Some(fault) = self.endpoint.as_deref().and_then(|endpoint| endpoint_fault(endpoint, true)) {
            values.mistake(format!("spool.endpoint{fault}"));
        }
        let (region, endpoint) = (self.region.clone(), self.endpoint.clone());
        S3Settings { region, endpoint, ..S3Settings::default() }
    }

    /// The keys that are set, or else those of the environment.
    fn key(self, data: &Path, environment: &Environment, values: &mut Values) -> Option<AccessKey> {
        let mut read = |key: &str, written: Option<WrittenSecret>| {
            let resolved = written.map(|written| written.resolve(data, environment)).transpose();
            resolved.map_err(|no| {
                values.mistake(match no {
                    NoSecret::Wrong(why) => format!("spool.{key} {why}"),
                    NoSecret::Lacking(why) => format!("spool.{key}: {why}"),
                });
            })
        };
        let id = read("access_key_id", self.access_key_id);
        let secret = read("secret_access_key", self.secret_access_key);
        let session_token = read("session_token", self.session_token);
        let (id, secret, session_token) = (id.ok()?, secret.ok()?, session_token.ok()?);
        match (id, secret, session_token) {
            (Some(id), Some(secret), session_token) => {
                let id = id.reveal().to_owned();
                if !is_key_id(&id) {
                    // It may be the secret in the wrong place.
                    values.mistake("spool.access_key_id is not an id: it has neither blanks nor slashes");
                    return None;
                }
                Some(AccessKey { id, secret, session_token })
            }
            (None, None, None) => {
                let identity = environment.aws_identity();
                if identity.is_none() {
                    values.mistake(
                        "spool.access_key_id and spool.secret_access_key are missing, and so are AWS_ACCESS_KEY_ID and \
                         AWS_SECRET_ACCESS_KEY in the environment: one pair of them lets us into the bucket of the spool",
                    );
                }
                identity.map(|identity| AccessKey {
                    id: identity.key_id,
                    secret: identity.secret,
                    session_token: identity.session_token,
                })
            }
            (None, ..) => {
                values.mistake("spool.access_key_id is missing: a key consists of its id and its secret");
                None
            }
            (_, None, _) => {
                values.mistake("spool.secret_access_key is missing: a key consists of its id and its secret");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use super::{SpoolSection, SpoolSettings};
    use crate::config::Environment;
    use crate::config::values::Values;

    fn read(text: &str, variables: &[(&str, &str)]) -> Result<SpoolSettings, String> {
        let section: SpoolSection = toml::from_str(text).expect("TOML");
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut values = Values::default();
        let settings = section.read(Path::new("data"), &Environment::new(variables), &mut values);
        let mistakes = values.into_mistakes();
        if mistakes.is_empty() { Ok(settings) } else { Err(mistakes.join("\n")) }
    }

    #[test]
    fn every_form() {
        assert_eq!(read("", &[]), Ok(SpoolSettings::Own));
        let directory = SpoolSettings::Directory(PathBuf::from("/nowhere/at/all"));
        assert_eq!(read("url = 'file:///nowhere/at/all'", &[]), Ok(directory));
        let text = "url = 's3://bulk/spool/px'\nendpoint = 'http://127.0.0.1:9000'\naccess_key_id = 'AKIA1'\n\
                    secret_access_key = { env = 'SESAME' }";
        let Ok(SpoolSettings::Bucket(bucket)) = read(text, &[("SESAME", "open")]) else { panic!("no bucket") };
        assert_eq!((bucket.name.as_str(), bucket.folders.as_str()), ("bulk", "spool/px"));
        assert_eq!((bucket.key.id.as_str(), bucket.key.secret.reveal()), ("AKIA1", "open"));
        let ours = [("AWS_ACCESS_KEY_ID", "AKIA2"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_SESSION_TOKEN", "t")];
        let Ok(SpoolSettings::Bucket(bucket)) = read("url = 's3://bulk'", &ours) else { panic!("no bucket") };
        assert_eq!(bucket.key.id, "AKIA2");
        assert_eq!(bucket.key.session_token.expect("a token").reveal(), "t");
    }

    #[test]
    fn every_mistake_is_a_sentence() {
        let mut said = Vec::new();
        for text in [
            "url = 'drop'",
            "url = 'file:drop'",
            "url = 'file:///'",
            "url = 's3://X'",
            "region = 'eu-central-1'",
            "url = 'file:///shared'\naccess_key_id = 'AKIA1'",
            "url = 's3://bulk'",
            "url = 's3://bulk'\naccess_key_id = 'AKIA1'",
            "url = 's3://bulk'\nsecret_access_key = 's'",
            "url = 's3://bulk'\naccess_key_id = 'a/b'\nsecret_access_key = 's'",
            "url = 's3://bulk'\naccess_key_id = 'AKIA1'\nsecret_access_key = { env = 'SESAME' }",
            "url = 's3://bulk'\nregion = 'here and there'\nendpoint = 'http://h/x'\naccess_key_id = 'A'\n\
             secret_access_key = 's'",
        ] {
            said.push(read(text, &[]).expect_err(text));
        }
        insta::assert_snapshot!(said.join("\n"), @"
        spool.url = 'drop' is not a spool: write 'file:///DIRECTORY' for a directory that all processes see, or 's3://BUCKET/FOLDER'
        spool.url = 'file:drop' is not a spool: write 'file:///DIRECTORY' for a directory that all processes see, or 's3://BUCKET/FOLDER'
        spool.url = 'file:///' names no directory: write 'file:///DIRECTORY' for a directory that all processes see, or 's3://BUCKET/FOLDER'
        spool.url = 's3://X' has no name of a bucket, which is 3 to 63 letters, digits, '-', '.' and '_'
        spool.region is for a bucket, and the spool is a directory: write 'file:///DIRECTORY' for a directory that all processes see, or 's3://BUCKET/FOLDER'
        spool.access_key_id is for a bucket, and the spool is a directory: write 'file:///DIRECTORY' for a directory that all processes see, or 's3://BUCKET/FOLDER'
        spool.access_key_id and spool.secret_access_key are missing, and so are AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment: one pair of them lets us into the bucket of the spool
        spool.secret_access_key is missing: a key consists of its id and its secret
        spool.access_key_id is missing: a key consists of its id and its secret
        spool.access_key_id is not an id: it has neither blanks nor slashes
        spool.secret_access_key: the environment variable 'SESAME' is not set
        spool.region = 'here and there' is not a region: write for example 'eu-central-1'
        spool.endpoint = 'http://h/x' has more than a host and a port: write 'https://HOST:PORT'
        ");
    }
}
