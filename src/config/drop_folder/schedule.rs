//! Cron expressions, as far as they can be told to be none.

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::error::{Error, Result};

/// Checks a cron expression: minute, hour, day of month, month, day of week.
///
/// # Errors
/// `Request` if it is none, or names moments that never come.
pub(super) fn check(text: &str) -> Result<()> {
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let cron = parser.parse(text).map_err(|_| {
        Error::request(format!(
            "'{text}' is not a cron expression: write minute, hour, day of month, month and day of week, as in \
             '*/15 * * * *' or '30 2 * * MON-FRI'"
        ))
    })?;
    match cron.find_next_occurrence(&Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC), false) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::request(format!("'{text}' never comes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn expressions() {
        for text in ["*/15 * * * *", "5 17 * * *", "30 2 * * MON-FRI", "0 0 29 2 *", "@hourly", "0 6,18 1-7 JAN,JUL *"]
        {
            assert!(check(text).is_ok(), "{text}");
        }
        for text in ["", "* * * *", "* * * * * *", "61 * * * *", "every day", "0 0 30 2 *", "* * * * * 2027 *"] {
            assert!(check(text).is_err(), "{text}");
        }
    }
}
