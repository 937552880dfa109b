//! `rollbook template`: the header to fill in.

use clap::Args;
use rollbook::error::Result;
use rollbook::schema::TypeName;
use serde_json::json;

use super::Verdict;
use super::context::Context;
use super::definitions::object_type;
use super::output::unwritable;

const EXAMPLES: &str = "\
Example:
  rollbook template managed/user > users.csv";

/// Print the header of a CSV file for an object type
///
/// One column for each property that is a string, a boolean or a number and may be imported. Columns that are not
/// needed can be removed; a property without a column is left alone by an import.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct TemplateArgs {
    /// The object type, such as managed/user
    #[arg(value_name = "TYPE")]
    object_type: TypeName,
}

pub(crate) fn run(context: &mut Context, args: &TemplateArgs) -> Result<Verdict> {
    let header = object_type(context, &args.object_type)?.template_header();
    match context.out.json {
        true => context.out.json(&json!({ "_id": "template", "header": header }))?,
        // What a file is to have is written as it is.
        false => writeln!(context.out.writer(), "{header}").map_err(unwritable)?,
    }
    Ok(Verdict::Good)
}
