//! `rollbook import`: files in, an account of every record out.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rollbook::app::App;
use rollbook::error::{Error, Result};
use rollbook::import::ImportId;
use rollbook::plan::{DuplicateKeys, OnFailure};
use rollbook::schema::TypeName;

use super::Verdict;
use super::context::Context;
use super::failures_file::numbered;
use super::new_file::check_place;
use super::output::complain;
use super::plan::{CellArgs, plan, submissions};
use super::report::{Subject, report};
use super::running::run_to_end;

const EXAMPLES: &str = "\
Examples:
  rollbook import users.csv --into managed/user --unique userName
  rollbook import users.csv.gz --into managed/user --unique userName --dry-run
  rollbook import px_users.csv --into managed/px_user --unique id --atomic --duplicates last-wins
  generate-users | rollbook import - --into managed/user --unique givenName,sn --failures failed.csv";

/// Import files: create what is new, update what differs, report what is wrong
///
/// The first row of a file names the properties ('rollbook template' writes one), every further row is a record. A
/// record whose unique properties are those of an existing object updates that object, any other creates one;
/// properties without a column are left alone. A record that fails does not hold up the others. Importing a file again
/// changes nothing.
///
/// If the header of one file does not fit, no file is imported. The whole structure of a file is checked before
/// anything of it is stored, so a damaged file is refused and changes nothing. Files may be compressed with gzip. An
/// import that is interrupted is continued by the next one.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// CSV files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The object type that the records are of, such as managed/user
    #[arg(long, value_name = "TYPE")]
    into: TypeName,
    /// The properties that together find the existing object, separated by commas
    #[arg(long, value_name = "PROPERTY", value_delimiter = ',', required = true)]
    unique: Vec<String>,
    /// Report what would happen, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Import nothing of a file in which a record fails
    #[arg(long)]
    atomic: bool,
    #[command(flatten)]
    cells: CellArgs,
    /// Write the failed records to this file, to be corrected and imported. Those of the second file go to OUT-2.csv,
    /// and so on
    #[arg(long, value_name = "OUT.csv")]
    failures: Option<PathBuf>,
    /// What happens when a key comes twice in a file: 'fail-later' fails the later records, 'last-wins' lets them
    /// replace the earlier ones (with --atomic only)
    #[arg(long, value_name = "WHAT", default_value = "fail-later")]
    duplicates: DuplicateKeys,
    /// Refuse a file with more records [default: no limit, with last-wins 350000]
    #[arg(long, value_name = "N")]
    max_records: Option<u64>,
}

/// Records of a file at most where the last of a key wins, unless said otherwise: Gainsight PX takes no more in any file.
const LAST_WINS_RECORDS: u64 = 350_000;

pub(crate) fn run(context: &mut Context, args: ImportArgs) -> Result<Verdict> {
    let mut plan = plan(args.into, args.unique, &args.cells, &context.config.time_zone)?;
    plan.on_failure = if args.atomic { OnFailure::RejectFile } else { OnFailure::SkipRecord };
    plan.duplicate_keys = args.duplicates;
    let unlimited = if args.duplicates == DuplicateKeys::LastWins { LAST_WINS_RECORDS } else { 0 };
    plan.max_records = args.max_records.unwrap_or(unlimited);
    plan.dry_run = args.dry_run;
    plan.validate()?;
    check_failures_file(args.failures.as_deref(), &args.files)?;
    let submissions = submissions(&args.files, &plan)?;
    let app = context.installation()?;
    let ids = app.submit(submissions)?;
    run_and_report(context, &app, &ids, args.failures.as_deref())
}

/// Runs imports that are queued, and reports on them.
pub(crate) fn run_and_report(
    context: &mut Context,
    app: &Arc<App>,
    ids: &[ImportId],
    failures: Option<&Path>,
) -> Result<Verdict> {
    let imports = run_to_end(app, ids, shows_progress(context))?;
    // Left-over bytes do not make a good import a bad one.
    app.sweep().unwrap_or_else(|error| complain(&error));
    report(context, app, &imports, failures, Subject::Imports)
}

pub(crate) fn shows_progress(context: &Context) -> bool {
    io::stderr().is_terminal() && !context.out.json
}

/// Checks, before anything is imported, that the failures have a place to go to which is none of the files.
pub(crate) fn check_failures_file(failures: Option<&Path>, files: &[PathBuf]) -> Result<()> {
    let Some(path) = failures else { return Ok(()) };
    check_place(path)?;
    let places: Vec<_> = (1..=files.len()).filter_map(|number| numbered(path, number).canonicalize().ok()).collect();
    let is_same = |file: &&PathBuf| file.canonicalize().is_ok_and(|file| places.contains(&file));
    match files.iter().find(is_same) {
        Some(file) => {
            Err(Error::request(format!("'{}' is itself imported: write its failures to another file", file.display())))
        }
        None => Ok(()),
    }
}
