//! Objects as CSV, written so that importing it changes nothing.

use std::io::{self, Write};
use std::path::Path;

use rollbook::app::App;
use rollbook::error::Result;
use rollbook::object::{Object, elements, plain_text};
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
    write_record(out, ["_id"].into_iter().chain(paths).map(str::to_owned)).map_err(unwritable)?;
    app.repository
        .each_object(stored, |object| write_record(out, cells(&object, &positions).into_iter()).map_err(unwritable))
}

fn cells(object: &Object, positions: &[usize]) -> Vec<String> {
    let mut parts = Vec::new();
    elements(&object.document, &mut parts);
    let cell = |position: &usize| parts.get(*position).map(|json| plain_text(json)).unwrap_or_default();
    [object.id.clone()].into_iter().chain(positions.iter().map(cell)).collect()
}

fn write_record(out: &mut dyn Write, cells: impl Iterator<Item = String>) -> io::Result<()> {
    let mut line = String::new();
    for (cell, column) in cells.zip(0..) {
        if column > 0 {
            line.push(',');
        }
        match needs_quotes(&cell) {
            true => line.extend(["\"", &cell.replace('"', "\"\""), "\""]),
            false => line.push_str(&cell),
        }
    }
    line.push_str("\r\n");
    out.write_all(line.as_bytes())
}

/// Outer blanks are quoted because readers may skip them.
fn needs_quotes(cell: &str) -> bool {
    let blank = [' ', '\t'];
    cell.contains(['"', ',', '\r', '\n']) || cell.starts_with(blank) || cell.ends_with(blank)
}

#[cfg(test)]
mod tests {
    use super::write_record;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut out = Vec::new();
        let cells = ["7", "", "a,b", "say \"x\"", " blank", "two\nlines", "=1+1", "Zoë"];
        write_record(&mut out, cells.into_iter().map(str::to_owned)).expect("memory takes it");
        let text = String::from_utf8(out).expect("UTF-8");
        assert_eq!(text, "7,,\"a,b\",\"say \"\"x\"\"\",\" blank\",\"two\nlines\",=1+1,Zoë\r\n");
    }
}
