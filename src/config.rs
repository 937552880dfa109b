//! What the operator wrote (`rollbook.toml`), and what it means.
//!
//! [`ConfigFile`] is the file as written; [`Config`] is built from it once, with everything parsed, and does not change.
//! Unknown keys are refused, so that a misspelt setting is not silently without effect.
//!
//! A section has a file of its own: what is written (`ServerSection`) and what it means ([`ServerSettings`]), one made
//! into the other by `read`, which notes every mistake and goes on.

mod drop_folder;
mod environment;
mod import;
mod oidc;
mod overview;
mod repository;
mod secrets;
mod server;
mod spool;
mod upload;
mod values;
mod written;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

pub use self::drop_folder::{
    Authorization, Bucket, CallbackSettings, DropFolder, DropFolderLimits, DropFolderSettings, FileRules, Ground, KEY,
    OnIdentical, S3Settings, Schedule, SetBy, WrittenDropFolder, about, filled,
};
use self::drop_folder::{DropFoldersSection, Surroundings, in_one_spelling};
pub use self::environment::{AwsIdentity, Environment};
use self::import::ImportSection;
pub use self::import::{Limits, Memory, Pace};
use self::oidc::OidcSection;
pub(crate) use self::oidc::is_trustworthy;
pub use self::oidc::{OidcClient, OidcSettings};
pub use self::overview::{SectionOverview, SettingOverview, Shown};
use self::repository::RepositorySection;
pub use self::repository::{PostgresSettings, RepositorySettings};
use self::secrets::SecretsSection;
pub use self::secrets::SecretsSettings;
pub(crate) use self::secrets::parse_key;
use self::server::ServerSection;
pub use self::server::{Certificate, ServerSettings};
use self::spool::SpoolSection;
pub use self::spool::{AccessKey, SpoolBucket, SpoolSettings};
use self::upload::UploadSection;
pub use self::upload::UploadSettings;
use self::values::Values;
pub use self::values::parse_duration;
pub use self::written::{Pointer, Source, Written};
use crate::error::{Error, Result};
use crate::secret::Secret;

/// The file as written. Every key may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    server: ServerSection,
    repository: RepositorySection,
    spool: SpoolSection,
    upload: UploadSection,
    import: ImportSection,
    oidc: Option<OidcSection>,
    secrets: SecretsSection,
    drop_folders: DropFoldersSection,
    drop_folder: Vec<WrittenDropFolder>,
}

/// What the settings mean.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory that everything embedded lies in.
    pub data: PathBuf,
    /// Where all storage is.
    pub repository: RepositorySettings,
    /// Where accepted bytes wait.
    pub spool: SpoolSettings,
    /// How the REST door is served.
    pub server: ServerSettings,
    /// How much may be sent at once.
    pub upload: UploadSettings,
    /// Whose JWTs are taken besides our own tokens.
    pub oidc: Option<OidcSettings>,
    /// What of `import.memory` is for stored things.
    pub memory: Memory,
    /// What a file may do to us.
    pub limits: Limits,
    /// The time zone of dates that name none.
    pub time_zone: String,
    /// How often an import commits and looks up.
    pub pace: Pace,
    /// The key that stored secrets are sealed with.
    pub secrets: SecretsSettings,
    /// How far administrators may go with drop folders.
    pub drop_folder_limits: DropFolderLimits,
    /// The drop folders of the file.
    pub drop_folders: DropFolderSettings,
    /// The environment that settings may point to.
    pub environment: Environment,
    /// Which of them somebody has written, and where.
    pub written: Written,
}

impl Config {
    /// Reads the settings: from `file` if named, else from `rollbook.toml` in the data directory if there is one.
    ///
    /// # Errors
    /// A file that is named and missing, an unknown key, or a value that makes no sense, with its place. What is wrong
    /// with drop folders and secrets only is told where they are asked for.
    pub fn load(data: &Path, file: Option<&Path>, environment: Environment) -> Result<Config> {
        let own = data.join("rollbook.toml");
        let path = file.unwrap_or(&own);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => String::new(),
            Err(error) => {
                let doing = format!("the configuration '{}' could not be read", path.display());
                return Err(Error::storage(doing, error));
            }
        };
        let named = path.display().to_string();
        Config::parse(data, &text, &named, environment)
    }

    /// Reads the settings of another installation than the one that the environment speaks of.
    ///
    /// # Errors
    /// See [`Config::load`].
    pub fn load_beside(data: &Path, environment: Environment) -> Result<Config> {
        Config::load(data, None, environment.without(&[repository::VARIABLE]))
    }

    /// Listens elsewhere, as an option of this name says.
    pub fn listen_at(&mut self, listen: String, option: &'static str) {
        self.server.listen = listen;
        self.written.by_option("server.listen", option);
    }

    /// The same settings with another repository, as an option of this name says.
    ///
    /// # Errors
    /// `Request` if it is none.
    pub fn with_repository(mut self, url: &str, option: &'static str) -> Result<Config> {
        let parsed = repository::parse(Secret::new(url), repository::LEASE, &self.data);
        self.repository = parsed.map_err(|wrong| Error::request(format!("{option} {wrong}")))?;
        Ok(self)
    }

    fn parse(data: &Path, text: &str, named: &str, environment: Environment) -> Result<Config> {
        let file: ConfigFile = toml::from_str(text).map_err(|error| unreadable(text, &error).in_file(named))?;
        let mut values = Values::default();
        let server = file.server.read(data, &mut values);
        let upload = file.upload.read(&mut values);
        let import = file.import.read(&mut values);
        let oidc = file.oidc.map(|section| section.read(data, &environment, &mut values));
        let repository = file.repository.read(data, &environment, &mut values);
        let spool = file.spool.read(data, &environment, &mut values);
        let limits = file.drop_folders.read();
        let around = Surroundings { data, environment: &environment, limits: &limits, time_zone: &import.time_zone };
        let drop_folders = DropFolderSettings::read(file.drop_folder, &around, named.to_owned());
        let elsewhere = values.take_elsewhere();
        let mut mistakes = values.into_mistakes();
        if !mistakes.is_empty() {
            mistakes.extend_from_slice(drop_folders.mistakes());
            mistakes.extend(elsewhere);
            return Err(Error::request(mistakes.join("; ")).in_file(named));
        }
        if !elsewhere.is_empty() {
            return Err(Error::request(elsewhere.join("; ")));
        }
        Ok(Config {
            data: data.to_owned(),
            repository,
            spool,
            server,
            upload,
            oidc,
            memory: import.memory,
            limits: import.limits,
            time_zone: import.time_zone,
            pace: import.pace,
            secrets: file.secrets.read(data, &environment, named),
            drop_folder_limits: limits,
            drop_folders,
            environment,
            written: Written::of(text, named),
        })
    }
}

impl Config {
    /// What a drop folder that somebody sets now means.
    ///
    /// # Errors
    /// `Request` with everything that is wrong with it.
    pub fn drop_folder(&self, written: WrittenDropFolder, set_by: SetBy) -> Result<DropFolder> {
        let around = Surroundings {
            data: &self.data,
            environment: &self.environment,
            limits: &self.drop_folder_limits,
            time_zone: &self.time_zone,
        };
        DropFolder::read(written, set_by, &around)
    }
}

/// What the TOML library says, on one line and with the line it is about.
fn unreadable(text: &str, error: &toml::de::Error) -> Error {
    let message = error.message().replace(['`', '"'], "'").replace('\n', ", ");
    let message = in_one_spelling(&message, |key| !key.contains(|c: char| c.is_ascii_uppercase()));
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => Error::request(format!("line {}: {message}", before.matches('\n').count() + 1)),
        None => Error::request(message),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Config, Environment};
    use crate::error::Result;

    fn parse(text: &str) -> Result<Config> {
        Config::parse(Path::new("data"), text, "rollbook.toml", Environment::default())
    }

    #[test]
    fn every_mistake_is_reported() {
        let text = "[repository]\nurl = 'oracle:x'\n[import]\nmemory = 'lots'\ntime_zone = 'Mars'\n";
        let error = parse(text).expect_err("three mistakes");
        insta::assert_snapshot!(error, @"rollbook.toml: import.memory = 'lots' is not a size: write for example '256MB'; import.time_zone: 'Mars' is not a time zone; names look like UTC, Europe/Berlin or Asia/Seoul; repository.url = 'oracle:x' is not a repository: write for example 'sqlite:rollbook.db' or 'postgres://rollbook@db.example.com/rollbook'");
    }

    #[test]
    fn a_value_is_told_with_its_place() {
        let read = |text: &str, variable: (&str, &str)| {
            let variables = Environment::new([(variable.0.to_owned(), variable.1.to_owned())]);
            Config::parse(Path::new("data"), text, "rollbook.toml", variables)
        };
        let mut said = Vec::new();
        for (text, variable) in [
            ("", ("ROLLBOOK_REPOSITORY_URL", "mysql://x")),
            ("[repository]\nurl = 'oracle:x'\n", ("ROLLBOOK_REPOSITORY_URL", "sqlite:/x.db")),
            ("[import]\nmemory = 'lots'\n", ("ROLLBOOK_REPOSITORY_URL", "mysql://x")),
            ("[repository]\nurl = { env = 'DATABASE' }\n", ("DATABASE", "mysql://u:p@x")),
        ] {
            said.push(read(text, variable).expect_err(text).to_string());
        }
        let key = read("", ("ROLLBOOK_SECRETS_KEY", "short")).and_then(|config| config.secrets.key());
        said.push(key.expect_err("short").to_string());
        let other = parse("").and_then(|config| config.with_repository("mysql://x", "--to"));
        said.push(other.expect_err("no repository").to_string());
        insta::assert_snapshot!(said.join("\n"), @"
        the environment variable ROLLBOOK_REPOSITORY_URL = 'mysql://x' is not a repository: write for example 'sqlite:rollbook.db' or 'postgres://rollbook@db.example.com/rollbook'
        the environment variable ROLLBOOK_REPOSITORY_URL = 'sqlite:/x.db' lies outside the data directory: write 'sqlite:rollbook.db'
        rollbook.toml: import.memory = 'lots' is not a size: write for example '256MB'; the environment variable ROLLBOOK_REPOSITORY_URL = 'mysql://x' is not a repository: write for example 'sqlite:rollbook.db' or 'postgres://rollbook@db.example.com/rollbook'
        rollbook.toml: repository.url (the environment variable 'DATABASE') = 'mysql:...' is not a repository: write for example 'sqlite:rollbook.db' or 'postgres://rollbook@db.example.com/rollbook'
        the environment variable ROLLBOOK_SECRETS_KEY is not a key: it is 32 bytes in base64 or hexadecimal digits, or any text of at least 32 characters
        --to 'mysql://x' is not a repository: write for example 'sqlite:rollbook.db' or 'postgres://rollbook@db.example.com/rollbook'
        ");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let error = parse("[import]\nmemroy = '1GB'\n").expect_err("misspelt");
        insta::assert_snapshot!(error, @"rollbook.toml: line 2: unknown field 'memroy', expected one of 'memory', 'time_zone', 'commit_every', 'round', 'max_columns', 'max_record_size', 'max_line_breaks', 'max_decompressed_size', 'max_ratio'");
        let error = parse("[import]\nround = 'many'\n").expect_err("no number");
        insta::assert_snapshot!(error, @"rollbook.toml: line 2: invalid type: string 'many', expected usize");
        let error = parse("[import\n").expect_err("no TOML");
        insta::assert_snapshot!(error, @"rollbook.toml: line 1: unclosed table, expected ']'");
    }
}
