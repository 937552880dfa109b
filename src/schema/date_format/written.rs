//! What a text says, before it is known for which zone it was written.

use jiff::civil;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::calendar::{self, SECONDS_PER_DAY};
use super::instant::Instant;
use super::refusal::Reason;
use super::zone::Zone;

/// A calendar day, perhaps a time of day, perhaps a zone.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) day: i32,
    pub(super) time: Option<Time>,
    pub(super) zone: Zone,
}

/// A time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Time {
    pub(super) second: i32,
    pub(super) nanosecond: u32,
}

impl Written {
    /// The instant; a text without a zone is for `default`, or for UTC if there is none.
    pub(super) fn instant(&self, default: Option<&TimeZone>) -> Result<Instant, Reason> {
        let second = match (&self.zone, default) {
            (Zone::Offset(offset), _) => self.local_second() - i64::from(*offset),
            (Zone::Named(zone), _) | (Zone::Unsaid, Some(zone)) => self.second_in(zone)?,
            (Zone::Unsaid, None) => self.local_second(),
        };
        let nanosecond = self.time.map_or(0, |time| time.nanosecond);
        Instant::new(second, nanosecond, if self.time.is_none() { Some(self.day) } else { None })
    }

    fn local_second(&self) -> i64 {
        i64::from(self.day) * SECONDS_PER_DAY + i64::from(self.time.map_or(0, |time| time.second))
    }

    /// A local time that was skipped is refused; of two equal ones the earlier is taken. A date without a time is its
    /// first moment, which is not 00:00 where clocks are put forward at midnight.
    fn second_in(&self, zone: &TimeZone) -> Result<i64, Reason> {
        let (year, month, day) = calendar::date(self.day);
        let date = civil::Date::new(year as i16, month as i8, day as i8).map_err(|_| Reason::OutsideYears)?;
        let Some(time) = self.time else {
            let start = date.to_zoned(zone.clone()).and_then(|midnight| midnight.start_of_day());
            let start = start.map_err(|_| Reason::OutsideYears)?;
            return if start.date() == date { Ok(start.timestamp().as_second()) } else { Err(Reason::Gap) };
        };
        let hour = (time.second / 3600) as i8;
        let local = date.at(hour, (time.second / 60 % 60) as i8, (time.second % 60) as i8, 0);
        match zone.to_ambiguous_timestamp(local).offset() {
            AmbiguousOffset::Unambiguous { offset } | AmbiguousOffset::Fold { before: offset, .. } => {
                Ok(self.local_second() - i64::from(offset.seconds()))
            }
            AmbiguousOffset::Gap { .. } => Err(Reason::Gap),
        }
    }
}
