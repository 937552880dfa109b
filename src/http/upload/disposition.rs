//! The file name in a `Content-Disposition`, as the many clients write it.
//!
//! A name is a label for people, never a path here: only what stands behind the last slash of either kind is taken, and
//! nothing in it can steer a terminal.

use crate::http::extended_value::ExtendedValue;

/// The most characters of a file name that are kept.
const LONGEST: usize = 255;

/// The file name of a part; nothing if the part is no file. A file may have an empty name.
pub(super) fn file_name(disposition: &[u8]) -> Option<String> {
    let disposition = String::from_utf8_lossy(disposition);
    let parameters = parameters(&disposition);
    let find = |wanted: &str| parameters.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted));
    let extended = find("filename*").and_then(|(_, value)| ExtendedValue::of(value)?.text());
    // Browsers write a quote as %22.
    let plain = || find("filename").map(|(_, value)| value.replace("%22", "\""));
    extended.or_else(plain).map(|name| base_name(&name))
}

/// The parameters behind the type, with quotes removed: `form-data; name="a"; filename=b`.
fn parameters(disposition: &str) -> Vec<(String, String)> {
    let mut parameters = Vec::new();
    let mut rest = disposition.split_once(';').map_or("", |(_, rest)| rest);
    while let Some((name, value)) = rest.split_once('=') {
        let name = name.trim_matches([';', ' ', '\t']).to_owned();
        let value = value.trim_start_matches([' ', '\t']);
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => {
                let end = value.find(';').unwrap_or(value.len());
                (value[..end].trim().to_owned(), &value[end..])
            }
        };
        parameters.push((name, value));
        rest = behind;
    }
    parameters
}

/// What stands before the closing quote, and what behind. A backslash counts only before a quote or another one: old
/// browsers send whole Windows paths.
fn unquote(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let escaped = chars.next_if(|(_, next)| c == '\\' && matches!(next, '"' | '\\'));
        match (escaped, c) {
            (Some((_, escaped)), _) => value.push(escaped),
            (None, '"') => return (value, &text[at + 1..]),
            (None, c) => value.push(c),
        }
    }
    (value, "")
}

fn base_name(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let name: String = name.chars().filter(|c| !is_steering(*c)).collect();
    name.trim().chars().take(LONGEST).collect()
}

/// Whether a character changes how others are shown: control characters, and those that turn the direction of writing.
fn is_steering(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::file_name;

    #[test]
    fn names_of_many_clients() {
        let cases: &[(&[u8], Option<&str>)] = &[
            (b"form-data; name=\"upload\"; filename=\"users.csv\"", Some("users.csv")),
            (b"form-data; filename=users.csv; name=upload", Some("users.csv")),
            (b"FORM-DATA;NAME=upload;FileName = users.csv ", Some("users.csv")),
            (b"form-data; name=\"filename=no.csv\"", None),
            (b"form-data; name=\"a;b\"; filename=\"c;d=e.csv\"", Some("c;d=e.csv")),
            (b"form-data; name=upload", None),
            (b"form-data", None),
            (b"", None),
            (b"form-data; filename=\"\"", Some("")),
            (b"form-data; filename=", Some("")),
            (b"form-data; filename=\"open.csv", Some("open.csv")),
            (b"form-data; filename=\"../../etc/users.csv\"", Some("users.csv")),
            (b"form-data; filename=\"C:\\temp\\new.csv\"", Some("new.csv")),
            (b"form-data; filename=\"C:\\\\temp\\\\new.csv\"", Some("new.csv")),
            (b"form-data; filename=\"folder/\"", Some("")),
            (b"form-data; filename=\"the \\\"best\\\".csv\"", Some("the \"best\".csv")),
            (b"form-data; filename=\"the %22best%22 100%25.csv\"", Some("the \"best\" 100%25.csv")),
            (b"form-data; filename=\"a\x1b[2Jb\x00.csv\"", Some("a[2Jb.csv")),
            ("form-data; filename=\"users\u{202e}vsc.exe\"".as_bytes(), Some("usersvsc.exe")),
            ("form-data; filename=\"Zoë 東京.csv\"".as_bytes(), Some("Zoë 東京.csv")),
            (b"form-data; filename=\"Zo\xeb.csv\"", Some("Zo\u{fffd}.csv")),
            (b"form-data; filename=\"x.csv\"; filename*=UTF-8''Zo%C3%AB%20%22.csv", Some("Zoë \".csv")),
            (b"form-data; filename*=utf-8'en'..%2Fz.csv; filename=x.csv", Some("z.csv")),
            (b"form-data; filename*=ISO-8859-1''Zo%EB.csv", Some("Zoë.csv")),
            (b"form-data; filename=x.csv; filename*=UTF-8''%FF", Some("x.csv")),
            (b"form-data; filename=x.csv; filename*=KOI8-R''z", Some("x.csv")),
            (b"form-data; filename=x.csv; filename*=z", Some("x.csv")),
        ];
        for (disposition, expected) in cases {
            assert_eq!(file_name(disposition).as_deref(), *expected, "{}", disposition.escape_ascii());
        }
        let long = format!("form-data; filename=\"{}.csv\"", "ä".repeat(300));
        assert_eq!(file_name(long.as_bytes()), Some("ä".repeat(255)));
    }
}
