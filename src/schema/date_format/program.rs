//! A compiled date pattern: the steps that read a text, or write one.
//!
//! Whoever runs the steps trusts their compiler: which fields are there, and how wide numbers beside each other are,
//! was settled in `pattern`.

use super::field::{Field, Slot};

/// The steps of one pattern.
#[derive(Clone, Debug)]
pub(super) struct Program {
    pub(super) steps: Box<[Step]>,
    pub(super) dated_by: DatedBy,
}

/// Which fields make the date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DatedBy {
    MonthAndDay,
    DayOfYear,
    Week,
}

impl DatedBy {
    /// Whether there is no date without this value.
    pub(super) fn needs(self, slot: Slot) -> bool {
        match self {
            DatedBy::MonthAndDay => matches!(slot, Slot::Year | Slot::Month | Slot::Day),
            DatedBy::DayOfYear => matches!(slot, Slot::Year | Slot::DayOfYear),
            DatedBy::Week => matches!(slot, Slot::WeekYear | Slot::Week | Slot::Weekday),
        }
    }
}

/// One thing to read or to write.
#[derive(Clone, Debug)]
pub(super) enum Step {
    Number(Field, Width),
    Fraction(Width),
    MonthName(Name),
    WeekdayName(Name),
    /// AM or PM.
    HalfDay,
    /// AD or CE.
    Era,
    Mark(u8),
    Literal(Box<str>),
    /// A quoted `'Z'` after the time: it says UTC even where another zone is the default.
    Utc,
    Offset(OffsetForm),
    Zone,
    Optional(Box<[Step]>),
}

/// How many digits are read at least and at most, and how many are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Width {
    pub(super) least: u8,
    pub(super) most: u8,
    pub(super) written: u8,
}

impl Width {
    pub(super) fn exactly(digits: u8) -> Width {
        Width { least: digits, most: digits, written: digits }
    }

    /// A number that stands alone, for which leading zeros are a matter of taste.
    pub(super) fn up_to(most: u8, written: u8) -> Width {
        Width { least: 1, most, written }
    }
}

/// How a name is written; reading takes both forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    Short,
    Full,
}

/// How an offset is written; reading takes every form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OffsetForm {
    /// `+05`, `+0530`
    Short,
    /// `+0530`, with minutes always
    Plain,
    /// `+05:30`
    Colon,
}

impl Step {
    /// What the step reads, if it is not the same in every text.
    pub(super) fn slot(&self) -> Option<Slot> {
        match self {
            Step::Number(field, _) => Some(field.slot()),
            Step::Fraction(_) => Some(Slot::Nanosecond),
            Step::MonthName(_) => Some(Slot::Month),
            Step::WeekdayName(_) => Some(Slot::Weekday),
            Step::HalfDay => Some(Slot::HalfDay),
            Step::Offset(_) | Step::Utc => Some(Slot::Offset),
            Step::Zone => Some(Slot::ZoneAt),
            Step::Era | Step::Mark(_) | Step::Literal(_) | Step::Optional(_) => None,
        }
    }
}
