//! Objects as CSV, written so that importing it changes nothing.

use std::io::Write;
use std::path::Path;

use rollbook::app::App;
use rollbook::csv_writer::CsvWriter;
use rollbook::error::Result;
use rollbook::object::{elements, plain_text};
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
    if json {
        return app.repository.each_object(stored, |object| {
            writeln!(out, "{}", object.to_json(&stored.object_type)).map_err(unwritable)
        });
    }
    let properties = stored.object_type.properties().iter().filter(|property| property.importable().is_ok());
    let (paths, positions): (Vec<&str>, Vec<usize>) =
        properties.map(|property| (property.path.as_str(), property.position as usize)).unzip();
    let mut writer = CsvWriter::new(out);
    write_record(&mut writer, ["_id"].into_iter().chain(paths))?;
    app.repository.each_object(stored, |object| {
        let mut parts = Vec::new();
        elements(&object.document, &mut parts);
        let cell = |position: &usize| parts.get(*position).map(|json| plain_text(json)).unwrap_or_default();
        write_record(&mut writer, [object.id.clone()].into_iter().chain(positions.iter().map(cell)))
    })?;
    writer.finish().map(drop).map_err(unwritable)
}

fn write_record<C: AsRef<str>>(writer: &mut CsvWriter<&mut dyn Write>, cells: impl Iterator<Item = C>) -> Result<()> {
    cells.for_each(|cell| writer.cell(cell.as_ref()));
    writer.end_record().map_err(unwritable)
}
