//! What becomes of files as people, spreadsheets, programs and accidents make them.
//!
//! A table has a line for each file: given it, the exit code and the counts, and below them every sentence about it.
//! Where a file is refused as a whole, nothing of it is applied.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::{Compression, GzBuilder};

use crate::harness::Folder;

const IMPORT: &str = "import users.csv --into managed/px_user --unique id";

const USERS: &str = "id,firstName\n1,Ann\n2,Bob\n";

/// What is said about each file.
fn table<C: AsRef<[u8]>>(files: &[(&str, C)]) -> String {
    table_of(IMPORT, files, &Folder::new)
}

fn table_of<C: AsRef<[u8]>>(import: &str, files: &[(&str, C)], folder: &dyn Fn() -> Folder) -> String {
    let mut table = String::new();
    for (name, content) in files {
        let folder = folder().file("users.csv", content);
        let account = folder.account(import).replace("users.csv: ", "").replace("users.csv, ", "");
        writeln!(table, "{name}: {}", account.replace('\n', "\n    ")).unwrap();
        let refused = account.contains("total 0") || !account.contains("total");
        assert!(
            !refused || !folder.run("objects list managed/px_user").stdout().contains("_id"),
            "{name} left objects"
        );
    }
    table
}

fn gzip(content: impl AsRef<[u8]>) -> Vec<u8> {
    gzip_named("users.csv", content)
}

fn gzip_named(name: &str, content: impl AsRef<[u8]>) -> Vec<u8> {
    let mut writer = GzBuilder::new().filename(name).write(Vec::new(), Compression::default());
    writer.write_all(content.as_ref()).unwrap();
    writer.finish().unwrap()
}

/// C1 to C5.
#[test]
fn gzip_is_read_to_its_end_or_refused() {
    let whole = gzip(USERS);
    let damaged = |from_end: usize| {
        let mut file = whole.clone();
        let at = file.len() - from_end;
        file[at] ^= 1;
        file
    };
    let files = [
        ("whole", whole.clone()),
        ("two members", [gzip("id,firstName\n1,A"), gzip("nn\n2,Bob\n")].concat()),
        ("an empty member between two", [gzip("id,firstName\n1,Ann\n"), gzip(""), gzip("2,Bob\n")].concat()),
        ("padded with zeros", [whole.clone(), vec![0; 512]].concat()),
        ("a wicked name inside", gzip_named("../../etc/passwd", USERS)),
        ("cut in the header", whole[..5].to_vec()),
        ("cut in the data", whole[..whole.len() - 12].to_vec()),
        ("cut in the checksum", whole[..whole.len() - 3].to_vec()),
        ("a wrong checksum", damaged(8)),
        ("a wrong size", damaged(1)),
        ("a damaged byte", damaged(20)),
        ("rubbish behind", [whole.clone(), b"rubbish".to_vec()].concat()),
        ("half a member behind", [whole.clone(), whole[..6].to_vec()].concat()),
        ("gzip in gzip", gzip(&whole)),
        ("gzip of nothing", gzip("")),
        ("a ZIP archive", b"PK\x03\x04\x14\0\0\0\x08\0users.csv".to_vec()),
        ("an Excel workbook", b"PK\x03\x04\x14\0\0\0\x08\0[Content_Types].xml".to_vec()),
    ];
    insta::assert_snapshot!(table(&files), @"
    whole: exit 0, created 2, total 2
    two members: exit 0, created 2, total 2
    an empty member between two: exit 0, created 2, total 2
    padded with zeros: exit 0, created 2, total 2
    a wicked name inside: exit 0, created 2, total 2
    cut in the header: exit 1
        the gzip data ends too early, after 0 bytes of text: the file is not complete
    cut in the data: exit 1, total 0
        the gzip data ends too early, after 22 bytes of text: the file is not complete
    cut in the checksum: exit 1, total 0
        the gzip data ends too early, after 25 bytes of text: the file is not complete
    a wrong checksum: exit 1, total 0
        the gzip data is damaged behind 25 bytes of text (corrupt gzip stream does not have a matching checksum)
    a wrong size: exit 1, total 0
        the gzip data is damaged behind 25 bytes of text (corrupt gzip stream does not have a matching checksum)
    a damaged byte: exit 1, total 0
        the gzip data is damaged behind 25 bytes of text (corrupt gzip stream does not have a matching checksum)
    rubbish behind: exit 1, total 0
        something that is not gzip follows the gzip data, where only zero bytes may come
    half a member behind: exit 1, total 0
        the gzip data ends too early, after 25 bytes of text: the file is not complete
    gzip in gzip: exit 1
        the file is gzip within gzip; a CSV file, plain or compressed with gzip, is needed
    gzip of nothing: exit 1
        the file is empty
    a ZIP archive: exit 1
        the file is a ZIP archive; a CSV file, plain or compressed with gzip, is needed
    an Excel workbook: exit 1
        the file is an Excel workbook; a CSV file, plain or compressed with gzip, is needed
    ");
}

/// C4, C18 to C20: limits are settings.
#[test]
fn monsters_are_refused() {
    let settings =
        "[import]\nmax_columns = 5\nmax_record_size = '1KB'\nmax_line_breaks = 3\nmax_decompressed_size = '64KB'\n";
    let folder = || Folder::new().file("rollbook-data/rollbook.toml", settings);
    let columns = |count: usize| vec!["x"; count].join(",");
    let files = [
        ("as many columns as allowed", format!("{USERS}3,{}\n", columns(4)).into_bytes()),
        ("one column too many", format!("{USERS}3,{}\n", columns(5)).into_bytes()),
        ("too many columns in the header", format!("id,{}\n", columns(100_000)).into_bytes()),
        ("a record of the largest size", format!("{USERS}3,{}\n", "x".repeat(1022)).into_bytes()),
        ("a record of one byte more", format!("{USERS}3,{}\n", "x".repeat(1023)).into_bytes()),
        ("a file without a line end", "x".repeat(1 << 20).into_bytes()),
        ("as many line breaks as allowed", format!("{USERS}3,\"{}\"\n", "a\n".repeat(3)).into_bytes()),
        ("one line break too many", format!("{USERS}3,\"{}\"\n", "a\r\n".repeat(4)).into_bytes()),
        ("a quote that opens too early", format!("{USERS}3,\"Cid\n4,Dan\n5,Eve\n6,Fay\n7,Gus\"\n8,Hal\n").into_bytes()),
        ("a bomb", gzip(format!("{USERS}{}", "\n".repeat(70_000)))),
    ];
    insta::assert_snapshot!(table_of(IMPORT, &files, &folder), @"
    as many columns as allowed: exit 1, created 2, failure 1, total 3
        row 4: the record has 5 cells, the header has 2 columns
    one column too many: exit 1, total 0
        row 4: the record has 6 columns; at most 5 are allowed
    too many columns in the header: exit 1
        row 1: the record has more than 5 columns; at most 5 are allowed
    a record of the largest size: exit 0, created 3, total 3
    a record of one byte more: exit 1, total 0
        row 4: the record is larger than 1024 bytes, the most that is allowed
    a file without a line end: exit 1
        row 1: the record is larger than 1024 bytes, the most that is allowed
    as many line breaks as allowed: exit 0, created 3, total 3
    one line break too many: exit 1, total 0
        row 4, column 'firstName': the quoted cell of column 2 has 4 line breaks, from line 4 to line 8 of the file; at most 3 are allowed, so a quote may be missing or one too many
    a quote that opens too early: exit 1, total 0
        row 4, column 'firstName': the quoted cell of column 2 has 4 line breaks, from line 4 to line 8 of the file; at most 3 are allowed, so a quote may be missing or one too many
    a bomb: exit 1
        the file decompresses to more than 65536 bytes, the most that is allowed
    ");
}

/// C20.
#[test]
fn records_are_counted_not_lines() {
    let files = [
        ("three records in six lines", "id,firstName\n1,\"A\nn\"\n2,\"B\n\"\n\n3,C\n"),
        ("four records", "id\n1\n2\n3\n4\n"),
    ];
    insta::assert_snapshot!(table_of(&format!("{IMPORT} --max-records 3"), &files, &Folder::new), @"
    three records in six lines: exit 0, created 3, total 3
    four records: exit 1, unprocessed 4, total 4
        the file has 4 records, and 3 are allowed
    ");
    insta::assert_snapshot!(table_of(&format!("{IMPORT} --max-records 3 --atomic"), &files, &Folder::new), @"
    three records in six lines: exit 0, created 3, total 3
    four records: exit 1, unprocessed 4, total 4
        the file has 4 records, and 3 are allowed
    ");
}

/// C6 and C7.
#[test]
fn a_file_with_nothing_in_it_is_no_success() {
    let files = [
        ("no bytes", ""),
        ("a byte order mark", "\u{feff}"),
        ("blank lines", "\n\r\n  \n"),
        ("a header", "id,firstName\n"),
        ("a header without a line end", "id,firstName"),
        ("a header and blank lines", "id,firstName\n\n\n"),
    ];
    insta::assert_snapshot!(table(&files), @"
    no bytes: exit 1
        the file is empty
    a byte order mark: exit 1
        the file is empty
    blank lines: exit 1
        the file is empty
    a header: exit 0, total 0
        warning: the file has a header and no records
    a header without a line end: exit 0, total 0
        warning: the file has a header and no records
    a header and blank lines: exit 0, total 0
        warning: the file has a header and no records
    ");
}

/// C8, C31 and C32.
#[test]
fn everything_wrong_with_a_header_is_told_at_once() {
    let files = [
        ("twice the same", "id,firstName,id\n1,Ann,1\n"),
        ("twice the same, with a slash", "id,firstName,/firstName\n1,Ann,Ann\n"),
        ("no name", "id,,firstName\n1,x,Ann\n"),
        ("a comma too many", "id,firstName,\n1,Ann,\n"),
        ("other letters", "ID,Email\n1,ann@example.com\n"),
        ("unknown", "id,nickname\n1,Ann\n"),
        ("unknown, below blank lines", "\n\nid,nickname\n1,Ann\n"),
        ("computed", "id,numberOfVisits\n1,7\n"),
        ("without the key", "firstName\nAnn\n"),
        ("many things", "Id,fristName,numberOfVisits,,lastName,lastName\n1,Ann,7,,Lee,Lee\n"),
        ("semicolons", "id;firstName\n1;Ann\n"),
        ("tabs", "id\tfirstName\n1\tAnn\n"),
        ("a title above", "Users of May\nid,firstName\n1,Ann\n"),
        ("Entra", "version:v1.0\nName [displayName] Required,User name [userPrincipalName] Required\nAnn,ann\n"),
        ("the server's columns", "_id,_rev,id,_importError\nx,0,1,{code=403}\n"),
    ];
    insta::assert_snapshot!(table(&files), @"
    twice the same: exit 1
        row 1: the header does not fit managed/px_user:
          column 'id' stands twice (columns 1 and 3)
    twice the same, with a slash: exit 1
        row 1: the header does not fit managed/px_user:
          column '/firstName' stands twice (columns 2 and 3)
    no name: exit 1
        row 1: the header does not fit managed/px_user:
          column 2 has no name
    a comma too many: exit 1
        row 1: the header does not fit managed/px_user:
          column 3 has no name
    other letters: exit 1
        row 1: the header does not fit managed/px_user:
          unknown column 'ID' (column 1) (did you mean 'id'?)
          unknown column 'Email' (column 2) (did you mean 'email'?)
          missing column 'id' (is it 'ID'?)
    unknown: exit 1
        row 1: the header does not fit managed/px_user:
          unknown column 'nickname' (column 2)
    unknown, below blank lines: exit 1
        row 3: the header does not fit managed/px_user:
          unknown column 'nickname' (column 2)
    computed: exit 1
        row 1: the header does not fit managed/px_user:
          column 'numberOfVisits' (column 2) is read-only: its value is computed
    without the key: exit 1
        row 1: the header does not fit managed/px_user:
          missing column 'id'
    many things: exit 1
        row 1: the header does not fit managed/px_user:
          unknown column 'Id' (column 1) (did you mean 'id'?)
          unknown column 'fristName' (column 2) (did you mean 'firstName'?)
          column 'numberOfVisits' (column 3) is read-only: its value is computed
          column 4 has no name
          column 'lastName' stands twice (columns 5 and 6)
          missing column 'id' (is it 'Id'?)
    semicolons: exit 1
        row 1: the header does not fit managed/px_user:
          the header 'id;firstName' seems to be separated by ';': columns are separated by commas
    tabs: exit 1
        row 1: the header does not fit managed/px_user:
          the header 'id\\tfirstName' seems to be separated by tabs: columns are separated by commas
    a title above: exit 1
        row 1: the header does not fit managed/px_user:
          the first row is the single cell 'Users of May': it must be the header, without a title above
    Entra: exit 1
        row 1: the header does not fit managed/px_user:
          the first row is the single cell 'version:v1.0': it must be the header, without a title above
    the server's columns: exit 0, created 1, total 1
    ");
}

/// C9, C10, C14 and C16.
#[test]
fn habits_of_other_programs_are_accepted() {
    let files = [
        ("blanks before quotes", "\"id\", \"firstName\"\n\"1\", \"Ann\"\n".to_owned()),
        ("blanks around names", " id , firstName\n1,Ann\n".to_owned()),
        ("a slash before a name", "/id,/firstName\n1,Ann\n".to_owned()),
        ("a byte order mark", format!("\u{feff}{USERS}")),
        ("a byte order mark before a quote", "\u{feff}\"id\",firstName\n1,Ann\n".to_owned()),
        ("no last line end", USERS.trim_end().to_owned()),
        ("CRLF", USERS.replace('\n', "\r\n")),
        ("CR", USERS.replace('\n', "\r")),
        ("all of them", "id,firstName\r\n1,Ann\n2,Bob\r3,Cid".to_owned()),
        ("blank lines", "\nid,firstName\n\n1,Ann\r\n\r\n2,Bob\n\n".to_owned()),
        ("a quote inside a cell", "id,firstName\n1,5\" Ann\n2,The \"Bob\"\n".to_owned()),
        ("columns in any order", "firstName,id\nAnn,1\n".to_owned()),
    ];
    insta::assert_snapshot!(table(&files), @"
    blanks before quotes: exit 0, created 1, total 1
    blanks around names: exit 0, created 1, total 1
    a slash before a name: exit 0, created 1, total 1
    a byte order mark: exit 0, created 2, total 2
    a byte order mark before a quote: exit 0, created 1, total 1
    no last line end: exit 0, created 2, total 2
    CRLF: exit 0, created 2, total 2
    CR: exit 0, created 2, total 2
    all of them: exit 0, created 3, total 3
    blank lines: exit 0, created 2, total 2
    a quote inside a cell: exit 0, created 2, total 2
        warning: 2 records have a quote inside a cell that is not quoted; it was taken as it is
    columns in any order: exit 0, created 1, total 1
    ");
}

#[test]
fn blanks_are_data_except_around_keys_and_before_quotes() {
    let folder = Folder::new().file("users.csv", "id,firstName\n 1 , Ann \n\" 2\",  \" Bob\"\n").after(IMPORT);
    let objects = folder.run("objects list managed/px_user --json").json();
    let stored: Vec<_> = objects.iter().map(|object| (&object["id"], &object["firstName"])).collect();
    insta::assert_snapshot!(format!("{stored:?}"), @r#"[(String("1"), String(" Ann ")), (String("2"), String(" Bob"))]"#);
}

/// C11 and C12.
#[test]
fn other_encodings_are_refused_with_their_place() {
    let utf_16 = |text: &str, encode: fn(u16) -> [u8; 2]| -> Vec<u8> { text.encode_utf16().flat_map(encode).collect() };
    let row = |bytes: &[u8]| [b"id,firstName\n1,Ann\n2,", bytes, b"\n3,Cid\n"].concat();
    let files = [
        ("UTF-16 with a mark", utf_16(&format!("\u{feff}{USERS}"), u16::to_le_bytes)),
        ("UTF-16, big-endian, with a mark", utf_16(&format!("\u{feff}{USERS}"), u16::to_be_bytes)),
        ("UTF-16 without a mark", utf_16(USERS, u16::to_le_bytes)),
        ("Latin-1", row(b"Zo\xeb")),
        ("Windows-1252", row(b"\x93Bob\x94")),
        ("half a character", row(b"Zo\xc3")),
        ("a lone surrogate", row(b"\xed\xa0\x80")),
        ("too long a form", row(b"\xc0\xaf")),
        ("in the header", b"id,firstName,\xe9tat\n1,Ann,x\n".to_vec()),
        ("in compressed data", gzip(row(b"Zo\xeb"))),
    ];
    insta::assert_snapshot!(table(&files), @"
    UTF-16 with a mark: exit 1
        the file is UTF-16 (little-endian) text; save it as CSV UTF-8
    UTF-16, big-endian, with a mark: exit 1
        the file is UTF-16 (big-endian) text; save it as CSV UTF-8
    UTF-16 without a mark: exit 1
        the file is UTF-16 (little-endian) text; save it as CSV UTF-8
    Latin-1: exit 1, total 0
        row 3, column 'firstName': byte 0xEB at offset 23 of the file is not UTF-8: looks like Windows-1252 ('ë'); save the file as CSV UTF-8
    Windows-1252: exit 1, total 0
        row 3, column 'firstName': byte 0x93 at offset 21 of the file is not UTF-8: looks like Windows-1252 ('“'); save the file as CSV UTF-8
    half a character: exit 1, total 0
        row 3, column 'firstName': byte 0xC3 at offset 23 of the file is not UTF-8: looks like Windows-1252 ('Ã'); save the file as CSV UTF-8
    a lone surrogate: exit 1, total 0
        row 3, column 'firstName': byte 0xED at offset 21 of the file is not UTF-8: half of a UTF-16 pair, written as if it were UTF-8
    too long a form: exit 1, total 0
        row 3, column 'firstName': byte 0xC0 at offset 21 of the file is not UTF-8: a character written with more bytes than UTF-8 allows
    in the header: exit 1
        row 1: byte 0xE9 at offset 13 of the file is not UTF-8: looks like Windows-1252 ('é'); save the file as CSV UTF-8
    in compressed data: exit 1, total 0
        row 3, column 'firstName': byte 0xEB at offset 23 of the file is not UTF-8: looks like Windows-1252 ('ë'); save the file as CSV UTF-8
    ");
}

/// C13 and C17.
#[test]
fn a_misshapen_record_fails_alone() {
    let files = [
        ("a NUL", "id,firstName\n1,A\0nn\n2,Bob\n"),
        ("too few cells", "id,firstName,lastName\n1,Ann\n2,Bob,Bow\n"),
        ("too many cells", "id,firstName\n1,Ann,,\n2,Bob\n"),
        ("an empty line of one column", "id\n1\n\"\"\n2\n"),
        ("no key", "id,firstName\n,Ann\n  ,Bob\n3,Cid\n"),
    ];
    insta::assert_snapshot!(table(&files), @"
    a NUL: exit 1, created 1, failure 1, total 2
        row 2: cell 2 holds a NUL character, which no property can
    too few cells: exit 1, created 1, failure 1, total 2
        row 2: the record has 2 cells, the header has 3 columns
    too many cells: exit 1, created 1, failure 1, total 2
        row 2: the record has 4 cells, the header has 2 columns
    an empty line of one column: exit 1, created 2, failure 1, total 3
        row 3, id: a value is required (REQUIRED)
    no key: exit 1, created 1, failure 2, total 3
        row 2, id: a value is required (REQUIRED)
        row 3, id: a value is required (REQUIRED)
    ");
    insta::assert_snapshot!(table_of(&format!("{IMPORT} --atomic"), &files[..2], &Folder::new), @"
    a NUL: exit 1, failure 1, unprocessed 1, total 2
        1 record is wrong, so nothing of the file was imported
        row 2: cell 2 holds a NUL character, which no property can
    too few cells: exit 1, failure 1, unprocessed 1, total 2
        1 record is wrong, so nothing of the file was imported
        row 2: the record has 2 cells, the header has 3 columns
    ");
    insta::assert_snapshot!(table(&[("a NUL in the header", "id,first\0Name\n1,Ann\n")]), @"
    a NUL in the header: exit 1
        row 1: the header contains a NUL byte
    ");
}

/// C15: a file that lost a quote, or has one too many, never is a smaller success.
#[test]
fn stray_quotes_do_not_swallow_records() {
    let with = |faults: &[(usize, &str)]| {
        let mut file = "id,firstName\n".to_owned();
        for record in 1..=400 {
            let name = faults.iter().find(|(at, _)| *at == record).map_or("Ann", |(_, name)| name);
            writeln!(file, "{record},{name}").unwrap();
        }
        file
    };
    let files = [
        ("a: never closed", with(&[(12, "\"Ann")])),
        ("a: never closed, in the last record", with(&[(400, "\"Ann")])),
        ("b: two opening quotes", with(&[(12, "\"Ann"), (300, "\"Bob")])),
        ("b: something behind a closing quote", with(&[(12, "\"Ann\" Lee")])),
        ("c: opened in one record, closed in another", with(&[(12, "\"Ann"), (300, "Bob\"")])),
    ];
    insta::assert_snapshot!(table(&files), @"
    a: never closed: exit 1, total 0
        row 13, column 'firstName': the quote that opens column 2, in line 13 of the file, is never closed
    a: never closed, in the last record: exit 1, total 0
        row 401, column 'firstName': the quote that opens column 2, in line 401 of the file, is never closed
    b: two opening quotes: exit 1, total 0
        row 13, column 'firstName': 'B' follows the closing quote of column 2, in line 301 of the file, where only a comma or the end of the record may come: a quote within a quoted cell is written twice; the quote was opened in line 13
    b: something behind a closing quote: exit 1, total 0
        row 13, column 'firstName': ' ' follows the closing quote of column 2, in line 13 of the file, where only a comma or the end of the record may come: a quote within a quoted cell is written twice
    c: opened in one record, closed in another: exit 1, total 0
        row 13, column 'firstName': the quoted cell of column 2 has 288 line breaks, from line 13 to line 301 of the file; at most 100 are allowed, so a quote may be missing or one too many
    ");
}
