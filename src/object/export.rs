//! Objects written out, for other programs and for another import.
//!
//! The command line and the console write exports alike; where the objects come from and where the bytes go is theirs to
//! know.

use std::io::{self, Write};

use super::{Excerpt, Object, Visible, elements, plain_text};
use crate::csv_writer::CsvWriter;
use crate::schema::ObjectType;

/// An export that is being written.
#[derive(Debug)]
pub struct Export<W> {
    form: Form<W>,
}

#[derive(Debug)]
enum Form<W> {
    /// With the places of the properties that have a column.
    Csv(CsvWriter<W>, Vec<usize>),
    JsonLines(W, Excerpt),
}

impl<W: Write> Export<W> {
    /// Begins one as CSV: a column for `_id`, which an import ignores, and one for each property that can be imported.
    /// Importing it finds everything unchanged. Cells are not guarded against being run as formulas, since an import would
    /// take the guard for data.
    ///
    /// # Errors
    /// Those of what is written to.
    pub fn csv(object_type: &ObjectType, out: W) -> io::Result<Export<W>> {
        let properties = object_type.properties().iter().filter(|property| property.importable().is_ok());
        let (paths, positions): (Vec<&str>, Vec<usize>) =
            properties.map(|property| (property.path.as_str(), property.position as usize)).unzip();
        let mut writer = CsvWriter::new(out);
        write_record(&mut writer, ["_id"].into_iter().chain(paths))?;
        Ok(Export { form: Form::Csv(writer, positions) })
    }

    /// Begins one of whole objects as JSON, one in each line.
    pub fn json_lines(object_type: &ObjectType, visible: Visible, out: W) -> Export<W> {
        Export { form: Form::JsonLines(out, Excerpt::whole(object_type, visible)) }
    }

    /// Writes the next object.
    ///
    /// # Errors
    /// Those of what is written to.
    pub fn object(&mut self, object: &Object) -> io::Result<()> {
        match &mut self.form {
            Form::JsonLines(out, excerpt) => writeln!(out, "{}", excerpt.json(object)),
            Form::Csv(writer, positions) => {
                let mut parts = Vec::new();
                elements(&object.document, &mut parts);
                let cell = |position: &usize| parts.get(*position).map(|json| plain_text(json)).unwrap_or_default();
                write_record(writer, [object.id.clone()].into_iter().chain(positions.iter().map(cell)))
            }
        }
    }

    /// Ends it.
    ///
    /// # Errors
    /// Those of what is written to.
    pub fn finish(self) -> io::Result<()> {
        match self.form {
            Form::JsonLines(mut out, _) => out.flush(),
            Form::Csv(writer, _) => writer.finish().map(drop),
        }
    }
}

fn write_record<W: Write, C: AsRef<str>>(writer: &mut CsvWriter<W>, cells: impl Iterator<Item = C>) -> io::Result<()> {
    cells.for_each(|cell| writer.cell(cell.as_ref()));
    writer.end_record()
}
