//! The proleptic Gregorian calendar in whole days, counted from 1970-01-01.
//!
//! Callers check years, months and days first; nothing here can fail.

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// 0001-01-01, the first day we store.
pub(super) const FIRST_DAY: i32 = -719_162;
/// 9999-12-31, the last day we store.
pub(super) const LAST_DAY: i32 = 2_932_896;

pub(super) const SECONDS_PER_DAY: i64 = 86_400;

/// From 0000-03-01, where the 400-year cycle starts, to 1970-01-01. All days we store come later, so that the
/// arithmetic is unsigned, which is faster.
const CYCLE_START: i32 = 719_468;
const DAYS_PER_CYCLE: u32 = 146_097;

/// The day number of a date. Years start in March here, so that the leap day is the last day of its year.
#[inline]
pub(super) fn day_number(year: i32, month: i32, day: i32) -> i32 {
    let year = (if month <= 2 { year - 1 } else { year }) as u32;
    let month = (if month > 2 { month - 3 } else { month + 9 }) as u32;
    let day_of_year = (153 * month + 2) / 5 + day as u32 - 1;
    (365 * year + year / 4 - year / 100 + year / 400 + day_of_year) as i32 - CYCLE_START
}

/// Year, month and day of a day number.
#[inline]
pub(super) fn date(day_number: i32) -> (i32, i32, i32) {
    let days = (day_number + CYCLE_START) as u32;
    let cycle = days / DAYS_PER_CYCLE;
    let day_of_cycle = days % DAYS_PER_CYCLE;
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = cycle * 400 + year_of_cycle;
    let (year, month) = if month < 10 { (year, month + 3) } else { (year + 1, month - 9) };
    (year as i32, month as i32, day as i32)
}

pub(super) fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

#[inline]
pub(super) fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub(super) fn days_in_year(year: i32) -> i32 {
    if is_leap(year) { 366 } else { 365 }
}

/// 1 is Monday, 7 is Sunday, as ISO 8601 counts.
#[inline]
pub(super) fn weekday(day_number: i32) -> i32 {
    (day_number + 3).rem_euclid(7) + 1
}

/// The ISO 8601 week of a day, and the year that week belongs to: the one that its Thursday lies in.
pub(super) fn iso_week(day: i32) -> (i32, i32) {
    let thursday = day - weekday(day) + 4;
    let (year, ..) = date(thursday);
    (year, (thursday - day_number(year, 1, 1)) / 7 + 1)
}

pub(super) fn weeks_in_year(year: i32) -> i32 {
    // 28 December is always in the last week of its year.
    iso_week(day_number(year, 12, 28)).1
}

/// The day number of a weekday in an ISO 8601 week.
pub(super) fn day_of_week(year: i32, week: i32, weekday_number: i32) -> i32 {
    // 4 January is always in week 1.
    let fourth = day_number(year, 1, 4);
    fourth - weekday(fourth) + 1 + (week - 1) * 7 + (weekday_number - 1)
}

#[cfg(test)]
mod tests {
    use jiff::civil::Date;

    use super::{
        FIRST_DAY, LAST_DAY, date, day_number, day_of_week, days_in_month, days_in_year, iso_week, weekday,
        weeks_in_year,
    };

    /// Every day of the range, compared with jiff.
    #[test]
    fn agrees_with_jiff_on_every_day() {
        let mut expected = Date::new(1, 1, 1).expect("a date");
        for day in FIRST_DAY..=LAST_DAY {
            let (year, month, of_month) =
                (i32::from(expected.year()), i32::from(expected.month()), i32::from(expected.day()));
            assert_eq!(date(day), (year, month, of_month), "day {day}");
            assert_eq!(day_number(year, month, of_month), day);
            assert_eq!(weekday(day), i32::from(expected.weekday().to_monday_one_offset()));
            let (week_year, week) = iso_week(day);
            assert_eq!(day_of_week(week_year, week, weekday(day)), day);
            if day % 97 == 0 {
                let iso = expected.iso_week_date();
                assert_eq!((week_year, week), (i32::from(iso.year()), i32::from(iso.week())));
                assert_eq!(days_in_month(year, month), i32::from(expected.days_in_month()));
                assert_eq!(days_in_year(year), i32::from(expected.days_in_year()));
                assert_eq!(weeks_in_year(i32::from(iso.year())), i32::from(iso.weeks_in_year()));
            }
            if day < LAST_DAY {
                expected = expected.tomorrow().expect("not the last day");
            }
        }
    }
}
