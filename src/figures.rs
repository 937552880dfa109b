//! Numbers, durations and moments as people read them. Pure.

use std::time::Duration;

use jiff::Timestamp;

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 record`, `2,000 records`.
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1.2 s`, `3 min 5 s`, `2 h 7 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..60 => format!("{}.{} s", seconds, duration.subsec_millis() / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// How long ago something was, from just now: `3 min ago`, `2 days ago`.
pub fn ago(elapsed: Duration) -> String {
    let seconds = elapsed.as_secs();
    match seconds {
        0..5 => "just now".to_owned(),
        5..60 => format!("{seconds} s ago"),
        60..3600 => format!("{} min ago", seconds / 60),
        3600..86_400 => format!("{} h ago", seconds / 3600),
        _ => format!("{} ago", counted(seconds / 86_400, "day")),
    }
}

/// `17 bytes`, `1.2 MB`; 1 MB is 1,048,576 bytes.
pub fn size(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..0x400 => return counted(bytes, "byte"),
        0x400..0x10_0000 => (1 << 10, "KB"),
        0x10_0000..0x4000_0000 => (1 << 20, "MB"),
        _ => (1 << 30, "GB"),
    };
    format!("{}.{} {name}", grouped(bytes / unit), bytes % unit * 10 / unit)
}

/// How many per second; a dash where that says nothing.
pub fn rate(number: u64, duration: Duration) -> String {
    match duration.as_millis() {
        millis if number == 0 || millis == 0 => "-".to_owned(),
        millis => grouped(u64::try_from(u128::from(number) * 1000 / millis).unwrap_or(u64::MAX)),
    }
}

/// The time between two moments in RFC 3339.
pub fn between(begin: &str, end: &str) -> Duration {
    let moments = begin.parse::<Timestamp>().and_then(|begin| Ok((begin, end.parse::<Timestamp>()?)));
    moments.ok().and_then(|(begin, end)| end.duration_since(begin).try_into().ok()).unwrap_or_default()
}

/// A moment in RFC 3339 UTC, to the second: `2026-02-28 17:05:00`.
pub fn moment(text: &str) -> String {
    text.get(..19).unwrap_or(text).replace('T', " ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{ago, between, counted, duration, grouped, moment, rate, size};

    #[test]
    fn numbers_have_separators() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), text);
        }
        assert_eq!(counted(1, "record"), "1 record");
        assert_eq!(counted(0, "record"), "0 records");
        assert_eq!(rate(1000, Duration::from_millis(40)), "25,000");
        assert_eq!(rate(1000, Duration::ZERO), "-");
    }

    #[test]
    fn sizes_and_distances_are_short() {
        for (seconds, text) in
            [(0, "just now"), (59, "59 s ago"), (3599, "59 min ago"), (86_399, "23 h ago"), (86_400, "1 day ago")]
        {
            assert_eq!(ago(Duration::from_secs(seconds)), text);
        }
        for (bytes, text) in
            [(1, "1 byte"), (1023, "1,023 bytes"), (1024, "1.0 KB"), (1_300_000, "1.2 MB"), (5 << 30, "5.0 GB")]
        {
            assert_eq!(size(bytes), text);
        }
    }

    #[test]
    fn durations_are_short() {
        for (millis, text) in [
            (0, "0.0 s"),
            (1290, "1.2 s"),
            (59_999, "59.9 s"),
            (60_000, "1 min 0 s"),
            (3_600_000, "1 h 0 min"),
            (7_620_000, "2 h 7 min"),
        ] {
            assert_eq!(duration(Duration::from_millis(millis)), text);
        }
        assert_eq!(between("2026-02-28T17:05:00.100Z", "2026-02-28T17:05:01.300Z"), Duration::from_millis(1200));
        assert_eq!(between("2026-02-28T17:05:00Z", "2026-02-28T17:04:00Z"), Duration::ZERO);
        assert_eq!(moment("2026-02-28T17:05:00.100Z"), "2026-02-28 17:05:00");
    }
}
