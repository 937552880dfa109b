//! Why a text is not a date, first as something cheap to compare, then as a sentence.
//!
//! With several formats most of them miss on most values, so a [`Miss`] allocates nothing. Only when all have missed
//! does the closest one become a [`DateError`].

use std::error::Error as StdError;
use std::fmt;

use super::calendar::{self, MONTHS, WEEKDAYS};
use super::field::Field;
use super::instant::Instant;
use crate::error::shown;

/// A text that is no date in any of the formats.
///
/// Displays as a sentence without a place: `'2021-02-31' is not a date in yyyy-MM-dd (February 2021 has 28 days)`.
#[derive(Debug, PartialEq, Eq)]
pub struct DateError(String);

/// Characters of a value shown in a sentence.
const SHOWN: usize = 60;

impl DateError {
    /// The sentence for a text that every format missed.
    pub(super) fn new(text: &str, formats: &str, miss: Option<Miss>) -> DateError {
        let reason = miss.map(|miss| format!(" ({})", miss.sentence(text))).unwrap_or_default();
        DateError(format!("'{}' is not a date in {formats}{reason}", shown(text, SHOWN)))
    }

    pub(super) fn time_of_day(instant: &Instant) -> DateError {
        DateError(format!("'{instant}' is not a date without a time of day (in UTC it is not midnight)"))
    }
}

impl fmt::Display for DateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl StdError for DateError {}

/// Where one format stopped, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Miss {
    /// The byte of the text; beyond its end if the text has the shape and the calendar says no.
    pub(super) at: usize,
    pub(super) reason: Reason,
}

/// What a format did not like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Empty,
    Number { field: Field, digits: u8 },
    Fraction,
    MonthName,
    WeekdayName,
    HalfDay,
    Era,
    Literal(char),
    Offset,
    Zone,
    LeftOver,
    Digits,
    Range { field: Field, value: i32 },
    Hour24,
    LeapSecond,
    BeforeChrist,
    OffsetRange,
    ShortZone,
    UnknownZone,
    DayOfMonth { year: i32, month: i32 },
    DayOfYear { year: i32 },
    Week { year: i32 },
    Weekday { day: i32 },
    OutsideYears,
    Contradiction(&'static str),
    Missing(Field),
    HalfDayContradiction,
    HalfDayMissing,
    Gap,
}

impl Miss {
    /// A miss of the calendar or the clock: every format that only missed the shape is further off.
    pub(super) fn of_meaning(reason: Reason) -> Miss {
        Miss { at: usize::MAX, reason }
    }

    /// Whichever got further; the earlier one when both got equally far.
    pub(super) fn closest(earlier: Option<Miss>, later: Miss) -> Option<Miss> {
        Some(earlier.filter(|earlier| earlier.at >= later.at).unwrap_or(later))
    }

    fn sentence(&self, text: &str) -> String {
        let found = match text.get(self.at..).unwrap_or_default() {
            "" => "the text ends".to_owned(),
            rest if rest.starts_with(|c: char| !c.is_ascii() && c.is_numeric()) => {
                format!("'{}' found; only the digits 0-9 are read", shown(rest, SHOWN))
            }
            rest => format!("'{}' found", shown(rest, SHOWN)),
        };
        match self.reason {
            Reason::Number { field: Field::Year | Field::WeekYear, .. } => {
                format!("a year with four digits expected, {found}")
            }
            Reason::Number { field, digits: 1 } => format!("{field} expected, {found}"),
            Reason::Number { field, digits } => format!("{field} with {digits} digits expected, {found}"),
            Reason::Fraction => format!("fraction of a second expected, {found}"),
            Reason::MonthName => format!("English month name expected, {found}"),
            Reason::WeekdayName => format!("English name of a weekday expected, {found}"),
            Reason::HalfDay => format!("AM or PM expected, {found}"),
            Reason::Era => format!("AD or CE expected, {found}"),
            Reason::Literal(' ') => format!("a blank expected, {found}"),
            Reason::Literal(literal) => format!("'{literal}' expected, {found}"),
            Reason::Offset => format!("Z or an offset like +05:30 expected, {found}"),
            Reason::Zone => format!("a zone like UTC or Asia/Seoul expected, {found}"),
            Reason::Digits => format!("a whole number expected, {found}"),
            Reason::LeftOver => format!("'{}' is left over", shown(text.get(self.at..).unwrap_or_default(), SHOWN)),
            reason => reason.to_string(),
        }
    }
}

/// The reasons that need no look at the text.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reason::Range { field, value } => {
                let (least, most) = field.range();
                write!(f, "{field} {value} is not between {least} and {most}")
            }
            Reason::Hour24 => f.write_str("a day ends at 23:59:59; 24:00 is 00:00 of the next day"),
            Reason::LeapSecond => f.write_str("leap seconds cannot be stored; the last second of a minute is 59"),
            Reason::BeforeChrist | Reason::OutsideYears => f.write_str("years go from 0001 to 9999, in UTC"),
            Reason::OffsetRange => f.write_str("offsets go from -18:00 to +18:00, with minutes below 60"),
            Reason::ShortZone => {
                f.write_str("short zone names mean several zones; a zone is UTC, GMT, Z or a name like Asia/Seoul")
            }
            Reason::UnknownZone => f.write_str("there is no such time zone"),
            Reason::DayOfMonth { year, month } => {
                let name = MONTHS[month as usize - 1];
                write!(f, "{name} {year:04} has {} days", calendar::days_in_month(year, month))
            }
            Reason::DayOfYear { year } => write!(f, "{year:04} has {} days", calendar::days_in_year(year)),
            Reason::Week { year } => write!(f, "{year:04} has {} weeks", calendar::weeks_in_year(year)),
            Reason::Weekday { day } => {
                let (year, month, of_month) = calendar::date(day);
                let name = WEEKDAYS[calendar::weekday(day) as usize - 1];
                write!(f, "{year:04}-{month:02}-{of_month:02} is a {name}")
            }
            Reason::Contradiction(what) => write!(f, "it says the {what} twice, and differently"),
            Reason::Missing(field) => write!(f, "it has no {field}"),
            Reason::HalfDayContradiction => f.write_str("the hour and AM or PM contradict each other"),
            Reason::HalfDayMissing => f.write_str("AM or PM is missing"),
            Reason::Gap => f.write_str("clocks were put forward then, this local time does not exist"),
            Reason::Empty => f.write_str("it is empty"),
            _ => f.write_str("it does not have this form"),
        }
    }
}
