//! `rollbook check`: what is wrong with a file, before there is anything to import it into.
//!
//! The very engine that imports looks at the file, as a dry run in an installation that is made for the purpose and
//! thrown away. So a check cannot come to differ from an import.

use std::env;
use std::fs::{self, DirBuilder};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rollbook::app::App;
use rollbook::config::{Config, RepositorySettings, SpoolSettings};
use rollbook::error::{Error, Result};
use rollbook::import::ImportId;
use rollbook::schema::{ObjectType, TypeName};

use super::Verdict;
use super::context::Context;
use super::definitions::{compile, object_type, read_definitions};
use super::import::{check_failures_file, shows_progress};
use super::plan::{CellArgs, plan, submissions};
use super::report::{Subject, report};
use super::running::run_to_end;

const EXAMPLES: &str = "\
Examples:
  rollbook check users.csv --against managed/user
  rollbook check users.csv --against managed/user --failures wrong.csv
  rollbook check users.csv --against my-type.json --unique employeeNumber
  rollbook check users.csv --against managed.json#alpha_user";

/// Check files against an object type, changing nothing
///
/// Says what an import would say if there were no objects yet: every record that would fail, with its reasons. It needs
/// no installation; where there is one, its object types are used, else the starter types. Each file is checked for
/// itself. To learn what a file would do to the objects there are, use 'rollbook import --dry-run'.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CheckArgs {
    /// CSV files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The object type, such as managed/user; or a file with its definition, with #NAME if it has several
    #[arg(long, value_name = "TYPE")]
    against: String,
    /// The properties that together tell objects apart [default: the type's first unique, else its first required
    /// property]
    #[arg(long, value_name = "PROPERTY", value_delimiter = ',')]
    unique: Vec<String>,
    #[command(flatten)]
    cells: CellArgs,
    /// Write the records that would fail to this file, to be corrected and imported. Those of the second file go to
    /// OUT-2.csv, and so on
    #[arg(long, value_name = "OUT.csv")]
    failures: Option<PathBuf>,
}

pub(crate) fn run(context: &mut Context, args: CheckArgs) -> Result<Verdict> {
    let object_type = type_to_check(context, &args.against)?;
    let unique = if args.unique.is_empty() { key_of(&object_type)? } else { args.unique };
    let mut plan = plan(object_type.name().clone(), unique, &args.cells, &context.config.time_zone)?;
    plan.dry_run = true;
    plan.validate()?;
    check_failures_file(args.failures.as_deref(), &args.files)?;
    let submissions = submissions(&args.files, &plan)?;
    let scratch = Scratch::new()?;
    let app = scratch.installation(&context.config)?;
    app.repository.apply_types(std::slice::from_ref(object_type.definition()))?;
    let ids = app.submit(submissions)?;
    let checks = run_to_end(&app, &ids, shows_progress(context))?;
    report(context, &app, &checks, args.failures.as_deref(), Subject::Checks)
}

/// The type that was named, or the one in the file that was named.
fn type_to_check(context: &Context, against: &str) -> Result<ObjectType> {
    if let Ok(name) = against.parse::<TypeName>() {
        return object_type(context, &name);
    }
    let (path, wanted) = match against.rsplit_once('#') {
        Some((path, name)) if !Path::new(against).exists() => (path, Some(name)),
        _ => (against, None),
    };
    if wanted.is_none() && !Path::new(path).exists() {
        let message =
            format!("'{against}' is neither a name of an object type, managed/NAME, nor a file with a definition");
        return Err(Error::request(message));
    }
    let definitions = read_definitions(Path::new(path))?;
    let names: Vec<&str> = definitions.iter().filter_map(|definition| definition["name"].as_str()).collect();
    let refuse = |why: String| Err(Error::request(format!("{why}: {}", names.join(", "))).in_file(path));
    match (wanted, definitions.as_slice()) {
        (None, [definition]) => compile(definition),
        (None, _) => refuse(format!("choose one of its object types, as in --against {path}#NAME")),
        (Some(wanted), all) => match all.iter().find(|definition| definition["name"] == wanted) {
            Some(definition) => compile(definition),
            None => refuse(format!("there is no object type '{wanted}' in it; there are")),
        },
    }
}

/// The property that most likely tells objects of the type apart.
fn key_of(object_type: &ObjectType) -> Result<Vec<String>> {
    let unique = object_type.unique_properties().map(|property| property.path.as_str());
    let required = object_type.required_properties().map(|property| property.path.as_str());
    let key = unique.chain(required).chain(object_type.template_columns()).next();
    key.map(|path| vec![path.to_owned()]).ok_or_else(|| {
        let name = object_type.name();
        Error::request(format!(
            "{name} has no properties of its own: say with --unique which column tells objects apart"
        ))
    })
}

/// A directory that is removed with everything in it. The records in it may be nobody else's business.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Result<Scratch> {
        let path = env::temp_dir().join(format!("rollbook-check-{}", ImportId::random()));
        let mut builder = DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| {
            Error::storage(format!("the temporary directory '{}' could not be made", path.display()), error)
        })?;
        Ok(Scratch(path))
    }

    fn installation(&self, config: &Config) -> Result<Arc<App>> {
        let repository = RepositorySettings::Sqlite(self.0.join("rollbook.db"));
        let spool = SpoolSettings::Own;
        App::open(Config { data: self.0.clone(), repository, spool, ..config.clone() }).map(Arc::new)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
