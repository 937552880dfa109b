//! A failed record on its way out to the person who corrects it, and back.
//!
//! The failures file of an import has the columns of the imported file and one more, which says what was wrong;
//! corrected, it is imported again as it is. So nothing may be lost on the way, neither to CSV nor to the guard that
//! keeps spreadsheets from running cells as formulas. Pure: the doors say where the file goes, the engine what failed.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io;
use std::str::FromStr;

use serde_json::{Number, Value};

use crate::error::{Error, Result};

/// A failed record, kept with its original cells so that it can be corrected and imported again.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// The record's row as a spreadsheet shows it.
    pub row: u64,
    /// Its cells as they were meant: unquoted, without formula guards.
    pub cells: Vec<String>,
    /// The problem, and beside PingIDM's members a list of `violations`.
    pub problem: Value,
}

/// The column that says why a record failed. Ignored on import, so that a corrected file can come back as it is.
pub const IMPORT_ERROR_COLUMN: &str = "_importError";

/// The column that says that the cells of a failures file are unguarded, so that its import removes nothing from them.
pub const ESCAPE_COLUMN: &str = "_escape";

/// For whom a failures file is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Escape {
    /// For people: cells that a spreadsheet would run as a formula are guarded, see [`guard`].
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

/// Guards a cell against being run as a formula: what looks like one, `^'*[=+\-@\t\r\n]`, gets one `'` in front.
///
/// [`unguard`] brings every cell back, also one that had quotes in front already.
pub fn guard(cell: &str) -> Cow<'_, str> {
    if looks_like_formula(cell) { Cow::Owned(format!("'{cell}")) } else { Cow::Borrowed(cell) }
}

/// Removes the one `'` that [`guard`] put in front of a cell, and no other: `unguard(&guard(cell)) == cell`.
///
/// Meant for the cells of a file with an [`IMPORT_ERROR_COLUMN`] and without an [`ESCAPE_COLUMN`] that says `none`. In
/// other files an apostrophe is data.
pub fn unguard(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| looks_like_formula(rest)).unwrap_or(cell)
}

/// Removes the guards from a header, if it is that of a guarded failures file.
pub fn unguard_header(columns: &mut [String]) {
    let has = |name: &str| columns.iter().any(|column| column == name);
    if has(IMPORT_ERROR_COLUMN) && !has(ESCAPE_COLUMN) {
        for column in columns {
            *column = unguard(column).to_owned();
        }
    }
}

fn looks_like_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '\n'])
}

/// What is said of a record that has not as many cells as the header has columns.
pub(crate) fn wrong_width(cells: usize, columns: usize) -> String {
    let noun = if cells == 1 { "cell" } else { "cells" };
    format!("the record has {cells} {noun}, the header has {columns} columns")
}

/// How many cells a record had and how many columns there were, if its `_importError` says that the cells were too few.
///
/// A failures file fills such a record with empty cells. While they are empty it is still too short: imported
/// uncorrected, they would clear what nobody meant to clear.
pub(crate) fn too_few_cells(import_error: &str) -> Option<(usize, usize)> {
    let (_, said) = import_error.split_once("message=the record has ")?;
    let (cells, rest) = said.split_once(" cell")?;
    let (_, columns) = rest.split_once("the header has ")?;
    let (cells, columns) = (cells.parse().ok()?, columns.split_once(' ')?.0.parse::<usize>().ok()?);
    (cells < columns).then_some((cells, columns))
}

/// The text of the `_importError` cell for a problem.
///
/// PingIDM writes the error there as Java prints a map, not as JSON, and scripts look for that: `{code=403,
/// reason=Forbidden, message=Policy validation failed, detail={result=false, ...}}`. Members keep their order, strings
/// stand there raw, without quotes or escapes.
pub fn import_error(problem: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, problem);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => write_number(text, number),
        Value::String(string) => text.push_str(string),
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_value(text, value);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                text.push_str(name);
                text.push('=');
                write_value(text, value);
            }
            text.push('}');
        }
    }
}

/// Integers plainly, everything else as Java's `Double.toString`: `8.0`, `1.0E7`, `1.5E-4`.
fn write_number(text: &mut String, number: &Number) {
    let float = match number.as_f64() {
        Some(float) if number.is_f64() => float,
        _ => {
            text.push_str(&number.to_string());
            return;
        }
    };
    let written = if float == 0.0 || (1e-3..1e7).contains(&float.abs()) {
        write!(text, "{float:?}")
    } else {
        let scientific = format!("{float:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        write!(text, "{digits}{point}E{exponent}")
    };
    written.expect("a string takes all that is written");
}

/// Writes a failures file: the columns of the imported file, then [`IMPORT_ERROR_COLUMN`], one record per failure.
///
/// Plain RFC 4180: lines end with CRLF, cells are quoted when needed only. PingIDM's layout; the guard and the column
/// [`ESCAPE_COLUMN`] are ours. When the imported file was a failures file itself, its two columns are not repeated.
#[derive(Debug)]
pub struct FailuresWriter<W> {
    out: W,
    escape: Escape,
    /// For each column of the imported file, whether it is written.
    kept: Vec<bool>,
    /// The record being written, kept for its memory.
    line: Vec<u8>,
    /// Its cells so far.
    cells: usize,
}

impl<W: io::Write> FailuresWriter<W> {
    /// Starts a file with its header. `columns` are those of the imported file, in its order.
    ///
    /// A column name that looks like a formula is guarded as cells are; see [`unguard_header`].
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn new(out: W, columns: &[String], escape: Escape) -> io::Result<FailuresWriter<W>> {
        let kept: Vec<bool> =
            columns.iter().map(|column| ![IMPORT_ERROR_COLUMN, ESCAPE_COLUMN].contains(&column.trim())).collect();
        let mut writer = FailuresWriter { out, escape, kept, line: Vec::new(), cells: 0 };
        for (index, column) in columns.iter().enumerate() {
            if writer.kept[index] {
                writer.push(column);
            }
        }
        writer.push(IMPORT_ERROR_COLUMN);
        if escape == Escape::None {
            writer.push(ESCAPE_COLUMN);
        }
        writer.end_line()?;
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
        self.end_line()
    }

    /// Flushes, and gives back what was written to.
    ///
    /// # Errors
    ///
    /// Those of `out`.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }

    fn push(&mut self, cell: &str) {
        if self.cells > 0 {
            self.line.push(b',');
        }
        self.cells += 1;
        let cell = match self.escape {
            Escape::Spreadsheet => guard(cell),
            Escape::None => Cow::Borrowed(cell),
        };
        if !needs_quotes(&cell) {
            return self.line.extend_from_slice(cell.as_bytes());
        }
        self.line.push(b'"');
        self.line.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
        self.line.push(b'"');
    }

    fn end_line(&mut self) -> io::Result<()> {
        // Without quotes a record of one empty cell is a blank line, which is no record.
        if self.line.is_empty() {
            self.line.extend_from_slice(b"\"\"");
        }
        self.line.extend_from_slice(b"\r\n");
        self.out.write_all(&self.line)?;
        self.line.clear();
        self.cells = 0;
        Ok(())
    }
}

/// Outer blanks are quoted since readers skip them beside quotes, and a byte order mark since at the beginning of a
/// file it is not data.
fn needs_quotes(cell: &str) -> bool {
    let blank = [' ', '\t'];
    cell.contains(['"', ',', '\r', '\n']) || cell.starts_with([' ', '\t', '\u{feff}']) || cell.ends_with(blank)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::{prop_assert_eq, proptest};
    use serde_json::{Value, json};

    use super::{Escape, FailuresWriter, guard, import_error, unguard};
    use crate::error::Error;

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
    fn a_short_record_is_known_again() {
        let said = |cells, columns| {
            let problem =
                json!({ "code": 400, "reason": "Bad Request", "message": super::wrong_width(cells, columns) });
            super::too_few_cells(&super::import_error(&problem))
        };
        assert_eq!([said(1, 2), said(11, 14), said(15, 14)], [Some((1, 2)), Some((11, 14)), None]);
        assert_eq!(super::too_few_cells("{code=403, message=Policy validation failed}"), None);
    }

    #[test]
    fn import_error_is_a_java_map() {
        let policy =
            |requirement: Value, property: &str| json!({"policyRequirements": [requirement], "property": property});
        let failed = |failures: Vec<Value>| {
            json!({
                "code": 403,
                "reason": "Forbidden",
                "message": "Policy validation failed",
                "detail": {"result": false, "failedPolicyRequirements": failures},
            })
        };
        let head = "{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, \
                    failedPolicyRequirements=[";
        for (problem, text) in [
            (
                failed(vec![policy(json!({"policyRequirement": "VALID_EMAIL_ADDRESS_FORMAT"}), "mail")]),
                format!(
                    "{head}{{policyRequirements=[{{policyRequirement=VALID_EMAIL_ADDRESS_FORMAT}}], \
                     property=mail}}]}}}}"
                ),
            ),
            (
                failed(vec![
                    policy(json!({"policyRequirement": "MIN_LENGTH", "params": {"minLength": 8}}), "password"),
                    policy(json!({"policyRequirement": "REQUIRED"}), "sn"),
                ]),
                format!(
                    "{head}{{policyRequirements=[{{policyRequirement=MIN_LENGTH, params={{minLength=8}}}}], \
                     property=password}}, {{policyRequirements=[{{policyRequirement=REQUIRED}}], property=sn}}]}}}}"
                ),
            ),
            (
                failed(vec![policy(
                    json!({
                        "policyRequirement": "VALID_TYPE",
                        "params": {"invalidType": "string", "validTypes": ["boolean", "null"]},
                    }),
                    "preferences/updates",
                )]),
                format!(
                    "{head}{{policyRequirements=[{{policyRequirement=VALID_TYPE, params={{invalidType=string, \
                     validTypes=[boolean, null]}}}}], property=preferences/updates}}]}}}}"
                ),
            ),
            (
                json!({"code": 409, "reason": "Conflict", "message": "x", "detail": null}),
                "{code=409, reason=Conflict, message=x, detail=null}".to_owned(),
            ),
            (
                json!({"code": 500, "message": "a=b, {c} \"d\"", "detail": {}}),
                "{code=500, message=a=b, {c} \"d\", detail={}}".to_owned(),
            ),
            (
                Error::record("5 cells, the header has 6").at_row(17).problem(),
                "{code=400, reason=Bad Request, message=row 17: 5 cells, the header has 6}".to_owned(),
            ),
        ] {
            assert_eq!(import_error(&problem), text);
        }
    }

    #[test]
    fn numbers_are_those_of_java() {
        for (number, text) in [
            (json!(8), "8"),
            (json!(-8), "-8"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(8.0), "8.0"),
            (json!(-0.5), "-0.5"),
            (json!(0.0), "0.0"),
            (json!(0.001), "0.001"),
            (json!(9_999_999.5), "9999999.5"),
            (json!(1e7), "1.0E7"),
            (json!(1.5e-4), "1.5E-4"),
            (json!(-1.25e100), "-1.25E100"),
        ] {
            assert_eq!(import_error(&number), text);
        }
    }

    #[test]
    fn formulas_are_guarded() {
        for (cell, guarded) in [
            ("=1+1", "'=1+1"),
            ("+82 10", "'+82 10"),
            ("-1", "'-1"),
            ("@a", "'@a"),
            ("\ta", "'\ta"),
            ("\r", "'\r"),
            ("\n", "'\n"),
            ("'=1", "''=1"),
            ("''-", "'''-"),
            ("'x", "'x"),
            ("'", "'"),
            ("", ""),
            ("a=b", "a=b"),
            (" =1", " =1"),
            ("{code=403}", "{code=403}"),
        ] {
            assert_eq!(guard(cell), guarded, "{cell:?}");
            assert_eq!(unguard(guarded), cell, "{guarded:?}");
        }
        // Where nobody guarded, only what a guard would have made is taken for one.
        for (cell, unguarded) in
            [("=1", "=1"), ("'=1", "=1"), ("''=1", "'=1"), ("'=", "="), ("''", "''"), ("O'=x", "O'=x")]
        {
            assert_eq!(unguard(cell), unguarded, "{cell:?}");
        }
        for cell in NAUGHTY {
            assert_eq!(unguard(&guard(cell)), cell);
        }
    }

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
        fn a_guard_can_be_removed(cell in "['=+@\\-\t\r\n a]{0,6}", any in ".*") {
            for cell in [cell, any] {
                let guarded = guard(&cell);
                prop_assert_eq!(unguard(&guarded), &cell);
            }
        }

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
