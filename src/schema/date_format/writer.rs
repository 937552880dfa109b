//! Texts as a pattern writes them: the worked examples, and the probes that find two formats for one text.

use super::calendar::{self, MONTHS, WEEKDAYS};
use super::field::{Field, Slot};
use super::program::{Name, OffsetForm, Program, Step, Width};

/// A local time and its distance from UTC.
#[derive(Clone, Copy, Debug)]
pub(super) struct Local {
    pub(super) day: i32,
    pub(super) second: i32,
    pub(super) nanosecond: u32,
    /// Seconds east of UTC.
    pub(super) offset: i32,
}

/// Three texts for one time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// As Java writes it, optional sections included.
    Full,
    /// As Java writes it, without optional sections.
    Short,
    /// No leading zeros where none are needed, and no optional sections.
    Bare,
}

impl Program {
    pub(super) fn write(&self, local: &Local, manner: Manner) -> String {
        let mut writer = Writer { out: String::new(), local, manner, written: Vec::new() };
        writer.run(&self.steps);
        writer.out
    }
}

struct Writer<'l> {
    out: String,
    local: &'l Local,
    manner: Manner,
    /// What is written already: `[XXX][X]` are two ways to say one thing.
    written: Vec<Slot>,
}

impl Writer<'_> {
    fn run(&mut self, steps: &[Step]) {
        for step in steps {
            match step {
                Step::Number(field, width) => self.number(*field, *width),
                Step::Fraction(width) => {
                    let fraction = format!("{:09}", self.local.nanosecond);
                    self.out.push_str(&fraction[..usize::from(width.written.min(9))]);
                }
                Step::MonthName(name) => self.name(MONTHS[self.value(Field::Month) as usize - 1], *name),
                Step::WeekdayName(name) => self.name(WEEKDAYS[self.value(Field::Weekday) as usize - 1], *name),
                Step::HalfDay => self.out.push_str(if self.local.second < 43_200 { "AM" } else { "PM" }),
                Step::Era => self.out.push_str("AD"),
                Step::Mark(mark) => self.out.push(char::from(*mark)),
                Step::Literal(literal) => self.out.push_str(literal),
                Step::Utc => self.out.push('Z'),
                Step::Offset(_) if self.local.offset == 0 => self.out.push('Z'),
                Step::Offset(form) => self.offset(*form),
                Step::Zone if self.local.offset == 0 => self.out.push_str("UTC"),
                Step::Zone => {
                    self.out.push_str("GMT");
                    self.offset(OffsetForm::Colon);
                }
                Step::Optional(steps) => self.optional(steps),
            }
            self.written.extend(step.slot());
        }
    }

    fn optional(&mut self, steps: &[Step]) {
        let said = steps.iter().filter_map(Step::slot).any(|slot| self.written.contains(&slot));
        if self.manner == Manner::Full && !said {
            self.run(steps);
        }
    }

    fn number(&mut self, field: Field, width: Width) {
        let digits = match self.manner {
            Manner::Full | Manner::Short => width.written,
            Manner::Bare => width.least,
        };
        self.out.push_str(&format!("{:0width$}", self.value(field), width = usize::from(digits)));
    }

    fn name(&mut self, full: &str, name: Name) {
        self.out.push_str(if name == Name::Full { full } else { &full[..3] });
    }

    fn offset(&mut self, form: OffsetForm) {
        let sign = if self.local.offset < 0 { '-' } else { '+' };
        let minutes = self.local.offset.abs() / 60;
        let (hours, minutes) = (minutes / 60, minutes % 60);
        self.out.push_str(&match form {
            OffsetForm::Short if minutes == 0 => format!("{sign}{hours:02}"),
            OffsetForm::Short | OffsetForm::Plain => format!("{sign}{hours:02}{minutes:02}"),
            OffsetForm::Colon => format!("{sign}{hours:02}:{minutes:02}"),
        });
    }

    fn value(&self, field: Field) -> i32 {
        let Local { day, second, .. } = *self.local;
        let (year, month, day_of_month) = calendar::date(day);
        let hour = second / 3600;
        match field {
            Field::Year => year,
            Field::WeekYear => calendar::iso_week(day).0,
            Field::Month => month,
            Field::Day => day_of_month,
            Field::DayOfYear => day - calendar::day_number(year, 1, 1) + 1,
            Field::Week => calendar::iso_week(day).1,
            Field::Weekday => calendar::weekday(day),
            Field::Hour => hour,
            Field::ClockHour => (hour + 23) % 24 + 1,
            Field::HalfDayHour => hour % 12,
            Field::ClockHalfDayHour => (hour + 11) % 12 + 1,
            Field::Minute => second / 60 % 60,
            Field::Second => second % 60,
        }
    }
}
