//! Tells text from what else people send, by the first bytes of a file, and says what text in another encoding looks
//! like.

use crate::error::{Error, Result};

/// The byte order mark of UTF-8, which is allowed once and means nothing.
const UTF_8_MARK: &[u8] = b"\xef\xbb\xbf";

/// Marks of other encodings, the longer ones first.
const MARKS: [(&[u8], &str); 4] = [
    (b"\xff\xfe\0\0", "UTF-32 (little-endian)"),
    (b"\0\0\xfe\xff", "UTF-32 (big-endian)"),
    (b"\xff\xfe", "UTF-16 (little-endian)"),
    (b"\xfe\xff", "UTF-16 (big-endian)"),
];

/// How files that are no text begin.
const FORMATS: [(&[u8], &str); 20] = [
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook"),
    (b"\x1f\x8b", "gzip within gzip"),
    (b"\x1f\x9d", "compressed with compress (.Z)"),
    (b"BZh11AY&SY", "compressed with bzip2"),
    (b"BZh91AY&SY", "compressed with bzip2"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd"),
    (b"\x04\x22\x4d\x18", "compressed with lz4"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"%PDF-", "a PDF document"),
    (b"PAR1\x15", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"SQLite format 3\0", "an SQLite database"),
    (b"<!DOCTYPE ", "an HTML page"),
    (b"<html", "an HTML page"),
    (b"<?xml ", "XML"),
    (b"{\"", "JSON"),
];

/// What the bytes 0x80 to 0x9F are in Windows-1252. Five of them are nothing.
const WINDOWS_1252: &str = "€\u{81}‚ƒ„…†‡ˆ‰Š‹Œ\u{8d}Ž\u{8f}\u{90}‘’“”•–—˜™š›œ\u{9d}žŸ";

/// Looks at the beginning of a file and returns how many bytes come before the text.
pub(super) fn sniff(head: &[u8]) -> Result<usize> {
    if let Some(encoding) = other_encoding(head) {
        return Err(Error::file(format!("the file is {encoding} text; save it as CSV UTF-8")));
    }
    refuse_other_format(head)?;
    Ok(if head.starts_with(UTF_8_MARK) { UTF_8_MARK.len() } else { 0 })
}

/// Refuses a file that begins like something that is no text in any encoding.
pub(super) fn refuse_other_format(head: &[u8]) -> Result<()> {
    other_format(head).map_or(Ok(()), |format| {
        Err(Error::file(format!("the file is {format}; a CSV file, plain or compressed with gzip, is needed")))
    })
}

fn other_encoding(head: &[u8]) -> Option<&'static str> {
    let marked = MARKS.iter().find(|(mark, _)| head.starts_with(mark)).map(|(_, name)| *name);
    marked.or_else(|| {
        // Without a mark: in Western text every second byte is NUL, at least before the first cell of names ends.
        let (pairs, _) = head[..head.len().min(16)].as_chunks::<2>();
        let all = |pattern: fn(&[u8; 2]) -> bool| pairs.len() > 1 && pairs.iter().all(pattern);
        if all(|[first, second]| *first != 0 && *second == 0) {
            Some("UTF-16 (little-endian)")
        } else if all(|[first, second]| *first == 0 && *second != 0) {
            Some("UTF-16 (big-endian)")
        } else {
            None
        }
    })
}

fn other_format(head: &[u8]) -> Option<&'static str> {
    // A tar archive begins with the name of a file; its mark comes later.
    let tar = head.get(257..).filter(|rest| rest.starts_with(b"ustar")).map(|_| "a tar archive");
    let format = FORMATS.iter().find(|(magic, _)| head.starts_with(magic)).map(|(_, name)| *name).or(tar)?;
    let contains = |name: &[u8]| memchr::memmem::find(&head[..head.len().min(512)], name).is_some();
    match format {
        "a ZIP archive" if contains(b"[Content_Types].xml") || contains(b"xl/") => Some("an Excel workbook"),
        _ => Some(format),
    }
}

/// Says what is wrong with a byte that is not UTF-8, and what it probably is.
pub(super) fn explain(text: &[u8], at: usize) -> String {
    let byte = text[at];
    let next = text.get(at + 1).copied().unwrap_or_default();
    match (byte, next) {
        (0xed, 0xa0..=0xbf) => "half of a UTF-16 pair, written as if it were UTF-8".to_string(),
        (0xc0 | 0xc1, 0x80..=0xbf) | (0xe0, 0x80..=0x9f) | (0xf0, 0x80..=0x8f) => {
            "a character written with more bytes than UTF-8 allows".to_string()
        }
        (0xc2..=0xf4, 0x80..=0xbf) => "the beginning of a character whose end is missing".to_string(),
        _ => match windows_1252(byte) {
            Some(character) => format!("looks like Windows-1252 ('{character}'); save the file as CSV UTF-8"),
            None => "save the file as CSV UTF-8".to_string(),
        },
    }
}

fn windows_1252(byte: u8) -> Option<char> {
    match byte {
        0x80..=0x9f => WINDOWS_1252.chars().nth(usize::from(byte - 0x80)).filter(|character| !character.is_control()),
        _ => Some(char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::{explain, sniff};

    #[test]
    fn refuses_what_is_no_csv_in_utf_8() {
        let tar = [b"users.csv".as_slice(), &[0; 248], b"ustar\x0000"].concat();
        let cases: &[(&[u8], &str)] = &[
            (b"\xff\xfei\0d\0\n\0", "UTF-16 (little-endian) text"),
            (b"\xfe\xff\0i\0d\0\n", "UTF-16 (big-endian) text"),
            (b"i\0d\0,\0n\0\n\0", "UTF-16 (little-endian) text"),
            (b"\0i\0d\0,\0n\0\n", "UTF-16 (big-endian) text"),
            (b"\xff\xfe\0\0i\0\0\0", "UTF-32 (little-endian) text"),
            (b"PK\x03\x04\x14\0users.csv", "a ZIP archive"),
            (b"PK\x03\x04\x14\0[Content_Types].xml", "an Excel workbook"),
            (b"\x1f\x8b\x08\0", "gzip within gzip"),
            (b"<!DOCTYPE html>", "an HTML page"),
            (b"{\"id\": 1}", "JSON"),
            (&tar, "a tar archive"),
        ];
        for (head, expected) in cases {
            let error = sniff(head).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn accepts_text_and_skips_its_mark() {
        let cases: &[(&[u8], usize)] =
            &[(b"", 0), (b"id", 0), (b"\xef\xbb\xbfid", 3), (b"PK,BZh\n", 0), (b"a\0b\n", 0)];
        for (head, expected) in cases {
            assert_eq!(sniff(head).expect("text"), *expected, "{head:?}");
        }
    }

    #[test]
    fn explains_other_encodings() {
        let cases: &[(&[u8], &str)] = &[
            (b"\xe9,", "looks like Windows-1252 ('é'); save the file as CSV UTF-8"),
            (b"\x93,", "looks like Windows-1252 ('“'); save the file as CSV UTF-8"),
            (b"\x81,", "save the file as CSV UTF-8"),
            (b"\xed\xa0\x80", "half of a UTF-16 pair, written as if it were UTF-8"),
            (b"\xc0\xaf", "a character written with more bytes than UTF-8 allows"),
            (b"\xe2\x82,", "the beginning of a character whose end is missing"),
        ];
        for (text, expected) in cases {
            assert_eq!(explain(text, 0), *expected);
        }
    }
}
