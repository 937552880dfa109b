//! Files of users, large enough to be disturbed in.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::LazyLock;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::setting;

const HEADER: &str = "userName,givenName,sn,mail,telephoneNumber,city,description,preferences/updates\n";

/// How many users there are.
pub(super) fn records() -> usize {
    setting("ROLLBOOK_RECORDS", 20_000)
}

/// All users, none of them wrong.
pub(super) fn sound() -> &'static [u8] {
    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| every(1, 0));
    &FILE
}

/// All users, one in a hundred of them wrong in one of four ways.
pub(super) fn faulty() -> &'static [u8] {
    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        file((0..records()).map(|n| match (n % 100, n / 100 % 4) {
            (57, 0) => user(n, "Oslo").replace('@', " at "),
            (57, 1) => user(n, "Oslo").replace("Doe", ""),
            (57, 2) => format!("user{n},Jo,Doe\n"),
            (57, _) => user(n - 1, "Rome"),
            _ => user(n, "Oslo"),
        }))
    });
    &FILE
}

/// Half of the users as they were earlier: half of those lived elsewhere.
pub(super) fn earlier() -> &'static [u8] {
    static FILE: LazyLock<Vec<u8>> = LazyLock::new(|| {
        file((0..records()).filter(|n| n % 4 < 2).map(|n| user(n, if n % 4 == 1 { "Bergen" } else { "Oslo" })))
    });
    &FILE
}

/// The users whose number divided by `divisor` leaves `rest`.
pub(super) fn every(divisor: usize, rest: usize) -> Vec<u8> {
    file((0..records()).filter(|n| n % divisor == rest).map(|n| user(n, "Oslo")))
}

fn user(n: usize, city: &str) -> String {
    let scrambled = n.wrapping_mul(2_654_435_761) % 1_000_003;
    format!(
        "user{n},Jo,Doe,user{n}@example.com,+49 {scrambled},{city},\"badge {n}, locker {scrambled}\",{}\n",
        n.is_multiple_of(3)
    )
}

fn file(users: impl Iterator<Item = String>) -> Vec<u8> {
    let mut text = HEADER.to_owned();
    users.for_each(|user| text.write_str(&user).unwrap());
    let mut gz = GzEncoder::new(Vec::new(), Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    gz.finish().unwrap()
}
