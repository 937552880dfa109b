//! Failures files, as they are written for people and for programs.
//!
//! The command line calls it with the failures that the repository has kept. What comes out is CSV of the imported
//! file's own columns, so that it can be imported again; no cell is lost or moved on the way.

use std::fmt;
use std::io::{self, Write};
use std::str::FromStr;

use serde_json::Value;

use super::{ESCAPE_COLUMN, IMPORT_ERROR_COLUMN, guard, import_error};
use crate::csv_writer::CsvWriter;
use crate::error::{Error, Result};

/// For whom a failures file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// For people: cells that a spreadsheet would run as a formula are guarded, see [`guard()`].
    #[default]
    Spreadsheet,
    /// For programs: cells are written as they are, and a column [`ESCAPE_COLUMN`] says so.
    None,
}

impl Escape {
    /// The word that [`Escape::from_str`] takes.
    pub fn as_str(self) -> &'static str {
        match self {
            Escape::Spreadsheet => "spreadsheet",
            Escape::None => "none",
        }
    }
}

impl FromStr for Escape {
    type Err = Error;

    /// Takes `spreadsheet` or `none`; anything else is an error of kind `Request`.
    fn from_str(word: &str) -> Result<Escape> {
        match word {
            "spreadsheet" => Ok(Escape::Spreadsheet),
            "none" => Ok(Escape::None),
            _ => Err(Error::request(format!("'{word}' is not a way to escape cells: it is 'spreadsheet' or 'none'"))),
        }
    }
}

impl fmt::Display for Escape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Writes a failures file: the columns of the imported file, then [`IMPORT_ERROR_COLUMN`], one record per failure.
///
/// PingIDM's layout; the guard and the column [`ESCAPE_COLUMN`] are ours. When the imported file was a failures file
/// itself, its two columns are not repeated.
#[derive(Debug)]
pub struct FailuresWriter<W> {
    out: CsvWriter<W>,
    escape: Escape,
    /// For each column of the imported file, whether it is written.
    kept: Vec<bool>,
}

impl<W: Write> FailuresWriter<W> {
    /// Starts a file with its header. `columns` are those of the imported file, in its order.
    ///
    /// A column name that looks like a formula is guarded as cells are; see [`unguard_header`](super::unguard_header).
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, columns: &[String], escape: Escape) -> io::Result<FailuresWriter<W>> {
        let kept: Vec<bool> =
            columns.iter().map(|column| ![IMPORT_ERROR_COLUMN, ESCAPE_COLUMN].contains(&column.trim())).collect();
        let mut writer = FailuresWriter { out: CsvWriter::new(out), escape, kept };
        for (index, column) in columns.iter().enumerate() {
            if writer.kept[index] {
                writer.push(column);
            }
        }
        writer.push(IMPORT_ERROR_COLUMN);
        if escape == Escape::None {
            writer.push(ESCAPE_COLUMN);
        }
        writer.out.end_record()?;
        Ok(writer)
    }

    /// Writes one failed record: its cells as they were in the file (but unguarded, if that was a failures file), and
    /// why it failed.
    ///
    /// A record with too few cells is filled up with empty ones. One with too many keeps the surplus behind the last
    /// column, in order: the line is too long again, so that whoever imports it uncorrected gets the same failure
    /// instead of cells that have moved into the wrong columns.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn write(&mut self, cells: &[impl AsRef<str>], problem: &Value) -> io::Result<()> {
        let columns = self.kept.len();
        for index in 0..columns {
            if self.kept[index] {
                self.push(cells.get(index).map_or("", AsRef::as_ref));
            }
        }
        self.push(&import_error(problem));
        if self.escape == Escape::None {
            self.push(Escape::None.as_str());
        }
        for surplus in cells.iter().skip(columns) {
            self.push(surplus.as_ref());
        }
        self.out.end_record()
    }

    /// Flushes, and gives back what was written to.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn finish(self) -> io::Result<W> {
        self.out.finish()
    }

    fn push(&mut self, cell: &str) {
        match self.escape {
            Escape::Spreadsheet => self.out.cell(&guard(cell)),
            Escape::None => self.out.cell(cell),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};
    use serde_json::json;

    use super::{Escape, FailuresWriter};
    use crate::failure::unguard;

    /// Cells that break readers, spreadsheets or both.
    const NAUGHTY: [&str; 30] = [
        "",
        " ",
        "'",
        "''",
        "\"",
        "\"\"",
        ",",
        "\r",
        "\n",
        "\r\n",
        "\t",
        " x",
        "x ",
        " \"x\"",
        "a\"b",
        "=1+1",
        "'=1+1",
        "''=1+1",
        "'x",
        "+82 10 1234",
        "-1",
        "@SUM(A1)",
        "=1+2\";=1+2",
        "\t=1+1",
        "'\r",
        "\u{feff}x",
        "\u{0}\u{1b}[0m",
        "Ṱ̺̺̕o͞ ̷i̲̬͇̪n̥̗",
        "<script>alert('x')</script>",
        "\u{ff1d}1+1",
    ];

    #[test]
    fn escapes_have_names() {
        assert_eq!("spreadsheet".parse::<Escape>().ok(), Some(Escape::Spreadsheet));
        assert_eq!("none".parse::<Escape>().ok(), Some(Escape::None));
        let error = "None".parse::<Escape>().expect_err("names are lower case");
        assert_eq!(error.to_string(), "'None' is not a way to escape cells: it is 'spreadsheet' or 'none'");
    }

    fn written(columns: &[&str], escape: Escape, records: &[Vec<&str>]) -> String {
        let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
        let mut writer = FailuresWriter::new(Vec::new(), &columns, escape).expect("memory takes it");
        for cells in records {
            writer.write(cells, &json!({"code": 400})).expect("memory takes it");
        }
        String::from_utf8(writer.finish().expect("memory takes it")).expect("UTF-8")
    }

    #[test]
    fn files_look_like_this() {
        for (columns, escape, record, text) in [
            (
                &["userName", "sn"][..],
                Escape::Spreadsheet,
                vec!["jdoe", "=1+1"],
                "userName,sn,_importError\r\njdoe,'=1+1,{code=400}\r\n",
            ),
            (
                &["userName", "sn"],
                Escape::None,
                vec!["jdoe", "=1+1"],
                "userName,sn,_importError,_escape\r\njdoe,=1+1,{code=400},none\r\n",
            ),
            (&["a"], Escape::None, vec![""], "a,_importError,_escape\r\n,{code=400},none\r\n"),
            (&["a", "b"], Escape::Spreadsheet, vec!["", ""], "a,b,_importError\r\n,,{code=400}\r\n"),
            // Too short, too long.
            (&["a", "b", "c"], Escape::Spreadsheet, vec!["1"], "a,b,c,_importError\r\n1,,,{code=400}\r\n"),
            (&["a"], Escape::Spreadsheet, vec!["1", "-2", ""], "a,_importError\r\n1,{code=400},'-2,\r\n"),
            (&["a"], Escape::None, vec!["1", "2"], "a,_importError,_escape\r\n1,{code=400},none,2\r\n"),
            // A failures file that failed again.
            (
                &["a", "_importError", " _escape", "b"],
                Escape::Spreadsheet,
                vec!["1", "{old}", "none", "2", "surplus"],
                "a,b,_importError\r\n1,2,{code=400},surplus\r\n",
            ),
            (&["_importError"], Escape::Spreadsheet, vec!["old"], "_importError\r\n{code=400}\r\n"),
            // Quotes where a reader needs them.
            (
                &["a,b", "c"],
                Escape::Spreadsheet,
                vec![" x", "x\t"],
                "\"a,b\",c,_importError\r\n\" x\",\"x\t\",{code=400}\r\n",
            ),
            (&["\u{feff}id"], Escape::Spreadsheet, vec!["1"], "\"\u{feff}id\",_importError\r\n1,{code=400}\r\n"),
            (&["-a"], Escape::Spreadsheet, vec!["1"], "'-a,_importError\r\n1,{code=400}\r\n"),
        ] {
            assert_eq!(written(columns, escape, &[record]), text);
        }
    }

    /// Every record as the csv crate reads it, header included.
    fn read(text: &str) -> Vec<Vec<String>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
        let cells = |record: csv::StringRecord| record.iter().map(str::to_owned).collect();
        reader.records().map(|record| cells(record.expect("readable"))).collect()
    }

    #[test]
    fn problems_come_back_too() {
        for message in NAUGHTY {
            let mut writer = FailuresWriter::new(Vec::new(), &[], Escape::Spreadsheet).expect("memory takes it");
            writer.write(&[] as &[&str], &json!({"message": message})).expect("memory takes it");
            writer.write(&[] as &[&str], &json!(message)).expect("memory takes it");
            let text = String::from_utf8(writer.finish().expect("memory takes it")).expect("UTF-8");
            let records = read(&text);
            assert_eq!(records[1], [format!("{{message={message}}}")]);
            assert_eq!(unguard(&records[2][0]), message);
        }
    }

    proptest! {
        #[test]
        fn cells_come_back(
            records in vec(vec("['\"=,;\r\n\t a\u{e9}\u{feff}-]{0,5}", 0..5), 0..6),
            naughty in vec(0..NAUGHTY.len(), 3),
        ) {
            let columns = ["a", "b", "c"];
            let mut all: Vec<Vec<&str>> = records.iter().map(|r| r.iter().map(String::as_str).collect()).collect();
            all.push(naughty.iter().map(|index| NAUGHTY[*index]).collect());
            for escape in [Escape::Spreadsheet, Escape::None] {
                let found = read(&written(&columns, escape, &all));
                prop_assert_eq!(found.len(), all.len() + 1);
                let own = if escape == Escape::None { 2 } else { 1 };
                for (found, cells) in found[1..].iter().zip(&all) {
                    let mut back: Vec<&str> = found.iter().map(String::as_str).collect();
                    if escape == Escape::Spreadsheet {
                        back.iter_mut().for_each(|cell| *cell = unguard(cell));
                    }
                    let errors: Vec<&str> = back.drain(columns.len()..columns.len() + own).collect();
                    prop_assert_eq!(errors[0], "{code=400}");
                    let missing = columns.len().saturating_sub(cells.len());
                    let filled = cells.iter().copied().chain(std::iter::repeat_n("", missing));
                    prop_assert_eq!(back, filled.collect::<Vec<_>>());
                }
            }
        }
    }
}
