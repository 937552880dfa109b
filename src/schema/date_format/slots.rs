//! From the numbers that were read to a day and a time of day.

use super::calendar;
use super::field::{Field, Slot};
use super::program::DatedBy;
use super::refusal::Reason;
use super::written::Time;

const SLOTS: usize = Slot::ZoneAt as usize + 1;
const UNSET: i32 = i32::MIN;

/// The values that were read so far.
#[derive(Clone, Copy)]
pub(super) struct Slots([i32; SLOTS]);

impl Slots {
    pub(super) fn new() -> Slots {
        Slots([UNSET; SLOTS])
    }

    pub(super) fn get(&self, slot: Slot) -> Option<i32> {
        let value = self.0[slot as usize];
        (value != UNSET).then_some(value)
    }

    /// Keeps a value; false if another one is there already.
    #[inline]
    pub(super) fn put(&mut self, slot: Slot, value: i32) -> bool {
        let before = std::mem::replace(&mut self.0[slot as usize], value);
        before == UNSET || before == value
    }

    /// A value that the pattern demands outside of optional sections.
    fn demand(&self, slot: Slot) -> i32 {
        self.0[slot as usize]
    }

    /// The day number, and whether a weekday that was read fits it.
    pub(super) fn day(&self, dated_by: DatedBy) -> Result<i32, Reason> {
        let year = self.demand(if dated_by == DatedBy::Week { Slot::WeekYear } else { Slot::Year });
        let day = match dated_by {
            DatedBy::MonthAndDay => {
                let (month, day) = (self.demand(Slot::Month), self.demand(Slot::Day));
                if day > 28 && day > calendar::days_in_month(year, month) {
                    return Err(Reason::DayOfMonth { year, month });
                }
                calendar::day_number(year, month, day)
            }
            DatedBy::DayOfYear => {
                let day = self.demand(Slot::DayOfYear);
                if day > calendar::days_in_year(year) {
                    return Err(Reason::DayOfYear { year });
                }
                calendar::day_number(year, 1, 1) + day - 1
            }
            DatedBy::Week => {
                let week = self.demand(Slot::Week);
                if week > calendar::weeks_in_year(year) {
                    return Err(Reason::Week { year });
                }
                calendar::day_of_week(year, week, self.demand(Slot::Weekday))
            }
        };
        match self.get(Slot::Weekday) {
            Some(weekday) if weekday != calendar::weekday(day) => Err(Reason::Weekday { day }),
            _ => Ok(day),
        }
    }

    /// The time of day, if any field of it was there.
    pub(super) fn time(&self) -> Result<Option<Time>, Reason> {
        let half = self.get(Slot::HalfDay);
        let (minute, second, nanosecond) = (self.get(Slot::Minute), self.get(Slot::Second), self.get(Slot::Nanosecond));
        let hour = match (self.get(Slot::Hour), self.get(Slot::HalfDayHour), half) {
            (Some(hour), None, None) => hour,
            (Some(hour), None, Some(half)) if hour / 12 == half => hour,
            (None, Some(hour), Some(half)) => hour + 12 * half,
            (None, Some(_), None) => return Err(Reason::HalfDayMissing),
            (None, None, None) if minute.or(second).or(nanosecond).is_none() => return Ok(None),
            (None, None, _) => return Err(Reason::Missing(Field::Hour)),
            (Some(hour), Some(of_half), Some(half)) if hour == of_half + 12 * half => hour,
            (Some(_), ..) => return Err(Reason::HalfDayContradiction),
        };
        if second.is_some() && minute.is_none() {
            return Err(Reason::Missing(Field::Minute));
        }
        if nanosecond.is_some() && second.is_none() {
            return Err(Reason::Missing(Field::Second));
        }
        let second = hour * 3600 + minute.unwrap_or(0) * 60 + second.unwrap_or(0);
        Ok(Some(Time { second, nanosecond: nanosecond.unwrap_or(0) as u32 }))
    }
}
