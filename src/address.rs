//! Addresses that others name and we call: which of them we may.
//!
//! Whoever may set an address could make us call what only we can reach: this machine, its network, the service that
//! hands out a cloud machine's keys (169.254.169.254). So private addresses are refused unless they are allowed, when an
//! address is set ([`check_url`]) and again for every address that a name leads to ([`is_private`]). An address is read
//! by the parser of the client that calls it, so that both speak of the same host. Pure.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use reqwest::Url;

use crate::error::{Error, Result, shown};

/// Names under which there are private addresses only (RFC 6761, RFC 6762, RFC 8375, and what ICANN has set aside).
const PRIVATE_NAMES: [&str; 4] = ["localhost", "local", "internal", "home.arpa"];

/// How much of an address is shown in a sentence.
const MOST_SHOWN: usize = 200;

/// The address, if it is one that may be called: with `http` or `https`, a host, no user information, and nothing that
/// readers of addresses disagree on. Without `allow_private` only `https`, and no host that is known to be private.
///
/// # Errors
/// `Request`, in a sentence that shows neither a password nor a query.
pub fn check_url(url: &str, allow_private: bool) -> Result<Url> {
    let parsed = parse(url)?;
    if allow_private {
        return Ok(parsed);
    }
    if parsed.scheme() != "https" {
        return Err(refused(url, "is not encrypted: write 'https://HOST/PATH', or allow private addresses"));
    }
    let name = parsed.host_str().unwrap_or_default();
    match host(&parsed) {
        Some(address) if is_private(address) => {
            Err(refused(url, &format!("leads to {address}, a private address: name a public host")))
        }
        None if is_private_name(name) => {
            Err(refused(url, &format!("leads to '{name}', a private name: name a public host")))
        }
        _ => Ok(parsed),
    }
}

/// The address, if it can be read in one way only: with `http` or `https`, a host and no user information.
pub(crate) fn parse(url: &str) -> Result<Url> {
    // With these, readers of addresses disagree on where the host is.
    if url.contains(|c: char| c.is_whitespace() || c.is_control() || c == '\\') {
        return Err(refused(url, "has blanks, control characters or backslashes: write 'https://HOST/PATH'"));
    }
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
        return Err(refused(url, "is not an address that can be called: write 'https://HOST/PATH'"));
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(Error::request("an address must not have a user name or a password: write 'https://HOST/PATH'"));
    }
    match Url::parse(url) {
        Ok(parsed) if !authority.is_empty() && parsed.has_host() => Ok(parsed),
        _ => Err(refused(url, "has no host: write 'https://HOST/PATH'")),
    }
}

/// The sentence about an address, of which passwords and queries are left out.
fn refused(url: &str, why: &str) -> Error {
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let url = url.rsplit_once('@').map_or(url, |(_, host)| host);
    Error::request(format!("'{}' {why}", shown(url, MOST_SHOWN)))
}

/// The IP address that stands as the host, in whatever spelling.
pub(crate) fn host(url: &Url) -> Option<IpAddr> {
    let host = url.host_str()?;
    match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse().ok(),
        None => host.parse().ok(),
    }
}

fn is_private_name(host: &str) -> bool {
    let host = host.trim_end_matches('.');
    PRIVATE_NAMES.iter().any(|name| match host.strip_suffix(name) {
        Some(before) => before.is_empty() || before.ends_with('.'),
        None => false,
    })
}

/// Whether an address is anything else than one host in the public Internet, or is the form in which IPv6 writes such an
/// IPv4 address.
pub fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_private_v4(address),
        IpAddr::V6(address) => is_private_v6(address),
    }
}

/// IANA's special-purpose addresses (RFC 6890).
fn is_private_v4(address: Ipv4Addr) -> bool {
    match address.octets() {
        [0, ..] => true,             // this network
        [10, ..] => true,            // RFC 1918
        [100, 64..=127, ..] => true, // carriers' networks
        [127, ..] => true,           // this machine
        [169, 254, ..] => true,      // this link, and the service with a cloud machine's keys
        [172, 16..=31, ..] => true,  // RFC 1918
        [192, 0, 0 | 2, _] => true,  // protocol assignments, documentation
        [192, 88, 99, _] => true,    // relays of 6to4
        [192, 168, ..] => true,      // RFC 1918
        [198, 18 | 19, ..] => true,  // benchmarks
        [198, 51, 100, _] => true,   // documentation
        [203, 0, 113, _] => true,    // documentation
        [224..=255, ..] => true,     // multicast, reserved, broadcast
        _ => false,
    }
}

/// Public are the global unicast addresses 2000::/3 only, without those in it that are set aside; and IPv4 addresses.
fn is_private_v6(address: Ipv6Addr) -> bool {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let v4 = |high: u16, low: u16| is_private_v4(Ipv4Addr::from(u32::from(high) << 16 | u32::from(low)));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xFFFF] => v4(g, h),      // mapped
        [0x64, 0xFF9B, 0, 0, 0, 0] => v4(g, h),   // NAT64
        [0x2002, high, low, ..] => v4(high, low), // 6to4
        [0x2001, 0..=0x1FF, ..] => true,          // protocol assignments: Teredo, benchmarks, ORCHID
        [0x2001, 0xDB8, ..] => true,              // documentation
        [0x3FFF, 0..=0xFFF, ..] => true,          // documentation
        [0x2000..=0x3FFF, ..] => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::{check_url, is_private};

    #[test]
    fn private_addresses() {
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            assert!(is_private(address.parse().expect(address)), "{address}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "192.167.255.255",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2002:808:808::1",
            "2606:4700::1111",
            "3ffe::1",
        ] {
            assert!(!is_private(address.parse().expect(address)), "{address}");
        }
    }

    /// What is said of an address, or where it leads.
    fn said(url: &str, allow_private: bool) -> String {
        match check_url(url, allow_private) {
            Ok(url) => format!("{}:{}", url.host_str().unwrap_or_default(), url.port_or_known_default().unwrap_or(0)),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn private_hosts_in_every_spelling() {
        for (host, leads_to) in [
            ("127.0.0.1", "127.0.0.1"),
            ("127.1", "127.0.0.1"),
            ("127.0.1", "127.0.0.1"),
            ("127.0.0.1.", "127.0.0.1"),
            ("127.0.0.0", "127.0.0.0"),
            ("2130706433", "127.0.0.1"),
            ("3232235777", "192.168.1.1"),
            ("2852039166", "169.254.169.254"),
            ("0177.0.0.1", "127.0.0.1"),
            ("017700000001", "127.0.0.1"),
            ("0x7f.1", "127.0.0.1"),
            ("0x7F000001", "127.0.0.1"),
            ("0", "0.0.0.0"),
            ("0.0.0.0", "0.0.0.0"),
            ("%31%32%37.1", "127.0.0.1"),
            ("①②⑦。0。0。①", "127.0.0.1"),
            ("[::1]", "::1"),
            ("[::]", "::"),
            ("[0:0:0:0:0:ffff:127.0.0.1]", "::ffff:127.0.0.1"),
            ("[::ffff:7f00:1]", "::ffff:127.0.0.1"),
            ("[::127.0.0.1]", "::7f00:1"),
            ("[64:ff9b::a9fe:a9fe]", "64:ff9b::a9fe:a9fe"),
            ("[2002:7f00:1::]", "2002:7f00:1::"),
            ("[fe80::1]", "fe80::1"),
            ("[fd00:ec2::254]", "fd00:ec2::254"),
        ] {
            let url = format!("https://{host}:8443/latest");
            let sentence = format!("'{url}' leads to {leads_to}, a private address: name a public host");
            assert_eq!(said(&url, false), sentence);
            assert!(check_url(&url, true).is_ok(), "{url}");
        }
        for name in [
            "localhost",
            "localhost.",
            "LocalHost",
            "ⓛocalhost",
            "a.b.localhost",
            "metadata.google.internal",
            "printer.local",
            "nas.home.arpa.",
        ] {
            let sentence = said(&format!("https://{name}/"), false);
            assert!(sentence.ends_with("a private name: name a public host"), "{sentence}");
            assert!(check_url(&format!("http://{name}/"), true).is_ok(), "{name}");
        }
    }

    #[test]
    fn addresses_that_are_none() {
        for url in [
            "",
            "example.com",
            "//example.com",
            "https:",
            "https://",
            "https:///path",
            "https:/example.com",
            "https://?x",
            "https://:443/",
            "https:example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
            "dict://127.0.0.1:11111/",
            "sftp://example.com:11111/",
            "gopher://127.0.0.1:25/x",
            "0://evil.com:80;http://google.com:80/",
            "localhost:+11211aaa",
            "https://0o177.0.0.1/",
            "https://0000::1:80/",
            "https://1.2.3.4.5/",
            "https://256.1.1.1/",
            "https://[::1",
            "https://[fe80::1%25eth0]/",
            "https://exa mple.com/",
            "https://example.com/a b",
            "https://exam\tple.com/",
            "https://example.com\r\nx-api-key: y",
            " https://example.com/",
            "https://a\u{a0}b/",
            "https://1.1.1.1 &@2.2.2.2# @3.3.3.3/",
            "http://127.1.1.1:80\\@127.2.2.2:80/",
            "http://127.1.1.1:80\\@@127.2.2.2:80/",
            "https:\\\\example.com/",
            "https://user@example.com/",
            "https://user:secret@example.com/",
            "https://@example.com/",
            "https://example.com:99999/",
            "https://example.com:+80/",
            "https://exa<mple.com/",
            "https://%00/",
        ] {
            assert!(check_url(url, false).is_err(), "{url:?}");
            assert!(check_url(url, true).is_err(), "{url:?}");
        }
        for url in ["http://example.com/", "http://8.8.8.8/"] {
            assert!(check_url(url, false).is_err(), "{url:?}");
            assert!(check_url(url, true).is_ok(), "{url:?}");
        }
    }

    #[test]
    fn public_addresses() {
        for (url, leads_to) in [
            ("https://www.example.com/prd/data-export", "www.example.com:443"),
            ("HTTPS://WWW.Example.com:8443?token=a@b", "www.example.com:8443"),
            ("https://8.8.8.8/", "8.8.8.8:443"),
            ("https://[2606:4700::1111]:444/", "[2606:4700::1111]:444"),
            ("https://bücher.example/", "xn--bcher-kva.example:443"),
            ("https://localhost.example.com/", "localhost.example.com:443"),
            ("https://notlocalhost/", "notlocalhost:443"),
            ("https://example.com/a@b", "example.com:443"),
        ] {
            assert_eq!(said(url, false), leads_to);
        }
    }

    #[test]
    fn sentences_keep_secrets() {
        for (url, sentence) in [
            (
                "https://zoe:sesame@127.0.0.1/",
                "an address must not have a user name or a password: write 'https://HOST/PATH'",
            ),
            (
                "http://example.com/hook?token=sesame",
                "'http://example.com/hook' is not encrypted: write 'https://HOST/PATH', or allow private addresses",
            ),
            ("ftp://zoe:sesame@host", "'host' is not an address that can be called: write 'https://HOST/PATH'"),
            (
                "https://a\n/?sesame",
                "'https://a\\n/' has blanks, control characters or backslashes: write 'https://HOST/PATH'",
            ),
        ] {
            assert_eq!(said(url, false), sentence);
        }
    }
}
