//! Arguments that say what to make of a file, and the plan they mean.

use std::env;
use std::io::stdin;
use std::path::Path;

use clap::Args;
use rollbook::app::{Source, Submission};
use rollbook::error::{Error, Result};
use rollbook::plan::{BlankCells, Caller, ColumnRules, DuplicateKeys, OnFailure, Origin, Plan};
use rollbook::schema::{DateFormats, TypeName};

/// How cells are read: the same for an import and for a check.
#[derive(Debug, Args)]
pub(crate) struct CellArgs {
    /// What an empty cell means: 'clear' removes the property (a new object gets its default), 'keep' leaves it as it
    /// is
    #[arg(long, value_name = "WHAT", default_value = "clear")]
    blank: BlankCells,
    /// How dates are written, as a Java pattern such as "dd.MM.yyyy"; also iso8601, epoch_s and epoch_ms. May be
    /// repeated: the first that fits is taken [default: iso8601]
    #[arg(long = "date-format", value_name = "PATTERN")]
    date_formats: Vec<String>,
}

/// The plan of an import in which a record that fails does not hold up the others.
///
/// # Errors
/// `Request` if a date format cannot be read, so that nothing is queued because of a slip in typing.
pub(crate) fn plan(object_type: TypeName, unique: Vec<String>, cells: &CellArgs, time_zone: &str) -> Result<Plan> {
    if !cells.date_formats.is_empty() {
        DateFormats::compile(&cells.date_formats)?;
    }
    let plan = Plan {
        object_type,
        correlation: unique,
        on_failure: OnFailure::SkipRecord,
        blank_cells: cells.blank,
        duplicate_keys: DuplicateKeys::FailLater,
        date_formats: cells.date_formats.clone(),
        time_zone: time_zone.to_owned(),
        max_records: 0,
        columns: ColumnRules::default(),
        null_token: None,
        create_missing: true,
        encoding: None,
        gzip_only: false,
        dropped: None,
        origin: Origin::Cli,
        caller: caller(),
        dry_run: false,
    };
    Ok(plan.normalised())
}

/// Who types.
pub(crate) fn caller() -> Caller {
    Caller {
        auth_id: env::var("USER").ok().filter(|name| !name.is_empty()).unwrap_or_else(|| "cli".to_owned()),
        authz_component: "cli".to_owned(),
    }
}

/// The files as they are submitted, `-` being standard input.
///
/// # Errors
/// `Request` if standard input is named twice.
pub(crate) fn submissions(files: &[std::path::PathBuf], plan: &Plan) -> Result<Vec<Submission>> {
    if files.iter().filter(|file| is_stdin(file)).count() > 1 {
        return Err(Error::request("standard input, '-', can be read once only"));
    }
    let submission = |file: &std::path::PathBuf| match is_stdin(file) {
        true => Submission {
            source: Source::Stream(Box::new(stdin())),
            filename: "standard input".to_owned(),
            plan: plan.clone(),
        },
        false => {
            let filename = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
            Submission { source: Source::File(file.clone()), filename, plan: plan.clone() }
        }
    };
    Ok(files.iter().map(submission).collect())
}

fn is_stdin(file: &Path) -> bool {
    file == Path::new("-")
}
