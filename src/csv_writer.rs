//! Records written as CSV, so that every reader reads them back as they were.
//!
//! The failures file, the export and the template are written here, and nothing else knows when a cell needs quotes.
//! What the cells are, guards against formulas included, is the caller's matter. Files are read by the engine's reader.

use std::io::{self, Write};

/// Writes records as RFC 4180 has them: lines end with CRLF, cells are quoted when needed only.
#[derive(Debug)]
pub struct CsvWriter<W> {
    out: W,
    record: Vec<u8>,
    cells: usize,
}

impl<W: Write> CsvWriter<W> {
    /// Starts a file, or goes on with one, behind a complete record.
    pub fn new(out: W) -> CsvWriter<W> {
        CsvWriter { out, record: Vec::new(), cells: 0 }
    }

    /// Adds the next cell of a record.
    pub fn cell(&mut self, cell: &str) {
        if self.cells > 0 {
            self.record.push(b',');
        }
        self.cells += 1;
        match needs_quotes(cell) {
            true => self.record.extend_from_slice(quoted(cell).as_bytes()),
            false => self.record.extend_from_slice(cell.as_bytes()),
        }
    }

    /// Writes the record whose cells were added.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn end_record(&mut self) -> io::Result<()> {
        // Without quotes a record of one empty cell is a blank line, which is no record.
        if self.record.is_empty() {
            self.record.extend_from_slice(b"\"\"");
        }
        self.record.extend_from_slice(b"\r\n");
        self.out.write_all(&self.record)?;
        self.record.clear();
        self.cells = 0;
        Ok(())
    }

    /// Flushes, and gives back what was written to.
    ///
    /// # Errors
    ///
    /// Those of what is written to.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

/// A cell in quotes, those in it doubled.
pub fn quoted(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// Outer blanks are quoted since readers skip them beside quotes, and a byte order mark since at the beginning of a
/// file it is not data.
fn needs_quotes(cell: &str) -> bool {
    let blank = [' ', '\t'];
    cell.contains(['"', ',', '\r', '\n']) || cell.starts_with([' ', '\t', '\u{feff}']) || cell.ends_with(blank)
}

#[cfg(test)]
mod tests {
    use super::CsvWriter;

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let mut writer = CsvWriter::new(Vec::new());
        for cell in ["7", "", "a,b", "say \"x\"", " blank", "two\nlines", "=1+1", "Zoë", "\u{feff}x"] {
            writer.cell(cell);
        }
        writer.end_record().expect("memory takes it");
        writer.cell("");
        writer.end_record().expect("memory takes it");
        let text = String::from_utf8(writer.finish().expect("memory takes it")).expect("UTF-8");
        let first = "7,,\"a,b\",\"say \"\"x\"\"\",\" blank\",\"two\nlines\",=1+1,Zoë,\"\u{feff}x\"\r\n";
        assert_eq!(text, format!("{first}\"\"\r\n"));
    }
}
