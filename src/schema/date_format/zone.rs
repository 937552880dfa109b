//! Which zone a text is written for: an offset, a name, or none.

use jiff::tz::TimeZone;

use super::refusal::{Miss, Reason};

/// What a text says about its zone.
#[derive(Clone, Debug)]
pub(super) enum Zone {
    Unsaid,
    /// Seconds east of UTC.
    Offset(i32),
    Named(TimeZone),
}

/// As in java.time.
const LARGEST_OFFSET: i32 = 18 * 3600;

/// Reads `Z`, `+hh`, `+hhmm` or `+hh:mm` and returns seconds east of UTC and the end.
pub(super) fn read_offset(text: &[u8], at: usize) -> Result<(i32, usize), Miss> {
    let sign = match text.get(at) {
        Some(b'Z' | b'z') => return Ok((0, at + 1)),
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Miss { at, reason: Reason::Offset }),
    };
    let hours = two_digits(text, at + 1).ok_or(Miss { at, reason: Reason::Offset })?;
    let (minutes, end) = match text.get(at + 3) {
        Some(b':') => two_digits(text, at + 4).map_or((0, at + 3), |minutes| (minutes, at + 6)),
        _ => two_digits(text, at + 3).map_or((0, at + 3), |minutes| (minutes, at + 5)),
    };
    let seconds = hours * 3600 + minutes * 60;
    if minutes > 59 || seconds > LARGEST_OFFSET {
        return Err(Miss { at, reason: Reason::OffsetRange });
    }
    Ok((sign * seconds, end))
}

/// Reads an offset, `UTC`, `GMT`, `GMT+8`, `UTC+05:30` or an IANA name such as `Asia/Seoul`.
///
/// Short names are refused: `EST` or `IST` mean several zones, and which one is known to the writer only.
pub(super) fn read_zone(text: &[u8], at: usize) -> Result<(Zone, usize), Miss> {
    let end = at + text[at..].iter().take_while(|byte| is_name_byte(**byte)).count();
    let name = std::str::from_utf8(&text[at..end]).expect("names are ASCII");
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    match &name[..letters] {
        "" => read_offset(text, at).map(|(offset, end)| (Zone::Offset(offset), end)),
        utc if ["UTC", "GMT", "UT", "Z"].iter().any(|known| known.eq_ignore_ascii_case(utc)) => {
            read_distance(text, at + letters).map(|(offset, end)| (Zone::Offset(offset), end))
        }
        _ if !name.contains('/') => {
            Err(Miss { at, reason: if letters > 0 { Reason::ShortZone } else { Reason::Zone } })
        }
        _ => match TimeZone::get(name) {
            Ok(zone) => Ok((Zone::Named(zone), end)),
            Err(_) => Err(Miss { at, reason: Reason::UnknownZone }),
        },
    }
}

/// Reads what may follow `GMT`: nothing, `+8`, `+08`, `+8:30` or `+08:30`.
fn read_distance(text: &[u8], at: usize) -> Result<(i32, usize), Miss> {
    let sign = match text.get(at) {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Ok((0, at)),
    };
    if two_digits(text, at + 1).is_some() {
        return read_offset(text, at);
    }
    let Some(hours) = text.get(at + 1).filter(|byte| byte.is_ascii_digit()).map(|byte| i32::from(byte - b'0')) else {
        return Err(Miss { at, reason: Reason::Offset });
    };
    match two_digits(text, at + 3).filter(|_| text[at + 2] == b':') {
        Some(minutes) if minutes > 59 => Err(Miss { at, reason: Reason::OffsetRange }),
        Some(minutes) => Ok((sign * (hours * 3600 + minutes * 60), at + 6 - 1)),
        None => Ok((sign * hours * 3600, at + 2)),
    }
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'_' | b'-' | b'+')
}

/// The number that two digits make, if there are two.
#[inline]
pub(super) fn two_digits(text: &[u8], at: usize) -> Option<i32> {
    let [tens, ones] = *text.get(at..at + 2)? else { return None };
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens < 10 && ones < 10).then(|| i32::from(tens * 10 + ones))
}

#[cfg(test)]
mod tests {
    use super::{Zone, read_offset, read_zone};

    #[test]
    fn offsets() {
        for (text, expected) in [
            ("Z", Some((0, 1))),
            ("z", Some((0, 1))),
            ("+05", Some((18_000, 3))),
            ("+0530", Some((19_800, 5))),
            ("-05:30", Some((-19_800, 6))),
            ("-00:00", Some((0, 6))),
            ("+18:00", Some((64_800, 6))),
            ("+18:01", None),
            ("+0560", None),
            ("+5", None),
            ("5", None),
            ("", None),
        ] {
            assert_eq!(read_offset(text.as_bytes(), 0).ok(), expected, "{text}");
        }
    }

    #[test]
    fn zones() {
        for (text, expected) in [
            ("UTC", Ok("+0 of 3")),
            ("gmt", Ok("+0 of 3")),
            ("Z", Ok("+0 of 1")),
            ("GMT+8", Ok("+28800 of 5")),
            ("GMT-8:30", Ok("-30600 of 8")),
            ("UTC+05:30", Ok("+19800 of 9")),
            ("GMT+0530", Ok("+19800 of 8")),
            ("+05:30", Ok("+19800 of 6")),
            ("Asia/Seoul", Ok("Asia/Seoul of 10")),
            ("Etc/GMT+5", Ok("Etc/GMT+5 of 9")),
            ("America/Port-au-Prince x", Ok("America/Port-au-Prince of 22")),
            ("EST", Err("ShortZone")),
            ("EST5EDT", Err("ShortZone")),
            ("IST", Err("ShortZone")),
            ("Mars/Olympus", Err("UnknownZone")),
            ("GMT+", Err("Offset")),
            ("", Err("Offset")),
        ] {
            let found = match read_zone(text.as_bytes(), 0) {
                Ok((Zone::Offset(offset), end)) => Ok(format!("{offset:+} of {end}")),
                Ok((Zone::Named(zone), end)) => Ok(format!("{} of {end}", zone.iana_name().unwrap_or_default())),
                Ok((Zone::Unsaid, _)) => Ok("nothing".to_owned()),
                Err(miss) => Err(format!("{:?}", miss.reason)),
            };
            assert_eq!(found.as_deref().map_err(String::as_str), expected, "{text}");
        }
    }
}
