//! Signatures of requests (AWS Signature Version 4), checked.

use std::fmt::Write as _;

use jiff::Timestamp;
use ring::{digest, hmac};

/// A request as it came in.
pub(super) struct Received {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: String,
    /// Names in lower case.
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Vec<u8>,
}

/// The parts of an `Authorization` header.
struct Authorization<'a> {
    /// The id of the key, the day, the region, the service and `aws4_request`.
    credential: Vec<&'a str>,
    signed: &'a str,
    signature: &'a str,
}

impl Received {
    /// The value of a header, or nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value)
    }

    fn authorization(&self) -> Option<Authorization<'_>> {
        let parts = self.header("authorization").strip_prefix("AWS4-HMAC-SHA256 ")?;
        let part = |name: &str| parts.split(',').find_map(|part| part.trim().strip_prefix(name));
        Some(Authorization {
            credential: part("Credential=")?.split('/').collect(),
            signed: part("SignedHeaders=")?,
            signature: part("Signature=")?,
        })
    }

    /// Whose request it is, as he says.
    pub(super) fn signer(&self) -> Option<String> {
        Some((*self.authorization()?.credential.first()?).to_owned())
    }

    /// Whether whoever has this secret has signed exactly this request for this service, now.
    pub(super) fn is_signed(&self, secret: &str, service: &str) -> bool {
        self.authorization().is_some_and(|authorization| self.agrees(&authorization, secret, service))
    }

    fn agrees(&self, authorization: &Authorization<'_>, secret: &str, service: &str) -> bool {
        let [_, day, region, found, "aws4_request"] = authorization.credential[..] else { return false };
        let signed: Vec<&str> = authorization.signed.split(';').collect();
        let moment = self.header("x-amz-date");
        if found != service || !signed.contains(&"host") || !moment.starts_with(day) || !is_now(moment) {
            return false;
        }
        let hash = hex(digest::digest(&digest::SHA256, &self.body).as_ref());
        let declared = self.header("x-amz-content-sha256");
        if !declared.is_empty() && declared != hash {
            return false;
        }
        let mut request = format!("{}\n{}\n{}\n", self.method, self.path, self.query);
        for name in signed {
            writeln!(request, "{name}:{}", self.header(name).trim()).unwrap();
        }
        write!(request, "\n{}\n{hash}", authorization.signed).unwrap();
        let request = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
        let text = format!("AWS4-HMAC-SHA256\n{moment}\n{day}/{region}/{service}/aws4_request\n{request}");
        let key = [day, region, service, "aws4_request"]
            .iter()
            .fold(format!("AWS4{secret}").into_bytes(), |key, part| sign(&key, part));
        hex(&sign(&key, &text)) == authorization.signature
    }
}

/// Whether a moment (`20261122T041500Z`) is within a quarter of an hour.
fn is_now(moment: &str) -> bool {
    let time = jiff::civil::DateTime::strptime("%Y%m%dT%H%M%SZ", moment).and_then(|time| time.in_tz("UTC"));
    time.is_ok_and(|time| (time.timestamp().as_second() - Timestamp::now().as_second()).abs() < 15 * 60)
}

fn sign(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
