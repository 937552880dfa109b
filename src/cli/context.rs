//! What every command works with: the settings, the manner of output, and the way to the installation.

use std::env;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use rollbook::app::App;
use rollbook::config::{Config, Environment};
use rollbook::error::{Error, Result};
use rollbook::repository::Repository;

use super::output::Output;

/// Where everything is kept unless somebody says otherwise.
pub(crate) const DEFAULT_DATA: &str = "rollbook-data";

pub(crate) struct Context {
    pub(crate) config: Config,
    pub(crate) out: Output,
    /// How this program has to be called to mean the same installation.
    pub(crate) program: String,
}

impl Context {
    pub(crate) fn new(data: &Path, config: Option<&Path>, json: bool) -> Result<Context> {
        let mut program = "rollbook".to_owned();
        if data != Path::new(DEFAULT_DATA) && env::var_os("ROLLBOOK_DATA").is_none() {
            program += &format!(" --data {}", typed(data));
        }
        if let (Some(config), None) = (config, env::var_os("ROLLBOOK_CONFIG")) {
            program += &format!(" --config {}", typed(config));
        }
        Ok(Context { config: Config::load(data, config, environment())?, out: Output::new(json), program })
    }

    /// The installation, which is made if there is none.
    pub(crate) fn installation(&self) -> Result<Arc<App>> {
        App::open(self.config.clone()).map(Arc::new)
    }

    /// The installation, if there is one: for commands that only look, and must not make one by a misspelt
    /// directory or address.
    pub(crate) fn installation_if_any(&self) -> Result<Option<Arc<App>>> {
        let is_there = match self.config.repository.file() {
            Some(file) => file.exists(),
            None => Repository::forms(&self.config.repository)?.0 > 0,
        };
        is_there.then(|| self.installation()).transpose()
    }

    /// The installation that a command needs to find.
    ///
    /// # Errors
    /// `NotFound` if there is none.
    pub(crate) fn existing_installation(&self) -> Result<Arc<App>> {
        let missing = || {
            let place = match self.config.repository.file() {
                Some(_) => format!("'{}'", self.config.data.display()),
                None => "the database of repository.url".to_owned(),
            };
            Error::not_found(format!("there is no installation in {place} yet: 'rollbook import' makes one"))
        };
        self.installation_if_any()?.ok_or_else(missing)
    }
}

/// A path as it is typed in a shell.
fn typed(path: &Path) -> String {
    let path = path.display().to_string();
    if path.contains(char::is_whitespace) { format!("'{path}'") } else { path }
}

/// What settings may point to.
pub(super) fn environment() -> Environment {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
    Environment::new(env::vars_os().filter_map(text))
}
