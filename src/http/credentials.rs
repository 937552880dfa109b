//! Credentials as they stand in the headers of a request.
//!
//! `Authorization: Bearer`, `Authorization: Basic`, and PingIDM's pair `X-OpenIDM-Username` and `X-OpenIDM-Password`, whose
//! values may be [extended](ExtendedValue). Nothing here knows whether they are good.

use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::extended_value::ExtendedValue;
use crate::access::Credentials;

const USERNAME: &str = "x-openidm-username";
const PASSWORD: &str = "x-openidm-password";

/// All credentials of a request, those of `Authorization` first. Nothing if there are none, or if any cannot be read.
pub(super) fn credentials(headers: &HeaderMap) -> Option<Vec<Credentials>> {
    let mut all = headers.get_all(AUTHORIZATION).iter().map(authorization).collect::<Option<Vec<_>>>()?;
    if headers.contains_key(USERNAME) || headers.contains_key(PASSWORD) {
        all.push(Credentials::Password { name: only(headers, USERNAME)?, secret: only(headers, PASSWORD)? });
    }
    (!all.is_empty()).then_some(all)
}

fn authorization(value: &HeaderValue) -> Option<Credentials> {
    let (scheme, rest) = value.to_str().ok()?.trim().split_once(' ')?;
    let rest = rest.trim().to_owned();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Some(Credentials::Bearer(rest)),
        "basic" => {
            let pair = String::from_utf8(STANDARD.decode(rest).ok()?).ok()?;
            // A password may have colons, a user name cannot.
            let (name, secret) = pair.split_once(':')?;
            Some(Credentials::Password { name: name.to_owned(), secret: secret.to_owned() })
        }
        _ => None,
    }
}

/// The value of a header that comes once.
fn only(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let value = std::str::from_utf8(values.next()?.as_bytes()).ok()?;
    values.next().is_none().then(|| decoded(value)).flatten()
}

/// What a value says: a name or a password as it is, unless it is encoded.
fn decoded(value: &str) -> Option<String> {
    ExtendedValue::of(value).map_or_else(|| Some(value.to_owned()), |extended| extended.text())
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderMap, HeaderName, HeaderValue};

    use super::credentials;
    use crate::access::Credentials;

    /// The credentials in these headers, `name: value` each.
    fn read(lines: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in lines {
            let (name, value) = line.split_once(": ").expect("a header");
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_bytes(value.as_bytes()).expect("a value"));
        }
        let shown = |credentials: Credentials| match credentials {
            Credentials::Bearer(secret) => format!("bearer {secret}"),
            Credentials::Password { name, secret } => format!("{name} | {secret}"),
        };
        credentials(&headers).map(|all| all.into_iter().map(shown).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn every_scheme_is_read() {
        for (lines, expected) in [
            (&["Authorization: Bearer abc"][..], Some("bearer abc")),
            (&["Authorization: bEARER   a.b-c~d=="], Some("bearer a.b-c~d==")),
            // Zoë:a:b
            (&["Authorization: Basic Wm/DqzphOmI="], Some("Zoë | a:b")),
            (&["X-OpenIDM-Username: Zoë", "X-OpenIDM-Password: a:b'c"], Some("Zoë | a:b'c")),
            (&["X-OpenIDM-Username: utf-8''Zo%C3%AB", "X-OpenIDM-Password: ISO-8859-1'en'%A3"], Some("Zoë | £")),
            (&["X-OpenIDM-Username: it's", "X-OpenIDM-Password: UTF-8'x"], Some("it's | UTF-8'x")),
            (&["X-OpenIDM-Username: a", "X-OpenIDM-Password: b", "Authorization: Bearer c"], Some("bearer c, a | b")),
            (&["Authorization: Bearer a", "Authorization: Bearer b"], Some("bearer a, bearer b")),
        ] {
            assert_eq!(read(lines).as_deref(), expected, "{lines:?}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        for lines in [
            &[][..],
            &["Authorization: Bearer"],
            &["Authorization: abc"],
            &["Authorization: Negotiate abc"],
            &["Authorization: Basic ???"],
            &["Authorization: Basic YWJj"],
            &["Authorization: Basic /zph"],
            &["Authorization: Bearer good", "Authorization: Digest x"],
            &["X-OpenIDM-Username: a"],
            &["X-OpenIDM-Password: a"],
            &["X-OpenIDM-Username: a", "X-OpenIDM-Username: b", "X-OpenIDM-Password: c"],
            &["X-OpenIDM-Username: UTF-8''%FF", "X-OpenIDM-Password: c"],
            &["X-OpenIDM-NoSession: true"],
        ] {
            assert_eq!(read(lines), None, "{lines:?}");
        }
    }
}
