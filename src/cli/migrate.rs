//! `rollbook migrate`: the repository in the form of this program, and an installation in another repository.

use std::path::{Path, PathBuf};

use clap::Args;
use rollbook::config::{Config, RepositorySettings};
use rollbook::error::{Error, Result};
use rollbook::repository::Repository;
use rollbook::transfer::{Compared, From, Moved, move_in};
use serde_json::json;

use super::Verdict;
use super::context::{Context, environment};
use super::output::note;
use super::table::{Column, Table};

const EXAMPLES: &str = "\
Examples:
  rollbook migrate
  rollbook migrate --from rollbook-data --to postgres://rollbook@db.example.com/rollbook
  rollbook migrate --from sqlite:/var/lib/rollbook/rollbook.db --config new.toml";

/// Bring the repository to the form of this program, or move it to PostgreSQL
///
/// Without --from, what every command does when it opens a repository of an older form is done now, and nothing else.
///
/// With --from, everything that an SQLite installation has is copied into a database that has no installation yet, with the
/// spooled files of imports that still need them, and compared with the source. It is all copied or nothing; if it is
/// interrupted, run it again. The source must not be in use and is not changed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct MigrateArgs {
    /// The installation to be moved: its data directory, or sqlite:FILE
    #[arg(long, value_name = "DIR|sqlite:FILE")]
    from: Option<String>,
    /// Where to: postgres://... [default: repository.url of the settings]
    #[arg(long, value_name = "URL", requires = "from")]
    to: Option<String>,
}

pub(crate) fn run(context: &mut Context, args: MigrateArgs) -> Result<Verdict> {
    let Some(from) = args.from else { return plain(context) };
    let to = match args.to {
        Some(to) => context.config.clone().with_repository(&to, "--to")?,
        None => context.config.clone(),
    };
    let from = installation(&from)?;
    let moved = move_in(&from, &to)?;
    report(context, &from, &moved)
}

/// Opening a repository brings it to the form of this program.
fn plain(context: &mut Context) -> Result<Verdict> {
    let (from, to) = Repository::forms(&context.config.repository)?;
    match context.config.repository.file() {
        // It might be that of a misspelt directory.
        Some(_) => context.existing_installation()?,
        None => context.installation()?,
    };
    match (context.out.json, from) {
        (true, _) => context.out.json(&json!({ "from": from, "to": to }))?,
        (false, 0) => context.out.line(format!("The repository is made, in form {to}."))?,
        (false, from) if from == to => context.out.line(format!("The repository has form {to} already."))?,
        (false, from) => context.out.line(format!("The repository is brought from form {from} to form {to}."))?,
    }
    Ok(Verdict::Good)
}

/// The installation that was named, by its data directory or its database.
fn installation(named: &str) -> Result<From> {
    let (data, path) = match named.strip_prefix("sqlite:").map(Path::new) {
        Some(path) => (path.parent().filter(|parent| !parent.as_os_str().is_empty()), Some(path.to_owned())),
        None => (Some(Path::new(named)), None),
    };
    let data = data.unwrap_or(Path::new("."));
    if !data.is_dir() {
        return Err(Error::not_found(format!("there is no data directory '{}' to be moved", data.display())));
    }
    let config = Config::load_beside(data, environment())?;
    let path: PathBuf = match (path, &config.repository) {
        (Some(path), _) => path,
        (None, RepositorySettings::Sqlite(path)) => path.clone(),
        (None, RepositorySettings::Postgres(_)) => {
            let data = data.display();
            return Err(Error::request(format!(
                "the settings in '{data}' name a PostgreSQL database already: write --from sqlite:{data}/rollbook.db"
            )));
        }
    };
    Ok(From { config, path })
}

fn report(context: &mut Context, from: &From, moved: &Moved) -> Result<Verdict> {
    let Moved { tables, files, lost } = moved;
    if context.out.json {
        for Compared { table, source, target } in tables {
            let digest = target.digest.as_deref();
            let line = json!({ "table": table, "source": source.count, "target": target.count, "digest": digest });
            context.out.json(&line)?;
        }
        context
            .out
            .json(&json!({ "files": files, "lost": lost.iter().map(ToString::to_string).collect::<Vec<_>>() }))?;
    } else {
        let mut shown = Table::new(&[
            Column::Text("table"),
            Column::Number("source"),
            Column::Number("target"),
            Column::Text("digest of the objects, on both sides"),
        ]);
        for Compared { table, source, target } in tables {
            let digest = target.digest.clone().unwrap_or_default();
            shown.row([(*table).to_owned(), source.count.to_string(), target.count.to_string(), digest]);
        }
        context.out.line(shown.to_string())?;
        context.out.line(format!("\nMoved from '{}', with {files} spooled files.", from.path.display()))?;
    }
    for import in lost {
        note(format!("the spooled file of import {import} is not there: it cannot be run or applied any more"));
    }
    Ok(Verdict::Good)
}
