//! The numbers of a date pattern, and where their values are kept.

use std::fmt;

use super::refusal::Reason;

/// A number of a pattern. Java has four kinds of hours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Field {
    Year,
    WeekYear,
    Month,
    Day,
    DayOfYear,
    Week,
    Weekday,
    /// 0 to 23.
    Hour,
    /// 1 to 24, where 24 is midnight at the beginning of the day.
    ClockHour,
    /// 0 to 11.
    HalfDayHour,
    /// 1 to 12, where 12 is 0.
    ClockHalfDayHour,
    Minute,
    Second,
}

impl Field {
    /// The least and the greatest value.
    pub(super) fn range(self) -> (i32, i32) {
        match self {
            Field::Year | Field::WeekYear => (1, 9999),
            Field::Month | Field::ClockHalfDayHour => (1, 12),
            Field::Day => (1, 31),
            Field::DayOfYear => (1, 366),
            Field::Week => (1, 53),
            Field::Weekday => (1, 7),
            Field::Hour => (0, 23),
            Field::ClockHour => (1, 24),
            Field::HalfDayHour => (0, 11),
            Field::Minute | Field::Second => (0, 59),
        }
    }

    /// Whether a number is in the range, with the two mistakes that everyone makes named.
    #[inline]
    pub(super) fn check(self, value: i32) -> Result<(), Reason> {
        let (least, most) = self.range();
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(match (self, value) {
            (Field::Year | Field::WeekYear, _) => Reason::OutsideYears,
            (Field::Hour, 24) => Reason::Hour24,
            (Field::Second, 60) => Reason::LeapSecond,
            _ => Reason::Range { field: self, value },
        })
    }

    pub(super) fn slot(self) -> Slot {
        match self {
            Field::Year => Slot::Year,
            Field::WeekYear => Slot::WeekYear,
            Field::Month => Slot::Month,
            Field::Day => Slot::Day,
            Field::DayOfYear => Slot::DayOfYear,
            Field::Week => Slot::Week,
            Field::Weekday => Slot::Weekday,
            Field::Hour | Field::ClockHour => Slot::Hour,
            Field::HalfDayHour | Field::ClockHalfDayHour => Slot::HalfDayHour,
            Field::Minute => Slot::Minute,
            Field::Second => Slot::Second,
        }
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.slot().name())
    }
}

/// Where a value that was read is kept until all are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Slot {
    Year,
    WeekYear,
    Month,
    Day,
    DayOfYear,
    Week,
    Weekday,
    Hour,
    HalfDayHour,
    HalfDay,
    Minute,
    Second,
    Nanosecond,
    Offset,
    ZoneAt,
}

impl Slot {
    pub(super) fn name(self) -> &'static str {
        match self {
            Slot::Year | Slot::WeekYear => "year",
            Slot::Month => "month",
            Slot::Day => "day",
            Slot::DayOfYear => "day of the year",
            Slot::Week => "week",
            Slot::Weekday => "weekday",
            Slot::Hour | Slot::HalfDayHour => "hour",
            Slot::HalfDay => "half of the day",
            Slot::Minute => "minute",
            Slot::Second => "second",
            Slot::Nanosecond => "fraction of a second",
            Slot::Offset => "offset",
            Slot::ZoneAt => "time zone",
        }
    }
}
