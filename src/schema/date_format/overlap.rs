//! Two formats that one text fits, with different results: `01/02/2021` in `dd/MM/yyyy` and `MM/dd/yyyy`.
//!
//! Whether two patterns overlap is found by trying: each writes a few thousand dates, chosen so that pairs of digits
//! can stand for days, months and halves of a year alike, and the other one reads them.

use jiff::tz::TimeZone;

use super::DateFormat;
use super::calendar;
use super::instant::Instant;
use super::writer::{Local, Manner};

/// A text that two formats read differently.
pub(super) struct Overlap {
    pub(super) text: String,
    pub(super) earlier: Instant,
    pub(super) later: Instant,
}

/// `2012` and `1112` can be day and month, `1231` month and day; the others are years of people and products.
const YEARS: [i32; 12] = [101, 1011, 1112, 1231, 1970, 1999, 2001, 2010, 2012, 2020, 2021, 2024];
const DAYS: [i32; 12] = [1, 2, 3, 9, 10, 11, 12, 13, 20, 21, 28, 31];
/// Seconds and nanoseconds; their number shares no factor with the days, so that all combinations occur.
const TIMES: [(i32, u32); 5] = [(0, 0), (3723, 4_000_000), (50_142, 123_000_000), (36_672, 500_000_000), (86_399, 0)];

/// The first text found that fits both formats with different results.
pub(super) fn find(earlier: &DateFormat, later: &DateFormat, zone: Option<&TimeZone>) -> Option<Overlap> {
    let probe = |text: String| {
        let read = |format: &DateFormat| format.read(&text).ok()?.instant(zone).ok();
        let (earlier, later) = (read(earlier)?, read(later)?);
        (earlier != later).then_some(Overlap { text, earlier, later })
    };
    locals().find_map(|local| {
        [Manner::Full, Manner::Short, Manner::Bare]
            .into_iter()
            .find_map(|manner| probe(earlier.write(&local, manner)).or_else(|| probe(later.write(&local, manner))))
    })
}

fn locals() -> impl Iterator<Item = Local> {
    let dates = YEARS
        .into_iter()
        .rev()
        .flat_map(|year| (1..=12).flat_map(move |month| DAYS.into_iter().map(move |day| (year, month, day))));
    let real = dates.filter(|(year, month, day)| *day <= calendar::days_in_month(*year, *month));
    real.zip(TIMES.into_iter().cycle()).map(|((year, month, day), (second, nanosecond))| Local {
        day: calendar::day_number(year, month, day),
        second,
        nanosecond,
        offset: 0,
    })
}
