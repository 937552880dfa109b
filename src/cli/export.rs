//! Objects in a file, or on standard output.

use std::io::Write;
use std::path::Path;

use rollbook::app::App;
use rollbook::error::Result;
use rollbook::object::{Export, Visible};
use rollbook::repository::StoredType;

use super::new_file::{NewFile, check_place};
use super::output::{Output, unwritable};

/// Writes all objects of a type to a file or to standard output.
pub(crate) fn export(out: &mut Output, app: &App, stored: &StoredType, path: Option<&Path>) -> Result<()> {
    let json = out.json;
    match path {
        None => write(app, stored, out.writer(), json),
        Some(path) => {
            check_place(path)?;
            let mut file = NewFile::create(path)?;
            write(app, stored, &mut file, json)?;
            file.finish()
        }
    }
}

fn write(app: &App, stored: &StoredType, out: &mut dyn Write, json: bool) -> Result<()> {
    let object_type = &stored.object_type;
    let mut export = match json {
        true => Export::json_lines(object_type, Visible::Everything, out),
        false => Export::csv(object_type, out).map_err(unwritable)?,
    };
    app.repository.each_object(stored, |object| export.object(&object).map_err(unwritable))?;
    export.finish().map_err(unwritable)
}
