//! What hyper refuses by itself, in the form of all refusals.
//!
//! A head that cannot be read never reaches the service: hyper answers it with a status, without a body, and lets nobody
//! say more. Such an answer is known by the request id that it lacks, and becomes a problem on its way out.

use axum::http::StatusCode;

use crate::http::problem::Problem;

/// Longer than such a refusal is.
const LONGEST: usize = 512;

const NO_BODY: &str = "\r\ncontent-length: 0";
const REQUEST_ID: &str = "\r\nx-request-id:";

/// What is to be sent instead of these bytes, if they are such a refusal.
pub(super) fn in_words(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() > LONGEST || !bytes.starts_with(b"HTTP/1.1 4") {
        return None;
    }
    let head = str::from_utf8(bytes).ok()?.strip_suffix("\r\n\r\n")?;
    let status: StatusCode = head.get(9..12)?.parse().ok()?;
    let (before, behind) = head.split_once(NO_BODY)?;
    if head.contains(REQUEST_ID) {
        return None;
    }
    let message = match status {
        StatusCode::URI_TOO_LONG => "the address is too long",
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => "the headers are too long or too many",
        _ => "the request is not well-formed HTTP",
    };
    let body = Problem::new(status, message).body().to_string();
    let headers = format!(
        "\r\ncontent-type: application/json; charset=UTF-8\r\ncache-control: no-cache\r\ncontent-length: {}",
        body.len()
    );
    Some(format!("{before}{headers}{behind}\r\n\r\n{body}").into_bytes())
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn only_refusals_without_a_word_are_reworded() {
        let refusal = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\ndate: today\r\n\r\n";
        let reworded = in_words(refusal.as_bytes()).and_then(|bytes| String::from_utf8(bytes).ok());
        insta::assert_snapshot!(reworded.expect("a refusal").replace('\r', ""), @r#"
        HTTP/1.1 400 Bad Request
        connection: close
        content-type: application/json; charset=UTF-8
        cache-control: no-cache
        content-length: 83
        date: today

        {"code":400,"reason":"Bad Request","message":"the request is not well-formed HTTP"}
        "#);
        for other in [
            refusal.replace("400", "200"),
            refusal.replace("length: 0", "length: 7"),
            refusal.replace("date:", "x-request-id: a\r\ndate:"),
            refusal.to_owned() + "body",
            refusal[1..].to_owned(),
            refusal.replace("today", &"y".repeat(600)),
        ] {
            assert_eq!(in_words(other.as_bytes()), None, "{other}");
        }
    }
}
