//! The reader against other people's test data, and against another reader.
//!
//! The rule for every case: either the records are those of the reference, or the file is refused with the row that is
//! wrong. The reference is the suite's own where it has one for our dialect, and the `csv` crate elsewhere: such files
//! are in other dialects too, and then nothing more is asked than that both see the same commas and quotes. Whatever
//! differs from its reference is listed with the reason, so that a new difference fails, and so does a difference that
//! has gone.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use proptest::collection::vec;
use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};
use rollbook::config::Limits;
use rollbook::engine::reader::{Reader, Records, scan};
use serde_json::Value;

type Rows = Vec<Vec<String>>;

/// Everything that is not as its reference has it: the case, what happens instead (how it begins), and the reason.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("csv-core/quote_escapes_change", "row 2, column 'header': 'b' follows the closing quote", STRICT),
    ("csv-core/quote_escapes_with_comma", "row 2, column 'header': 'A' follows the closing quote", STRICT),
    ("cpython/52", "row 2, column 'header': ' ' follows the closing quote", STRICT),
    ("cpython/69", "row 2, column 'header': '+' follows the closing quote", STRICT),
    (
        "cpython/75",
        "row 2, column 'header': the quote that opens column 1, in line 2 of the file, is never closed",
        OPEN,
    ),
    ("cpython/82", "row 2: '\\' follows the closing quote", STRICT),
    ("cpython/89", "row 2, column 'header': 'c' follows the closing quote", STRICT),
    ("papaparse/08", "row 2: the quote that opens column 2, in line 2 of the file, is never closed", OPEN),
    ("papaparse/09", "row 2: 'e' follows the closing quote of column 2, in line 3 of the file", STRICT),
    ("papaparse/34", "row 2: ' ' follows the closing quote", STRICT),
    ("papaparse/35", r#"3 records: [["a", "b", "c"], ["d", "e", "f"], ["g", "h", "i"]]"#, BARE_CR),
    ("papaparse/60", "row 2: '3' follows the closing quote of column 3", STRICT),
    ("papaparse/61", "row 4, column 'header': 'a' follows the closing quote", STRICT),
    ("papaparse/69", "row 2: ' ' follows the closing quote", STRICT),
    ("papaparse/70", "row 2: ' ' follows the closing quote of column 3, in line 3 of the file", STRICT),
    ("files/frictionless/chunk1.csv.zip", "the file is a ZIP archive", FORMAT),
    ("files/frictionless/doublequote.csv.zip", "the file is a ZIP archive", FORMAT),
    ("files/frictionless/without-rows.csv.zip", "the file is a ZIP archive", FORMAT),
    ("files/frictionless/escaping.csv", "row 5: ' ' follows the closing quote", STRICT),
    ("files/frictionless/issue-1109.csv", r#"4 records: [["int", "number", "string"], ["1", "2.3", "string"]"#, BLANK),
    ("files/frictionless/issue-1138.csv", "row 3, column 'header': ';' follows the closing quote", STRICT),
    ("files/frictionless/latin1.csv", "row 4: byte 0xA9 at offset 27 of the file is not UTF-8", ENCODING),
    ("files/frictionless/table-with-accents.csv", "row 2, column 'header': byte 0xE9 at offset 35", ENCODING),
    ("files/node-csv/365-utf16le-bom-windows.csv", "the file is UTF-16 (little-endian) text", ENCODING),
];

const STRICT: &str = "text after a closing quote is refused: that is how a missing quote and other dialects show";
const OPEN: &str = "a quote that is never closed is refused: the rest of the file is in that cell";
const BARE_CR: &str = "a bare CR ends a record too, as older spreadsheets write it, also among other line ends";
const BLANK: &str = "blanks before an opening quote are skipped: identity products write such files";
const FORMAT: &str = "only plain and gzip files are read";
const ENCODING: &str = "only UTF-8 is read; nothing is replaced silently";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpora")
}

fn json(path: &str) -> Vec<Value> {
    serde_json::from_slice(&fs::read(folder().join(path)).expect(path)).expect("the suite is valid JSON")
}

fn rows_of(value: &Value) -> Rows {
    serde_json::from_value(value.clone()).expect("rows of strings")
}

/// All rows of a file, the header first, in rounds of a few; or the error's text.
fn read(input: impl Read) -> Result<Rows, String> {
    read_within(&Limits::default(), input)
}

fn read_within(limits: &Limits, input: impl Read) -> Result<Rows, String> {
    let mut reader = Reader::open(input, limits).map_err(|error| error.to_string())?;
    let mut rows = vec![reader.header().to_vec()];
    let mut records = Records::new();
    let mut row = reader.header_row();
    while reader.read(&mut records, 3, 1 << 20).map_err(|error| error.to_string())? {
        for record in records.iter() {
            assert!(record.row() > row, "rows go up");
            row = record.row();
            rows.push(record.cells().map(str::to_string).collect());
        }
    }
    Ok(rows)
}

/// The rows of a file, read as a whole, in small pieces and for its structure only, which must agree. A header is put in
/// front, so that the file's own is a record like all others: header cells are trimmed.
fn read_below_a_header(file: &[u8]) -> Result<Rows, String> {
    let file = match file.strip_prefix(b"\xef\xbb\xbf") {
        Some(text) => [b"\xef\xbb\xbfheader\n", text].concat(),
        None if file.starts_with(b"\x1f\x8b") || file.starts_with(b"PK") || file.starts_with(b"\xff") => file.to_vec(),
        None => [b"header\n", file].concat(),
    };
    let rows = read(&file[..]);
    assert_eq!(read(Drip(&file, 1)), rows);
    match scan(Drip(&file, 5), &Limits::default()) {
        Ok(structure) => assert_eq!(Ok(structure.records as usize + 1), rows.as_ref().map(Vec::len)),
        Err(error) => assert_eq!(Err(error.to_string()), rows),
    }
    rows.map(|mut rows| {
        rows.remove(0);
        rows
    })
}

/// The rows as the `csv` crate reads them: leniently.
fn read_leniently(file: &[u8]) -> Rows {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file);
    let records = reader.byte_records().map(|record| record.expect("memory does not fail"));
    records.map(|record| record.iter().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect()).collect()
}

/// Gives out a few bytes at a time.
struct Drip<'a>(&'a [u8], usize);

impl Read for Drip<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let bytes = self.1.min(into.len());
        self.0.read(&mut into[..bytes])
    }
}

/// What differs from the references, by case.
#[derive(Default)]
struct Differences(BTreeMap<String, String>);

impl Differences {
    fn compare(&mut self, case: String, file: &[u8], reference: &Rows) {
        let difference = match read_below_a_header(file) {
            Ok(rows) if rows == *reference => return,
            Ok(rows) => format!("{} records: {rows:?}", rows.len()),
            Err(error) => error,
        };
        self.0.insert(case, difference);
    }

    /// Compares with what is listed for the suite.
    fn check(self, suite: &str) {
        let mut found = self.0;
        for (case, what, reason) in DIFFERENCES.iter().filter(|(case, ..)| case.starts_with(suite)) {
            let difference = found.remove(*case);
            assert!(
                difference.as_ref().is_some_and(|found| found.starts_with(what)),
                "{case}: {difference:?}, {reason}"
            );
        }
        assert!(found.is_empty(), "these differences are not listed: {found:#?}");
    }
}

#[test]
fn csv_spectrum() {
    let mut differences = Differences::default();
    for name in ["escaped_quotes", "newlines", "newlines_crlf"] {
        let file = fs::read(folder().join(format!("csv-spectrum/csvs/{name}.csv"))).expect(name);
        let objects = json(&format!("csv-spectrum/json/{name}.json"));
        let names = objects.first().and_then(Value::as_object).expect("objects").keys().cloned().collect();
        let cells = objects.iter().map(|object| {
            let cells = object.as_object().expect("objects").values();
            cells.map(|cell| cell.as_str().expect("strings").to_string()).collect()
        });
        let rows = [names].into_iter().chain(cells).collect();
        differences.compare(format!("csv-spectrum/{name}"), &file, &rows);
    }
    differences.check("csv-spectrum/");
}

#[test]
fn csv_core() {
    let mut differences = Differences::default();
    for case in json("csv-core/parses_to.json") {
        let input = case["input"].as_str().expect("text").as_bytes();
        let reference = match &case["config"] {
            Value::String(config) if config == "default" => rows_of(&case["expected_rows"]),
            _ => read_leniently(input),
        };
        differences.compare(format!("csv-core/{}", case["name"].as_str().expect("a name")), input, &reference);
    }
    differences.check("csv-core/");
}

#[test]
fn cpython() {
    let ours = serde_json::json!({
        "delimiter": ",", "quotechar": "\"", "escapechar": null, "doublequote": true, "skipinitialspace": false,
        "lineterminator": "\r\n", "quoting": 0, "strict": false,
    });
    let mut differences = Differences::default();
    for (number, case) in json("cpython-test_csv/reader_cases.json").into_iter().enumerate() {
        // The suite hands over lines, and some of them do not end.
        let lines: Vec<String> = serde_json::from_value(case["input_lines"].clone()).expect("lines");
        let text = match lines.iter().any(|line| line.ends_with(['\r', '\n'])) {
            true => lines.concat(),
            false => lines.join("\n"),
        };
        let reference = match case["dialect"] == ours {
            true => rows_of(&case["rows"]).into_iter().filter(|cells| !cells.is_empty()).collect(),
            false => read_leniently(text.as_bytes()),
        };
        differences.compare(format!("cpython/{number:02}"), text.as_bytes(), &reference);
    }
    differences.check("cpython/");
}

#[test]
fn papaparse() {
    let mut differences = Differences::default();
    for (number, case) in json("papaparse/core_and_parse_cases.json").into_iter().enumerate() {
        let input = case["input"].as_str().expect("text").as_bytes();
        let reference = match case["config"].as_object().is_some_and(|config| config.is_empty()) {
            // A blank line is a row of one empty cell there, and so is what comes after the last line end.
            true => rows_of(&case["expected"]["data"]).into_iter().filter(|cells| *cells != [""]).collect(),
            false => read_leniently(input),
        };
        differences.compare(format!("papaparse/{number:02}"), input, &reference);
    }
    differences.check("papaparse/");
}

/// The sample files of all suites.
#[test]
fn files() {
    let mut differences = Differences::default();
    let mut folders: Vec<PathBuf> =
        ["csvlint", "frictionless", "node-csv", "papaparse"].map(|name| folder().join(name)).into();
    let mut files = 0;
    while let Some(path) = folders.pop() {
        for entry in fs::read_dir(path).expect("a folder") {
            let path = entry.expect("a folder").path();
            let case = format!("files/{}", path.strip_prefix(folder()).expect("within").display());
            if path.is_dir() {
                folders.push(path);
            } else if !case.ends_with(".json") {
                let file = fs::read(&path).expect("a file");
                let mut text = Vec::new();
                match file.starts_with(b"\x1f\x8b") {
                    true => flate2::read::GzDecoder::new(&file[..]).read_to_end(&mut text).expect("good gzip"),
                    false => (&file[..]).read_to_end(&mut text).expect("memory does not fail"),
                };
                let reference = read_leniently(&text);
                match file.starts_with(b"\x1f\x8b") {
                    true => assert_eq!(read(&file[..]).expect(&case), reference),
                    false => differences.compare(case, &file, &reference),
                }
                files += 1;
            }
        }
    }
    assert!(files > 60, "{files} files");
    differences.check("files/");
}

#[test]
fn gzip() {
    let mut seen = Vec::new();
    for case in json("gzip/manifest.json") {
        let name = case["file"].as_str().expect("a name");
        let result = read(&fs::read(folder().join("gzip").join(name)).expect(name)[..]);
        seen.push(format!(
            "{name}: {}",
            match result {
                Ok(rows) => format!("{} rows", rows.len()),
                Err(error) => error,
            }
        ));
    }
    insta::assert_snapshot!(seen.join("\n"), @r"
    go_00_empty_txt.gz: the file is empty
    go_01_empty_with_no_file_name.gz: the file is empty
    go_04_shesells_txt.gz: 1 rows
    go_05_gettysburg.gz: 28 rows
    go_08_hello_txt_corrupt_checksum.gz: the gzip data is damaged behind 12 bytes of text (corrupt gzip stream does not have a matching checksum)
    go_11_truncated_gzip_file_amid_raw_block.gz: the gzip data ends too early, after 5 bytes of text: the file is not complete
    go_12_truncated_gzip_file_amid_fixed_block.gz: the gzip data ends too early, after 2 bytes of text: the file is not complete
    good-file.gz: 733 rows
    not-gzip_test.zip: the file is a ZIP archive; a CSV file, plain or compressed with gzip, is needed
    not-gzip_test-trailing-junk.zip: the file is a ZIP archive; a CSV file, plain or compressed with gzip, is needed
    ");
}

/// Cells as people and programs write them, short ones mostly.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z0-9]{0,12}",
        2 => "[ \t\"',;\r\n\u{feff}é東]{0,6}",
        1 => any::<String>(),
    ]
}

/// Bytes in which the special ones are frequent.
fn soup() -> impl Strategy<Value = Vec<u8>> {
    let tame = proptest::sample::select(b",,\"\"\n\n\r a\t".to_vec());
    let cells = proptest::sample::select(vec!["\"a\",", "\"\"\"b\"\r\n", " \"c\nc\",", "d,e\r", "\u{e9}\"\n"]);
    let record = prop_oneof![
        200 => cells.prop_map(|text| text.as_bytes().to_vec()),
        4 => vec(tame, 0..3),
        1 => vec(any::<u8>(), 0..2),
    ];
    (vec(record, 0..60), 1usize..30).prop_map(|(records, times)| records.concat().repeat(times))
}

/// Limits that small files run into.
fn limits() -> impl Strategy<Value = Limits> {
    let small = (1usize..40, 1usize..60, 0usize..4).prop_map(|(max_columns, max_record_size, max_line_breaks)| {
        Limits { max_columns, max_record_size, max_line_breaks, ..Limits::default() }
    });
    prop_oneof![small, proptest::strategy::Just(Limits::default())]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_writer_wrote_is_read_again(
        rows in vec(vec(cell(), 1..6), 0..12),
        style in proptest::sample::select(vec![csv::QuoteStyle::Necessary, csv::QuoteStyle::Always]),
        end in proptest::sample::select(vec![csv::Terminator::CRLF, csv::Terminator::Any(b'\n'), csv::Terminator::Any(b'\r')]),
    ) {
        let mut writer = csv::WriterBuilder::new().flexible(true).quote_style(style).terminator(end).from_writer(Vec::new());
        for row in &rows {
            writer.write_record(row).expect("memory does not fail");
        }
        let file = writer.into_inner().expect("memory does not fail");
        let file = [b"header\n", &file[..]].concat();
        let read = read(&file[..]).map(|rows| rows[1..].to_vec());
        prop_assert_eq!(read, Ok(rows));
    }

    /// Whatever the input gives at once and whatever is in memory at once, and whoever looks.
    #[test]
    fn it_does_not_matter_how_a_file_is_cut(file in soup(), limits in limits(), piece in 1usize..600, size in 512usize..700) {
        let whole = read_within(&limits, &file[..]);
        let windows = Limits { window_size: size, ..limits };
        prop_assert_eq!(&read_within(&windows, Drip(&file, piece)), &whole);
        match scan(Drip(&file, piece), &windows) {
            Ok(structure) => prop_assert_eq!(Ok(structure.records as usize + 1), whole.map(|rows| rows.len())),
            Err(error) => prop_assert_eq!(Err(error.to_string()), whole),
        }
    }

    /// What is accepted is what a lenient reader sees too, so strictness refuses and never reinterprets.
    #[test]
    fn what_is_accepted_is_read_as_others_read_it(file in soup()) {
        let file = [b"header\n", &file[..]].concat();
        if let Ok(rows) = read(&file[..]) {
            let trimmed = |rows: &[Vec<String>]| -> Rows {
                rows.iter().map(|row| row.iter().map(|cell| cell.trim_start_matches([' ', '\t']).to_string()).collect()).collect()
            };
            let lenient = read_leniently(&file);
            let blank_before_quote = lenient.iter().flatten().any(|cell| cell.trim_start_matches([' ', '\t']).starts_with('"'));
            prop_assert!(blank_before_quote || trimmed(&rows) == trimmed(&lenient), "{rows:?} {lenient:?}");
        }
    }
}
