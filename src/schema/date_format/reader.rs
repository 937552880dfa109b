//! Reading a text with a program. This is the hot path of a file: it works on bytes and allocates nothing.

use super::calendar::{MONTHS, WEEKDAYS};
use super::field::{Field, Slot};
use super::program::{Program, Step, Width};
use super::refusal::{Miss, Reason};
use super::slots::Slots;
use super::written::Written;
use super::zone::{Zone, read_offset, read_zone};

/// One text being read.
struct Reader<'t> {
    text: &'t str,
    slots: Slots,
    /// The furthest miss inside an optional section, which explains what is left over in the end.
    skipped: Option<Miss>,
}

impl Program {
    /// Reads a whole text.
    pub(super) fn read(&self, text: &str) -> Result<Written, Miss> {
        let mut reader = Reader { text, slots: Slots::new(), skipped: None };
        let end = reader.run(&self.steps, 0)?;
        if end < text.len() {
            let left_over = Miss { at: end, reason: Reason::LeftOver };
            return Err(Miss::closest(reader.skipped, left_over).unwrap_or(left_over));
        }
        let day = reader.slots.day(self.dated_by).map_err(Miss::of_meaning)?;
        let time = reader.slots.time().map_err(Miss::of_meaning)?;
        Ok(Written { day, time, zone: reader.zone()? })
    }
}

impl Reader<'_> {
    /// Runs steps from a byte of the text on and returns where they end.
    fn run(&mut self, steps: &[Step], mut at: usize) -> Result<usize, Miss> {
        let text = self.text.as_bytes();
        for step in steps {
            at = match step {
                Step::Number(field, width) => self.number(*field, *width, at)?,
                Step::Mark(mark) if text.get(at) == Some(mark) => at + 1,
                Step::Mark(mark) => return Err(Miss { at, reason: Reason::Literal(char::from(*mark)) }),
                Step::Literal(literal) => self.literal(literal, at)?,
                Step::Offset(_) => {
                    let (offset, end) = read_offset(text, at)?;
                    self.keep(Slot::Offset, offset, end)?
                }
                Step::Fraction(width) => {
                    let (nanosecond, end) = read_fraction(text, at, *width)?;
                    self.keep(Slot::Nanosecond, nanosecond as i32, end)?
                }
                Step::MonthName(_) => self.name(&MONTHS, Slot::Month, Reason::MonthName, at)?,
                Step::WeekdayName(_) => self.name(&WEEKDAYS, Slot::Weekday, Reason::WeekdayName, at)?,
                Step::HalfDay => self.half_day(at)?,
                Step::Era => self.era(at)?,
                Step::Utc => {
                    let end = self.literal("Z", at)?;
                    self.keep(Slot::Offset, 0, end)?
                }
                Step::Zone => {
                    let (_, end) = read_zone(text, at)?;
                    self.keep(Slot::ZoneAt, at as i32, end)?
                }
                Step::Optional(steps) => self.optional(steps, at),
            };
        }
        Ok(at)
    }

    #[inline]
    fn number(&mut self, field: Field, width: Width, at: usize) -> Result<usize, Miss> {
        let (value, end) = read_digits(self.text.as_bytes(), at, usize::from(width.most));
        if end - at < usize::from(width.least) {
            return Err(Miss { at, reason: Reason::Number { field, digits: width.least } });
        }
        field.check(value).map_err(|reason| self.beyond(end, reason))?;
        let value = match field {
            Field::ClockHour => value % 24,
            Field::ClockHalfDayHour => value % 12,
            _ => value,
        };
        self.keep(field.slot(), value, end)
    }

    #[inline]
    fn keep(&mut self, slot: Slot, value: i32, end: usize) -> Result<usize, Miss> {
        if self.slots.put(slot, value) { Ok(end) } else { Err(Miss::of_meaning(Reason::Contradiction(slot.name()))) }
    }

    /// A value out of its range: the shape was right so far.
    fn beyond(&self, end: usize, reason: Reason) -> Miss {
        Miss { at: self.text.len() + end, reason }
    }

    fn literal(&self, literal: &str, at: usize) -> Result<usize, Miss> {
        let rest = self.text.get(at..).unwrap_or_default();
        if rest.starts_with(literal) {
            return Ok(at + literal.len());
        }
        let mut same = 0;
        for (expected, found) in literal.chars().zip(rest.chars().map(Some).chain(std::iter::repeat(None))) {
            if found != Some(expected) {
                return Err(Miss { at: at + same, reason: Reason::Literal(expected) });
            }
            same += expected.len_utf8();
        }
        Ok(at + same)
    }

    /// An English name, in full or by its first three letters, in any case.
    fn name(&mut self, names: &[&str], slot: Slot, reason: Reason, at: usize) -> Result<usize, Miss> {
        let rest = &self.text.as_bytes()[at..];
        let begins = |name: &str| rest.get(..name.len()).is_some_and(|t| t.eq_ignore_ascii_case(name.as_bytes()));
        let Some(index) = names.iter().position(|name| begins(&name[..3])) else {
            return Err(Miss { at, reason });
        };
        let length = match names[index] {
            full if begins(full) => full.len(),
            // English as spoken in Britain, and by Java since release 16.
            "September" if begins("Sept") => 4,
            _ => 3,
        };
        self.keep(slot, index as i32 + 1, at + length)
    }

    fn half_day(&mut self, at: usize) -> Result<usize, Miss> {
        let half = match self.text.as_bytes().get(at..at + 2) {
            Some([b'a' | b'A', b'm' | b'M']) => 0,
            Some([b'p' | b'P', b'm' | b'M']) => 1,
            _ => return Err(Miss { at, reason: Reason::HalfDay }),
        };
        self.keep(Slot::HalfDay, half, at + 2)
    }

    fn era(&self, at: usize) -> Result<usize, Miss> {
        let era = self.text.as_bytes().get(at..at + 2).unwrap_or_default();
        if era.eq_ignore_ascii_case(b"AD") || era.eq_ignore_ascii_case(b"CE") {
            return Ok(at + 2);
        }
        let reason = if era.eq_ignore_ascii_case(b"BC") { Reason::BeforeChrist } else { Reason::Era };
        Err(Miss { at, reason })
    }

    /// An optional section is there completely, or not at all.
    fn optional(&mut self, steps: &[Step], at: usize) -> usize {
        let before = self.slots;
        self.run(steps, at).unwrap_or_else(|miss| {
            self.slots = before;
            self.skipped = Miss::closest(self.skipped, miss);
            at
        })
    }

    /// An offset says more than a zone: it also tells the two equal times apart when clocks are put back.
    fn zone(&self) -> Result<Zone, Miss> {
        match (self.slots.get(Slot::Offset), self.slots.get(Slot::ZoneAt)) {
            (Some(offset), _) => Ok(Zone::Offset(offset)),
            (None, Some(at)) => read_zone(self.text.as_bytes(), at as usize).map(|(zone, _)| zone),
            (None, None) => Ok(Zone::Unsaid),
        }
    }
}

/// Reads up to `most` digits; none leave the end at the beginning.
#[inline]
fn read_digits(text: &[u8], at: usize, most: usize) -> (i32, usize) {
    let (mut value, mut end) = (0, at);
    while end - at < most
        && let Some(digit) = text.get(end).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10)
    {
        value = value * 10 + i32::from(digit);
        end += 1;
    }
    (value, end)
}

/// Reads a fraction of a second to the nanosecond; what is smaller is dropped, as nothing can store it.
pub(super) fn read_fraction(text: &[u8], at: usize, width: Width) -> Result<(u32, usize), Miss> {
    let (mut nanosecond, mut unit, mut end) = (0, 100_000_000, at);
    while end - at < usize::from(width.most)
        && let Some(byte) = text.get(end).filter(|byte| byte.is_ascii_digit())
    {
        nanosecond += u32::from(byte - b'0') * unit;
        unit /= 10;
        end += 1;
    }
    if end - at < usize::from(width.least) { Err(Miss { at, reason: Reason::Fraction }) } else { Ok((nanosecond, end)) }
}
