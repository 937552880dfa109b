//! `rollbook objects`: what is stored.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rollbook::app::App;
use rollbook::error::{Error, Result, shown};
use rollbook::filter::Filter;
use rollbook::object::{Object, Visible};
use rollbook::repository::{Found, StoredType};
use rollbook::schema::TypeName;

use super::Verdict;
use super::context::Context;
use super::export::export;
use super::table::{Column, Table};
use rollbook::figures::{counted, grouped};

/// What fits on a screen.
const SHOWN: usize = 50;
const COLUMNS: usize = 5;
const CELL: usize = 32;

/// Matches that one step of a search finds.
const STEP: usize = 1000;

const LIST_EXAMPLES: &str = "\
Examples:
  rollbook objects list managed/user
  rollbook objects list managed/user --filter 'userName eq \"bjensen\"'
  rollbook objects list managed/user --filter 'preferences/updates eq true and city sw \"Par\"' --json";

const EXPORT_EXAMPLES: &str = "\
Example:
  rollbook objects export managed/user --out users.csv";

/// List, show and export objects
///
/// Objects are what the records of files have become: typed, checked, each with an id of its own.
#[derive(Debug, Subcommand)]
pub(crate) enum ObjectsCommand {
    List(ListArgs),
    /// Print one object as JSON
    Show(ShowArgs),
    Export(ExportArgs),
}

/// List objects, in the order in which they were created
///
/// The table shows the first columns of the template; with --json whole objects are printed, one per line, and all of
/// them unless --limit says otherwise.
#[derive(Debug, Args)]
#[command(after_help = LIST_EXAMPLES)]
pub(crate) struct ListArgs {
    /// The object type, such as managed/user
    #[arg(value_name = "TYPE")]
    object_type: TypeName,
    /// Only objects that match this query filter
    #[arg(long, value_name = "FILTER", value_parser = Filter::parse)]
    filter: Option<Filter>,
    /// How many to print; 0 is all [default: 50, with --json all]
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The object type, such as managed/user
    #[arg(value_name = "TYPE")]
    object_type: TypeName,
    /// The object's _id
    #[arg(value_name = "ID")]
    id: String,
}

/// Write all objects of a type as CSV
///
/// One column for _id, which an import ignores, and one for each property that can be imported, arrays and objects as
/// JSON. Importing the file finds everything unchanged. Cells are written as they are: those that a spreadsheet would
/// run as formulas are not guarded, since an import would take the guard for data. With --json whole objects are
/// written, one per line.
#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub(crate) struct ExportArgs {
    /// The object type, such as managed/user
    #[arg(value_name = "TYPE")]
    object_type: TypeName,
    /// Write to this file instead of standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(context: &mut Context, command: ObjectsCommand) -> Result<Verdict> {
    let app = context.existing_installation()?;
    match command {
        ObjectsCommand::List(args) => list(context, &app, &args),
        ObjectsCommand::Show(args) => show(context, &app, &args),
        ObjectsCommand::Export(args) => {
            let stored = app.object_type(&args.object_type)?;
            export(&mut context.out, &app, &stored, args.out.as_deref())?;
            Ok(Verdict::Good)
        }
    }
}

fn list(context: &mut Context, app: &App, args: &ListArgs) -> Result<Verdict> {
    let stored = app.object_type(&args.object_type)?;
    let default = if context.out.json { 0 } else { SHOWN };
    let limit = match args.limit.unwrap_or(default) {
        0 => usize::MAX,
        limit => limit,
    };
    if context.out.json {
        each_match(app, &stored, args.filter.as_ref(), limit, |object| {
            context.out.json(&object.to_json(&stored.object_type))
        })?;
        return Ok(Verdict::Good);
    }
    let columns: Vec<&str> = stored.object_type.template_columns().into_iter().take(COLUMNS).collect();
    let mut headings = vec![Column::Text("_id")];
    headings.extend(columns.iter().map(|column| Column::Text(column)));
    let mut table = Table::new(&headings);
    let mut printed = 0;
    let found = each_match(app, &stored, args.filter.as_ref(), limit, |object| {
        printed += 1;
        let cells = columns.iter().map(|column| shown(&object.cell(&stored.object_type, column), CELL).into_owned());
        table.row([object.id.clone()].into_iter().chain(cells));
        Ok(())
    })?;
    if printed > 0 {
        context.out.line(format!("{table}\n"))?;
    }
    let matching = if args.filter.is_some() { " match" } else { "" };
    context.out.line(match printed == found {
        true => format!("{}{matching}", counted(found, "object")),
        false => format!("{} of {}{matching}; --limit 0 shows all", grouped(printed), counted(found, "object")),
    })?;
    Ok(Verdict::Good)
}

/// Hands the first `limit` objects that match to `each`; says how many match.
fn each_match(
    app: &App,
    stored: &StoredType,
    filter: Option<&Filter>,
    limit: usize,
    mut each: impl FnMut(&Object) -> Result<()>,
) -> Result<u64> {
    if filter.is_none() && limit < usize::MAX {
        app.repository.objects(stored, 0, limit)?.objects.iter().try_for_each(each)?;
        return app.repository.object_count(stored);
    }
    let filter = filter.unwrap_or(&Filter::Literal(true));
    let mut moment = app.repository.moment()?;
    let search = moment.search(stored, filter, Visible::Everything)?;
    let (mut found, mut after) = (0, Some(0));
    while let Some(start) = after {
        let page = moment.step(stored, &search, start, STEP)?;
        for Found { object, .. } in &page.found {
            found += 1;
            if found <= limit as u64 {
                each(object)?;
            }
        }
        after = page.next;
    }
    Ok(found)
}

fn show(context: &mut Context, app: &App, args: &ShowArgs) -> Result<Verdict> {
    let stored = app.object_type(&args.object_type)?;
    let found = app.repository.object(&stored, &args.id)?;
    let missing = || Error::not_found(format!("there is no {} with the _id '{}'", args.object_type, args.id));
    let object = found.ok_or_else(missing)?.to_json(&stored.object_type);
    match context.out.json {
        true => context.out.json(&object)?,
        false => context.out.pretty_json(&object)?,
    }
    Ok(Verdict::Good)
}
