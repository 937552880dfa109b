//! Settings, to be looked at.

use std::path::Path;

use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::routing::get;

use super::origin::origin;
use super::page::{Chrome, Section, html};
use super::visitor::Visitor;
use crate::access::Role;
use crate::config::{
    Config, Pointer, RepositorySettings, SectionOverview, SettingOverview, Shown, Source, SpoolSettings,
};
use crate::error::{Error, Kind, Result};
use crate::http::{Door, Problem};
use crate::repository::Repository;

pub(super) fn routes() -> Router<Door> {
    Router::new().route("/console/settings", get(show))
}

#[derive(Template)]
#[template(path = "settings/list.html")]
struct SettingsPage {
    chrome: Chrome,
    facts: Vec<(&'static str, String)>,
    sections: Vec<SectionOverview>,
    /// The drop folders of the file, and what their records become.
    drop_folders: Vec<(String, String)>,
}

impl SettingsPage {
    /// Where the value of a setting is from, in words.
    fn source(&self, setting: &SettingOverview) -> String {
        match &setting.source {
            Source::Default => "default".to_owned(),
            Source::File(None) => "rollbook.toml".to_owned(),
            Source::File(Some(Pointer::Env(name))) => format!("rollbook.toml: environment variable {name}"),
            Source::File(Some(Pointer::File(path))) => format!("rollbook.toml: file {path}"),
            Source::Environment(name) => format!("environment variable {name}"),
            Source::CommandLine(option) => format!("command line: {option}"),
        }
    }
}

async fn show(State(door): State<Door>, visitor: Visitor, headers: HeaderMap) -> Result<Response, Problem> {
    visitor.principal.must_be(Role::Admin)?;
    if visitor.principal.object_types.is_some() {
        let said = "the settings are for administrators of all object types, and you see only some";
        return Err(Error::new(Kind::Forbidden, said).into());
    }
    let at = origin(&headers, &door.app.config.server);
    let page = move |door: &Door| {
        let config = &door.app.config;
        let set = config.drop_folders.sound().iter();
        Ok(SettingsPage {
            chrome: Chrome::new("Settings", Section::Settings, &visitor),
            facts: facts(config, at)?,
            sections: config.overview(),
            drop_folders: set.map(|folder| (folder.name.to_string(), folder.object_type.to_string())).collect(),
        })
    };
    Ok(html(&door.run(page).await?)?)
}

/// What this installation is.
fn facts(config: &Config, at: String) -> Result<Vec<(&'static str, String)>> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    let (form, latest) = Repository::forms(&config.repository)?;
    let repository = match &config.repository {
        RepositorySettings::Sqlite(path) => format!("SQLite, {}", absolute(path)),
        RepositorySettings::Postgres(settings) => format!("PostgreSQL, {}", settings.place()),
    };
    let form = if form == latest { format!("form {form}") } else { format!("form {form} (of {latest})") };
    let spool = match &config.spool {
        SpoolSettings::Own => absolute(&config.data.join("spool")),
        SpoolSettings::Directory(path) => absolute(path),
        SpoolSettings::Bucket(bucket) => bucket.url.clone(),
    };
    let file = match config.written.file().exists() {
        true => absolute(config.written.file()),
        false => format!("none: it would be {}", absolute(config.written.file())),
    };
    Ok(vec![
        ("Version", format!("Rollbook {}", env!("CARGO_PKG_VERSION"))),
        ("Address", at),
        ("Data directory", absolute(&config.data)),
        ("Repository", format!("{repository}, {form}")),
        ("Spool", spool),
        ("Settings file", file),
    ])
}
