//! A date that was read, as the repository stores it.

use std::fmt;

use super::calendar::{self, FIRST_DAY, LAST_DAY, SECONDS_PER_DAY};
use super::refusal::{DateError, Reason};

/// A point in time between 0001-01-01T00:00:00Z and 9999-12-31T23:59:59.999999999Z, to the nanosecond.
///
/// It remembers whether its text had a time of day, since a property of format `date` holds the date as it was written,
/// whatever zone midnight was counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Instant {
    /// Since 1970-01-01T00:00:00Z, negative before.
    second: i64,
    nanosecond: u32,
    /// The day as written, when the text was a date without a time of day.
    written_day: Option<i32>,
}

impl Instant {
    /// The instant, unless it is before year 0001 or after year 9999 in UTC.
    pub(super) fn new(second: i64, nanosecond: u32, written_day: Option<i32>) -> Result<Instant, Reason> {
        let first = i64::from(FIRST_DAY) * SECONDS_PER_DAY;
        let end = (i64::from(LAST_DAY) + 1) * SECONDS_PER_DAY;
        if !(first..end).contains(&second) || written_day.is_some_and(|day| !(FIRST_DAY..=LAST_DAY).contains(&day)) {
            return Err(Reason::OutsideYears);
        }
        Ok(Instant { second, nanosecond, written_day })
    }

    /// Appends the value of a `date-time` property: RFC 3339 in UTC, `2021-06-25T13:55:42Z`. A fraction is written only
    /// when there is one, without trailing zeros: `2021-06-25T13:55:42.5Z`. A date without a time of day is midnight.
    pub fn write_date_time(&self, out: &mut String) {
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let day = self.second.div_euclid(SECONDS_PER_DAY) as i32;
        let second = self.second.rem_euclid(SECONDS_PER_DAY) as u32;
        write_day(&mut text, day);
        write_two(&mut text, 11, second / 3600);
        write_two(&mut text, 14, second / 60 % 60);
        write_two(&mut text, 17, second % 60);
        let end = self.write_fraction(&mut text);
        text[end] = b'Z';
        out.push_str(std::str::from_utf8(&text[..=end]).expect("digits and marks are ASCII"));
    }

    /// Appends the value of a `date` property, `2021-12-25`: the date as it was written, when the text was a date only.
    ///
    /// # Errors
    ///
    /// A text with a time of day fits only if that is midnight in UTC; any other time would be lost, and the date could
    /// be another one in UTC than in the zone it was written for.
    pub fn write_date(&self, out: &mut String) -> Result<(), DateError> {
        let midnight = self.second.rem_euclid(SECONDS_PER_DAY) == 0 && self.nanosecond == 0;
        let day = match self.written_day {
            Some(day) => day,
            None if midnight => self.second.div_euclid(SECONDS_PER_DAY) as i32,
            None => return Err(DateError::time_of_day(self)),
        };
        let mut text = *b"0000-00-00";
        write_day(&mut text, day);
        out.push_str(std::str::from_utf8(&text).expect("digits and marks are ASCII"));
        Ok(())
    }

    /// Writes the fraction from byte 19 on and returns where it ends.
    fn write_fraction(&self, text: &mut [u8]) -> usize {
        let mut rest = self.nanosecond;
        if rest == 0 {
            return 19;
        }
        let mut end = 29;
        while rest.is_multiple_of(10) {
            rest /= 10;
            end -= 1;
        }
        for at in (20..end).rev() {
            text[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
        }
        end
    }
}

/// RFC 3339 in UTC.
impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = String::with_capacity(30);
        self.write_date_time(&mut text);
        f.write_str(&text)
    }
}

fn write_day(text: &mut [u8], day: i32) {
    let (year, month, day) = calendar::date(day);
    write_two(text, 0, year as u32 / 100);
    write_two(text, 2, year as u32 % 100);
    write_two(text, 5, month as u32);
    write_two(text, 8, day as u32);
}

fn write_two(text: &mut [u8], at: usize, number: u32) {
    text[at] = b'0' + (number / 10) as u8;
    text[at + 1] = b'0' + (number % 10) as u8;
}

#[cfg(test)]
mod tests {
    use super::Instant;

    #[test]
    fn writes_rfc_3339_with_the_shortest_fraction() {
        for (second, nanosecond, text) in [
            (0, 0, "1970-01-01T00:00:00Z"),
            (1_624_629_342, 0, "2021-06-25T13:55:42Z"),
            (1_624_629_342, 500_000_000, "2021-06-25T13:55:42.5Z"),
            (1_624_629_342, 120_000_000, "2021-06-25T13:55:42.12Z"),
            (1_624_629_342, 1, "2021-06-25T13:55:42.000000001Z"),
            (1_624_629_342, 999_999_999, "2021-06-25T13:55:42.999999999Z"),
            (-1, 0, "1969-12-31T23:59:59Z"),
            (-62_135_596_800, 0, "0001-01-01T00:00:00Z"),
            (253_402_300_799, 0, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(Instant::new(second, nanosecond, None).expect("in range").to_string(), text);
        }
    }

    #[test]
    fn years_beyond_the_range_are_refused() {
        assert!(Instant::new(-62_135_596_801, 0, None).is_err());
        assert!(Instant::new(253_402_300_800, 0, None).is_err());
    }

    #[test]
    fn a_date_property_never_loses_a_time() {
        let date = |second, nanosecond, written_day| {
            let mut out = String::new();
            let instant = Instant::new(second, nanosecond, written_day).expect("in range");
            instant.write_date(&mut out).map(|()| out).map_err(|error| error.to_string())
        };
        assert_eq!(date(86_400, 0, None).as_deref(), Ok("1970-01-02"));
        assert_eq!(date(86_400 - 3600, 0, Some(1)).as_deref(), Ok("1970-01-02"), "written in a zone east of UTC");
        assert_eq!(
            date(1_624_629_342, 0, None),
            Err("'2021-06-25T13:55:42Z' is not a date without a time of day (in UTC it is not midnight)".to_owned())
        );
        assert!(date(86_400, 1, None).is_err());
    }
}
