//! Request heads, tidied up before hyper reads them.
//!
//! Clients of PingIDM send bytes in addresses that have no place there: `?_queryFilter=/resourcePath+eq+"managed/user"`
//! with its quotes, as curl does. hyper refuses such a request before anybody could look at it. So they are
//! percent-encoded in the request line, and nowhere else.
//!
//! That must never touch a body. A request line is looked for only where a message is known to begin: at the start of a
//! connection, and behind a message whose end is beyond doubt, because it has no body or one `Content-Length` in plain
//! digits. About such messages hyper and we cannot disagree: either it finds the same end, or it refuses the message and
//! reads no further. From any other message on (chunked, upgraded, malformed) the rest of the connection passes as it is.
//!
//! Nothing is held back and next to nothing kept, however the bytes are cut into pieces.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Longer than a field that says where a message ends has reason to be.
const LONGEST_FIELD: usize = 64;

/// What the heads of a connection's requests have been so far.
#[derive(Debug)]
pub(super) struct Heads {
    place: Place,
    /// The field that is being read, as far as it is of interest.
    field: Vec<u8>,
    content_length: Option<u64>,
    is_encoded: bool,
    /// Heads that are over.
    count: u64,
    two_lengths: Arc<AtomicU64>,
}

/// Where in a message we are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before the first byte of a request line. Line ends there are skipped, as hyper skips them.
    Start,
    Method,
    /// Behind the method, to the end of the request line.
    Target,
    Fields,
    /// So many bytes before the end of the body.
    Body(u64),
    /// Nobody knows.
    Beyond,
}

impl Heads {
    /// None yet. The number of the first request that gives both `Content-Length` and `Transfer-Encoding`, counted from
    /// 1, is stored in `two_lengths`: hyper goes by the latter and hides the former.
    pub(super) fn new(two_lengths: Arc<AtomicU64>) -> Heads {
        let field = Vec::with_capacity(LONGEST_FIELD);
        Heads { place: Place::Start, field, content_length: None, is_encoded: false, count: 0, two_lengths }
    }

    /// What stands for these bytes of the connection; nothing if they are good as they are.
    pub(super) fn tidy(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        let mut tidied: Option<Vec<u8>> = None;
        let mut rest = bytes;
        while let Some((&byte, behind)) = rest.split_first() {
            let passing = match self.place {
                Place::Beyond => rest.len(),
                Place::Body(left) => usize::try_from(left).unwrap_or(usize::MAX).min(rest.len()),
                Place::Target if is_foreign(byte) => {
                    let tidied = tidied.get_or_insert_with(|| bytes[..bytes.len() - rest.len()].to_vec());
                    tidied.extend_from_slice(format!("%{byte:02X}").as_bytes());
                    rest = behind;
                    continue;
                }
                _ => 1,
            };
            if let Some(tidied) = &mut tidied {
                tidied.extend_from_slice(&rest[..passing]);
            }
            match self.place {
                Place::Body(left) => self.place = after(left - passing as u64),
                Place::Beyond => {}
                _ => self.see(byte),
            }
            rest = &rest[passing..];
        }
        tidied
    }

    /// Moves on by one byte of a head.
    fn see(&mut self, byte: u8) {
        self.place = match (self.place, byte) {
            (Place::Start, b'\r' | b'\n') => Place::Start,
            (Place::Start, _) => Place::Method,
            (Place::Method, b' ') => Place::Target,
            (Place::Method, b'\n') => Place::Beyond,
            (Place::Target, b'\n') => Place::Fields,
            (Place::Fields, b'\n') => self.end_field(),
            (Place::Fields, _) => {
                if self.field.len() < LONGEST_FIELD {
                    self.field.push(byte);
                }
                Place::Fields
            }
            (place, _) => place,
        };
    }

    fn end_field(&mut self) -> Place {
        // What was cut off is not known.
        let is_cut = self.field.len() == LONGEST_FIELD;
        let field = self.field.strip_suffix(b"\r").unwrap_or(&self.field);
        if field.is_empty() {
            return self.end_head();
        }
        let known = match field.iter().position(|byte| *byte == b':') {
            Some(colon) if field[..colon].eq_ignore_ascii_case(b"content-length") => {
                let length = digits(&field[colon + 1..]).filter(|_| !is_cut && self.content_length.is_none());
                self.content_length = Some(length.unwrap_or(u64::MAX));
                length.is_some()
            }
            Some(colon) if field[..colon].eq_ignore_ascii_case(b"transfer-encoding") => {
                self.is_encoded = true;
                true
            }
            Some(colon) => !field[..colon].eq_ignore_ascii_case(b"upgrade"),
            None => is_cut,
        };
        self.field.clear();
        if known { Place::Fields } else { Place::Beyond }
    }

    fn end_head(&mut self) -> Place {
        self.field.clear();
        self.count += 1;
        match (self.content_length.take(), self.is_encoded) {
            (length, false) => after(length.unwrap_or(0)),
            (length, true) => {
                if length.is_some() {
                    self.two_lengths.store(self.count, Ordering::Relaxed);
                }
                Place::Beyond
            }
        }
    }
}

/// Where we are with so many bytes of a body to come.
fn after(left: u64) -> Place {
    if left == 0 { Place::Start } else { Place::Body(left) }
}

/// Whether hyper would refuse this byte in an address, or might, or pass it on as something that no text is made of.
fn is_foreign(byte: u8) -> bool {
    matches!(byte, b'"' | b'<' | b'>' | b'{' | b'}' | b'|' | b'\\' | b'^' | b'`' | 0x80..)
}

fn digits(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    let is_plain = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(value).ok().filter(|_| is_plain)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::Heads;

    /// What hyper would read, whole and byte by byte.
    fn tidied(bytes: &str) -> String {
        let mut heads = Heads::new(Arc::default());
        let whole = heads.tidy(bytes.as_bytes()).unwrap_or_else(|| bytes.as_bytes().to_vec());
        let mut heads = Heads::new(Arc::default());
        let one = |byte: &u8| heads.tidy(&[*byte]).unwrap_or_else(|| vec![*byte]);
        let pieces: Vec<u8> = bytes.as_bytes().iter().flat_map(one).collect();
        assert_eq!(whole, pieces);
        String::from_utf8(whole).expect("UTF-8 stays UTF-8")
    }

    const QUOTES: &str = "GET /a?x=\"b\" HTTP/1.1\r\nA: \"b\"\r\n";
    const GOOD: &str = "GET /a?x=%22b%22 HTTP/1.1\r\nA: \"b\"\r\n";

    #[test]
    fn only_request_lines_are_touched() {
        for (bytes, read) in [
            (format!("{QUOTES}\r\n"), format!("{GOOD}\r\n")),
            (format!("\r\n{QUOTES}\r\n{QUOTES}\r\n"), format!("\r\n{GOOD}\r\n{GOOD}\r\n")),
            (
                format!("{QUOTES}content-length: 9\r\n\r\nGET \"b\"\n{{{QUOTES}\r\n"),
                format!("{GOOD}content-length: 9\r\n\r\nGET \"b\"\n{{{GOOD}\r\n"),
            ),
            (QUOTES.replace("\r\n", "\n") + "\n" + QUOTES, GOOD.replace("\r\n", "\n") + "\n" + GOOD),
            ("GET /{a|b}^\\`ü<> HTTP/1.1\r\n".into(), "GET /%7Ba%7Cb%7D%5E%5C%60%C3%BC%3C%3E HTTP/1.1\r\n".into()),
            ("GET /a%22b?[c]='d' HTTP/1.1\r\n".into(), "GET /a%22b?[c]='d' HTTP/1.1\r\n".into()),
        ] {
            assert_eq!(tidied(&bytes), read, "{bytes}");
        }
    }

    #[test]
    fn where_a_message_ends_in_doubt_the_rest_is_left_alone() {
        let long = format!("content-length: {}9", "0".repeat(100));
        for field in [
            "Transfer-Encoding: chunked",
            "content-length: 1\r\ncontent-length: 1",
            "content-length: +1",
            "content-length:",
            "Content-Length: 99999999999999999999",
            "no colon",
            "Upgrade: h2c",
            &long,
        ] {
            let message = format!("{field}\r\n\r\n{QUOTES}\r\n");
            assert_eq!(tidied(&format!("{QUOTES}{message}")), format!("{GOOD}{message}"), "{field}");
        }
    }

    #[test]
    fn two_lengths_are_noticed() {
        for (message, number) in [
            ("POST / HTTP/1.1\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n", 1),
            ("GET / HTTP/1.1\r\n\r\nPOST / HTTP/1.1\r\ntransfer-encoding: chunked\r\nCONTENT-LENGTH: 4\r\n\r\n", 2),
            ("POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n", 0),
        ] {
            let two_lengths = Arc::new(AtomicU64::new(0));
            let _ = Heads::new(Arc::clone(&two_lengths)).tidy(message.as_bytes());
            assert_eq!(two_lengths.load(Ordering::Relaxed), number, "{message}");
        }
    }
}
