//! Dates, times and durations as RFC 3339 writes them.
//!
//! For texts that stay texts and are only required to have such a form. Properties that *are* dates are read by
//! [`date_format`](crate::schema::date_format).

use jiff::civil::Date;

use super::Violation;

/// The forms of RFC 3339 that a text can be required to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `2021-12-25`, or a date and time.
    DateOrDateTime,
    /// `2021-12-25`.
    Date,
    /// `08:30:06Z`.
    Time,
    /// `2021-12-25T08:30:06Z`.
    DateTime,
    /// `P1DT12H`.
    Duration,
}

impl Moment {
    pub(super) fn check(self, path: &str, text: &str) -> Option<Violation> {
        let (is_valid, requirement, wanted) = match self {
            Moment::DateOrDateTime => (is_date(text) || is_date_time(text), "VALID_DATE", "a date such as 2021-12-25"),
            Moment::Date => (is_date(text), "VALID_FORMATTED_DATE", "a date such as 2021-12-25"),
            Moment::Time => (is_time(text), "VALID_TIME", "a time such as 08:30:06Z"),
            Moment::DateTime => (is_date_time(text), "VALID_DATETIME", "a date and time such as 2021-12-25T08:30:06Z"),
            Moment::Duration => (is_duration(text), "VALID_DURATION", "a duration such as P1DT12H"),
        };
        (!is_valid).then(|| Violation::new(path, requirement, text, format_args!("is not {wanted}")))
    }
}

/// `full-date`: `2021-12-25`.
fn is_date(text: &str) -> bool {
    let [y, year @ .., b'-', m1, m2, b'-', d1, d2] = text.as_bytes() else { return false };
    let year = match year {
        [a, b, c] => digits(&[*y, *a, *b, *c]),
        _ => None,
    };
    let (Some(year), Some(month), Some(day)) = (year, digits(&[*m1, *m2]), digits(&[*d1, *d2])) else { return false };
    // Three small numbers: at most 9999, 99 and 99.
    year > 0 && Date::new(year as i16, month as i8, day as i8).is_ok()
}

/// `date-time`: `2021-12-25T08:30:06Z`.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_at_checked(10) else { return false };
    is_date(date) && time.strip_prefix(['T', 't', ' ']).is_some_and(is_time)
}

/// `full-time`: `08:30:06Z`. A leap second is one only where UTC has it: at 23:59:60.
fn is_time(text: &str) -> bool {
    let [h1, h2, b':', m1, m2, b':', s1, s2, rest @ ..] = text.as_bytes() else { return false };
    let (Some(hour), Some(minute), Some(second)) = (digits(&[*h1, *h2]), digits(&[*m1, *m2]), digits(&[*s1, *s2]))
    else {
        return false;
    };
    let Some(offset) = after_fraction(rest).and_then(offset_minutes) else { return false };
    let minute_of_day = (hour as i32 * 60 + minute as i32 - offset).rem_euclid(24 * 60);
    hour < 24 && minute < 60 && (second < 60 || (second == 60 && minute_of_day == 24 * 60 - 1))
}

/// `duration` of appendix A: `P1DT12H`, `P2W`.
fn is_duration(text: &str) -> bool {
    let Some(period) = text.strip_prefix('P') else { return false };
    if let Some(weeks) = period.strip_suffix('W') {
        return !weeks.is_empty() && weeks.bytes().all(|byte| byte.is_ascii_digit());
    }
    match period.split_once('T') {
        None => !period.is_empty() && are_counts(period, "YMD"),
        Some((date, time)) => are_counts(date, "YMD") && !time.is_empty() && are_counts(time, "HMS"),
    }
}

/// Whether the text is counts with units, without a gap: in `YMD` after years come months and after months days.
fn are_counts(text: &str, units: &str) -> bool {
    let mut rest = text;
    let mut expected: Option<usize> = None;
    while !rest.is_empty() {
        let end = rest.bytes().take_while(u8::is_ascii_digit).count();
        let Some(unit) = rest[end..].chars().next().and_then(|unit| units.find(unit)) else { return false };
        if end == 0 || expected.is_some_and(|expected| expected != unit) {
            return false;
        }
        expected = Some(unit + 1);
        rest = &rest[end + 1..];
    }
    true
}

fn after_fraction(bytes: &[u8]) -> Option<&[u8]> {
    let [b'.', fraction @ ..] = bytes else { return Some(bytes) };
    let end = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
    (end > 0).then(|| &fraction[end..])
}

fn offset_minutes(bytes: &[u8]) -> Option<i32> {
    match bytes {
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] => {
            let (hours, minutes) = (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?);
            let offset = hours as i32 * 60 + minutes as i32;
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -offset } else { offset })
        }
        _ => None,
    }
}

fn digits(bytes: &[u8]) -> Option<u32> {
    bytes.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0')))
}

#[cfg(test)]
mod tests {
    use super::{is_date, is_date_time, is_duration, is_time};

    #[test]
    fn dates_are_real_days() {
        for date in ["2021-12-25", "2024-02-29", "2000-02-29", "0001-01-01", "9999-12-31"] {
            assert!(is_date(date), "{date}");
        }
        for text in [
            "",
            "2021-02-29",
            "1900-02-29",
            "2021-13-01",
            "2021-1-1",
            "20211225",
            "0000-01-01",
            "12021-01-01",
            "2021-12-২5",
            "2021-12-25Z",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn times_have_an_offset() {
        for time in ["08:30:06Z", "23:20:50.52Z", "08:30:06+00:20", "23:59:60Z", "00:29:60-23:30"] {
            assert!(is_time(time), "{time}");
        }
        for text in [
            "08:30:06",
            "24:00:00Z",
            "22:59:60Z",
            "23:59:60+01:00",
            "8:30:06Z",
            "01:02:03+24:00",
            "08:30:06.Z",
            "08:30:06 PST",
        ] {
            assert!(!is_time(text), "{text}");
        }
        assert!(is_date_time("1990-12-31T23:59:60Z"));
        assert!(!is_date_time("1990-12-31"));
        assert!(!is_date_time("1990-12-3é08:30:06Z"));
    }

    #[test]
    fn durations_count_down_in_order() {
        for duration in ["P4DT12H30M5S", "PT0S", "P1M", "PT1M", "PT36H", "P1DT12H", "P2W", "P1Y2M3D"] {
            assert!(is_duration(duration), "{duration}");
        }
        for text in ["P", "PT", "P2D1Y", "P1D2H", "P2S", "P1", "P1DT", "4D", "P1Y2W", "P২Y", "P1.5D"] {
            assert!(!is_duration(text), "{text}");
        }
    }
}
