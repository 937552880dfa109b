//! `rollbook drop-folder list` and `show`.

use clap::Args;
use rollbook::app::App;
use rollbook::config::SetBy;
use rollbook::drop_folder::{DropFolders, Registered};
use rollbook::error::Result;
use serde_json::{Value, json};

use super::NameArgs;
use super::runs::{table, told};
use crate::cli::Verdict;
use crate::cli::context::Context;
use crate::cli::output::note;
use crate::cli::table::{Column, Table};
use rollbook::figures::moment;

/// So many runs are shown with a drop folder.
const LAST: usize = 5;

/// Show the settings of a drop folder, how it stands, and its last runs
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    named: NameArgs,
    /// Print nothing but the secret that callbacks are signed with, for whoever checks their signatures
    #[arg(long)]
    signing_secret: bool,
}

pub(crate) fn list(context: &mut Context, folders: &DropFolders) -> Result<Verdict> {
    let all = folders.registered()?;
    let mut table = Table::new(
        &["name", "into", "files", "schedule", "last look (UTC)", "next look (UTC)", "state"].map(Column::Text),
    );
    for registered in &all {
        let standing = folders.standing(registered)?;
        if context.out.json {
            context.out.json(&standing.to_json(registered))?;
            continue;
        }
        let looked = |at: &Option<String>| at.as_deref().map_or_else(|| "-".to_owned(), moment);
        let state = match &standing.problem {
            None => standing.health.name().to_owned(),
            Some(problem) => format!("{}: {problem}", standing.health.name()),
        };
        table.row([
            registered.name.clone(),
            registered.settings["objectType"].as_str().unwrap_or_default().to_owned(),
            files(&registered.settings),
            schedule(&registered.settings),
            looked(&standing.last_poll),
            looked(&standing.next_poll),
            state,
        ]);
    }
    match all.is_empty() {
        true => note("there are no drop folders"),
        false if context.out.json => {}
        false => context.out.line(table)?,
    }
    Ok(Verdict::Good)
}

/// The bucket and the base folder, as they were written.
fn files(settings: &Value) -> String {
    let text = |name: &str| settings[name].as_str().unwrap_or_default().trim_end_matches('/').to_owned();
    let (bucket, base) = (text("bucket"), text("baseFolder"));
    if base.is_empty() { bucket } else { format!("{bucket}/{base}") }
}

fn schedule(settings: &Value) -> String {
    match (settings["pollInterval"].as_str(), settings["cron"].as_str()) {
        _ if settings["paused"] == true => "paused".to_owned(),
        (Some(interval), _) => format!("every {interval}"),
        (None, cron) => cron.unwrap_or_default().to_owned(),
    }
}

pub(crate) fn show(context: &mut Context, app: &App, folders: &DropFolders, args: &ShowArgs) -> Result<Verdict> {
    let name = args.named.name.as_str();
    if args.signing_secret {
        let secret = folders.signing_secret(&folders.get(name)?)?;
        match context.out.json {
            true => context.out.json(&json!({ "signingSecret": secret.reveal() }))?,
            false => context.out.line(secret.reveal())?,
        }
        return Ok(Verdict::Good);
    }
    let registered = folders.find(name)?;
    if context.out.json {
        context.out.json(&folders.shown(&registered)?)?;
        return Ok(Verdict::Good);
    }
    let standing = folders.standing(&registered)?;
    let mut lines = Table::without_headings();
    lines_of(&mut lines, "", &registered.settings);
    let mut line = |name: &str, value: String| lines.row([name.to_owned(), value]);
    line("set by", set_by(&registered));
    if let Ok(folder) = &registered.folder {
        line("ExternalId", folders.state(folder)?.external_id);
    }
    line("state", standing.health.name().to_owned());
    if let Some(problem) = &standing.problem {
        line("problem", problem.clone());
    }
    standing.notices.iter().for_each(|notice| line("notice", notice.clone()));
    if standing.callback_off {
        line("callbacks", "off: their receiver answered 410".to_owned());
    }
    context.out.line(lines)?;
    let runs = app.repository.runs(name, LAST)?;
    if !runs.is_empty() {
        context.out.line(format!("\nLast runs:\n{}", table(&runs)))?;
    }
    for run in &runs {
        if let Some(callback) = app.repository.callback(run.id)? {
            let attempts = app.repository.callback_attempts(run.id)?;
            context.out.line(format!(
                "callback about {}: {}",
                run.partition,
                told(Some(&callback), attempts.last())
            ))?;
        }
    }
    Ok(Verdict::Good)
}

/// Each setting on a line, named as in rollbook.toml.
fn lines_of(lines: &mut Table, within: &str, settings: &Value) {
    for (name, value) in settings.as_object().into_iter().flatten() {
        let name = format!("{within}{}", snake_case(name));
        match value {
            Value::Object(_) => lines_of(lines, &format!("{name}."), value),
            Value::String(text) => lines.row([name, text.clone()]),
            Value::Array(texts) => {
                let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
                lines.row([name, texts.join(", ")]);
            }
            other => lines.row([name, other.to_string()]),
        }
    }
}

/// `poll_interval` of `pollInterval`.
fn snake_case(name: &str) -> String {
    let mut text = String::with_capacity(name.len() + 2);
    for letter in name.chars() {
        if letter.is_ascii_uppercase() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

fn set_by(registered: &Registered) -> String {
    match registered.set_by {
        SetBy::File => "rollbook.toml".to_owned(),
        SetBy::Operator => "rollbook drop-folder set".to_owned(),
        SetBy::Administrator => "an administrator".to_owned(),
    }
}
