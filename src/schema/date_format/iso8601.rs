//! The default format: RFC 3339, and what of ISO 8601 people write for it.
//!
//! `2021-12-25`, or `2021-06-25T13:55:42Z` with `T` or a blank between, seconds and fraction optional, the offset `Z`,
//! `+hh`, `+hhmm`, `+hh:mm` or absent. Every number has its full width. Read by hand: this is the hot path of a file.

use super::calendar;
use super::field::Field;
use super::program::Width;
use super::reader::read_fraction;
use super::refusal::{Miss, Reason};
use super::writer::{Local, Manner};
use super::written::{Time, Written};
use super::zone::{Zone, read_offset, two_digits};

pub(super) fn read(text: &str) -> Result<Written, Miss> {
    let text = text.as_bytes();
    let year = match (two_digits(text, 0), two_digits(text, 2)) {
        (Some(century), Some(year)) => century * 100 + year,
        _ => return Err(Miss { at: 0, reason: Reason::Number { field: Field::Year, digits: 4 } }),
    };
    expect(text, 4, b'-')?;
    let month = number(text, 5, Field::Month)?;
    expect(text, 7, b'-')?;
    let day = number(text, 8, Field::Day)?;
    if year == 0 {
        return Err(Miss::of_meaning(Reason::OutsideYears));
    }
    if day > 28 && day > calendar::days_in_month(year, month) {
        return Err(Miss::of_meaning(Reason::DayOfMonth { year, month }));
    }
    let day = calendar::day_number(year, month, day);
    match text.get(10) {
        None => Ok(Written { day, time: None, zone: Zone::Unsaid }),
        Some(b'T' | b't' | b' ') => {
            let (time, end) = read_time(text)?;
            Ok(Written { day, time: Some(time), zone: read_end(text, end)? })
        }
        Some(_) => Err(Miss { at: 10, reason: Reason::LeftOver }),
    }
}

fn read_time(text: &[u8]) -> Result<(Time, usize), Miss> {
    let hour = number(text, 11, Field::Hour)?;
    expect(text, 13, b':')?;
    let minute = number(text, 14, Field::Minute)?;
    if text.get(16) != Some(&b':') {
        return Ok((Time { second: hour * 3600 + minute * 60, nanosecond: 0 }, 16));
    }
    let second = number(text, 17, Field::Second)?;
    let (nanosecond, end) = match text.get(19) {
        Some(b'.' | b',') => read_fraction(text, 20, Width::up_to(u8::MAX, 9))?,
        _ => (0, 19),
    };
    Ok((Time { second: hour * 3600 + minute * 60 + second, nanosecond }, end))
}

fn read_end(text: &[u8], at: usize) -> Result<Zone, Miss> {
    if at == text.len() {
        return Ok(Zone::Unsaid);
    }
    // Anything but an offset is said to be too much: the text could have ended here.
    let (offset, end) = read_offset(text, at).map_err(|miss| match miss.reason {
        Reason::Offset => Miss { at, reason: Reason::LeftOver },
        _ => miss,
    })?;
    if end < text.len() { Err(Miss { at: end, reason: Reason::LeftOver }) } else { Ok(Zone::Offset(offset)) }
}

fn number(text: &[u8], at: usize, field: Field) -> Result<i32, Miss> {
    let number = two_digits(text, at).ok_or(Miss { at, reason: Reason::Number { field, digits: 2 } })?;
    field.check(number).map_err(Miss::of_meaning)?;
    Ok(number)
}

fn expect(text: &[u8], at: usize, mark: u8) -> Result<(), Miss> {
    if text.get(at) == Some(&mark) { Ok(()) } else { Err(Miss { at, reason: Reason::Literal(char::from(mark)) }) }
}

/// Writes what [`read`] reads: with an offset, or as short as it gets.
pub(super) fn write(local: &Local, manner: Manner) -> String {
    let (year, month, day) = calendar::date(local.day);
    let date = format!("{year:04}-{month:02}-{day:02}");
    if manner != Manner::Full && local.second == 0 {
        return date;
    }
    let (hour, minute, second) = (local.second / 3600, local.second / 60 % 60, local.second % 60);
    let sign = if local.offset < 0 { '-' } else { '+' };
    let (offset_hours, offset_minutes) = (local.offset.abs() / 3600, local.offset.abs() / 60 % 60);
    match manner {
        Manner::Short | Manner::Bare => format!("{date} {hour:02}:{minute:02}:{second:02}"),
        Manner::Full if local.offset == 0 => format!("{date}T{hour:02}:{minute:02}:{second:02}Z"),
        Manner::Full => {
            format!("{date}T{hour:02}:{minute:02}:{second:02}{sign}{offset_hours:02}:{offset_minutes:02}")
        }
    }
}
