//! Date formats: Java date patterns, as Gainsight PX takes them, compiled once and then applied to every cell.
//!
//! A pattern is checked when it is configured, so that a mistake in it (`mm` for the month) is told there and not as a
//! wrong date in a million objects; a cell is then read strictly: the calendar is the real one and no character may be
//! left over. Both are where Java is lenient: its `SimpleDateFormat` makes 3 March of 31 February and ignores the rest
//! of a cell. Letters are those of `SimpleDateFormat` and `DateTimeFormatter`; where the two differ, or where both
//! would read something else than what people mean, COMPATIBILITY.md lists what we do.
//!
//! Nothing here knows of cells, columns or files. The engine calls [`DateFormats::parse`]; configuration and the doors
//! call [`DateFormats::compile`] and show [`DateFormat::examples`].

use jiff::tz::TimeZone;

use crate::error::{Error, Result, shown};

mod calendar;
mod field;
mod instant;
mod iso8601;
mod overlap;
mod pattern;
mod program;
mod reader;
mod refusal;
mod slots;
mod token;
mod writer;
mod written;
mod zone;

use calendar::SECONDS_PER_DAY;
pub use instant::Instant;
use program::Program;
pub use refusal::DateError;
use refusal::{Miss, Reason};
use writer::{Local, Manner};
use written::{Time, Written};
use zone::Zone;

/// One date format: a Java pattern, compiled, or one of the names `iso8601`, `epoch_ms` and `epoch_s`.
#[derive(Clone, Debug)]
pub struct DateFormat {
    pattern: String,
    normalised: String,
    reading: Reading,
}

#[derive(Clone, Debug)]
enum Reading {
    Pattern(Program),
    Iso8601,
    EpochMilliseconds,
    EpochSeconds,
}

/// Far beyond any date, and short enough for every analysis of a pattern that a stranger sends.
const LONGEST_PATTERN: usize = 200;

/// Formats are compared pair by pair.
const MOST_FORMATS: usize = 10;

impl DateFormat {
    /// Compiles a pattern.
    ///
    /// Numbers that stand alone may be shorter than their letters say (`1/2/2021` in `dd/MM/yyyy`), numbers beside each
    /// other have exactly their width (`yyyyMMdd`), and a year always has four digits. A fraction of any length is a
    /// fraction. Every offset letter takes `Z`, `+hh`, `+hhmm` and `+hh:mm`. Names are English, in any case; a weekday
    /// is checked against the date. `[ ]` encloses what may be absent.
    ///
    /// # Errors
    ///
    /// Kind `Request`, with everything that is wrong and what would be right: `month is MM, mm is minutes`.
    pub fn compile(pattern: &str) -> Result<DateFormat> {
        let (normalised, reading) = match pattern.trim() {
            name if name.eq_ignore_ascii_case("iso8601") => ("iso8601".to_owned(), Reading::Iso8601),
            "epoch_ms" => ("epoch_ms".to_owned(), Reading::EpochMilliseconds),
            "epoch_s" => ("epoch_s".to_owned(), Reading::EpochSeconds),
            "" => return Err(Error::request("a date format is empty; the usual one is yyyy-MM-dd")),
            letters => {
                let refuse = |why: &str| {
                    Error::request(format!("'{}' is not a date format: {why}", shown(pattern, LONGEST_PATTERN)))
                };
                if letters.chars().count() > LONGEST_PATTERN {
                    return Err(refuse(&format!("it is longer than {LONGEST_PATTERN} characters")));
                }
                let mut tokens = token::scan(letters).map_err(|complaint| refuse(&complaint))?;
                token::normalise(&mut tokens);
                let program = pattern::compile(&tokens).map_err(|complaints| refuse(&complaints.join("; ")))?;
                (token::pattern(&tokens), Reading::Pattern(program))
            }
        };
        Ok(DateFormat { pattern: pattern.to_owned(), normalised, reading })
    }

    /// The pattern as it was given.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }

    /// The pattern as it is understood: `yyyyMMdd` for `YYYYMMDD`.
    pub fn normalised(&self) -> &str {
        &self.normalised
    }

    /// Three worked examples: a text in this format, and the RFC 3339 instant that it is read as, without a default
    /// time zone. Meant to be seen by the person who has just chosen the format.
    pub fn examples(&self) -> Vec<(String, String)> {
        // The first two are the examples of the Gainsight PX article.
        [
            ((2021, 12, 25), Local { day: 0, second: 0, nanosecond: 0, offset: 0 }, Manner::Full),
            ((2021, 6, 25), Local { day: 0, second: 50_142, nanosecond: 0, offset: 0 }, Manner::Short),
            ((2024, 2, 29), Local { day: 0, second: 30_309, nanosecond: 500_000_000, offset: 19_800 }, Manner::Full),
        ]
        .into_iter()
        .filter_map(|((year, month, day), local, manner)| {
            self.example(&Local { day: calendar::day_number(year, month, day), ..local }, manner)
        })
        .collect()
    }

    /// The same for a moment in RFC 3339 UTC.
    pub fn example_of(&self, moment: &str) -> Option<(String, String)> {
        let Written { day, time: Some(Time { second, nanosecond }), .. } = iso8601::read(moment).ok()? else {
            return None;
        };
        self.example(&Local { day, second, nanosecond, offset: 0 }, Manner::Full)
    }

    fn example(&self, local: &Local, manner: Manner) -> Option<(String, String)> {
        let text = self.write(local, manner);
        let instant = self.read(&text).ok()?.instant(None).ok()?;
        Some((text, instant.to_string()))
    }

    /// What the format is called in a sentence.
    fn described(&self) -> &str {
        match self.reading {
            Reading::Pattern(_) => &self.pattern,
            Reading::Iso8601 => "ISO 8601, such as 2021-12-25 or 2021-06-25T13:55:42Z",
            Reading::EpochMilliseconds => "epoch_ms, milliseconds since 1970-01-01 UTC",
            Reading::EpochSeconds => "epoch_s, seconds since 1970-01-01 UTC",
        }
    }

    fn read(&self, text: &str) -> Result<Written, Miss> {
        match &self.reading {
            Reading::Pattern(program) => program.read(text),
            Reading::Iso8601 => iso8601::read(text),
            Reading::EpochMilliseconds => read_epoch(text, 1000),
            Reading::EpochSeconds => read_epoch(text, 1),
        }
    }

    fn write(&self, local: &Local, manner: Manner) -> String {
        let second = i64::from(local.day) * SECONDS_PER_DAY + i64::from(local.second) - i64::from(local.offset);
        match &self.reading {
            Reading::Pattern(program) => program.write(local, manner),
            Reading::Iso8601 => iso8601::write(local, manner),
            Reading::EpochMilliseconds => (second * 1000 + i64::from(local.nanosecond / 1_000_000)).to_string(),
            Reading::EpochSeconds => second.to_string(),
        }
    }
}

/// Reads a whole number of units since 1970-01-01T00:00:00Z.
fn read_epoch(text: &str, units_per_second: i64) -> Result<Written, Miss> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Miss { at: 0, reason: Reason::Digits });
    }
    let beyond = Miss::of_meaning(Reason::OutsideYears);
    let units: i64 = text.parse().map_err(|_| beyond)?;
    let second = units.div_euclid(units_per_second);
    let nanosecond = units.rem_euclid(units_per_second) * (1_000_000_000 / units_per_second);
    Ok(Written {
        day: i32::try_from(second.div_euclid(SECONDS_PER_DAY)).map_err(|_| beyond)?,
        time: Some(Time { second: second.rem_euclid(SECONDS_PER_DAY) as i32, nanosecond: nanosecond as u32 }),
        zone: Zone::Offset(0),
    })
}

/// Formats that are tried in order; the first one that a text fits decides.
///
/// No text fits two of them with different results, so the order is a matter of speed and not of meaning.
#[derive(Clone, Debug)]
pub struct DateFormats {
    formats: Vec<DateFormat>,
    /// For texts that name no zone; UTC if there is none.
    zone: Option<TimeZone>,
}

impl DateFormats {
    /// Compiles a list of patterns.
    ///
    /// # Errors
    ///
    /// Kind `Request` for an empty list or one of more than ten, for the first pattern that does not compile (see
    /// [`DateFormat::compile`]), and for two formats that read one text differently, as `dd/MM/yyyy` and `MM/dd/yyyy`
    /// do.
    pub fn compile(patterns: &[impl AsRef<str>]) -> Result<DateFormats> {
        if patterns.is_empty() {
            return Err(Error::request("no date format is given; the usual one is yyyy-MM-dd"));
        }
        if patterns.len() > MOST_FORMATS {
            let count = patterns.len();
            return Err(Error::request(format!("{count} date formats are given; {MOST_FORMATS} are enough")));
        }
        let formats = patterns.iter().map(|pattern| DateFormat::compile(pattern.as_ref())).collect::<Result<_>>()?;
        DateFormats { formats, zone: None }.checked()
    }

    /// The default: RFC 3339, and the ISO 8601 dates and date-times near to it.
    ///
    /// `2021-12-25`, `2021-06-25T13:55:42Z`, `2021-06-25 13:55`, `2021-06-25T13:55:42.5+05:30`; without an offset it is
    /// UTC.
    pub fn iso8601() -> DateFormats {
        let name = "iso8601".to_owned();
        let format = DateFormat { pattern: name.clone(), normalised: name, reading: Reading::Iso8601 };
        DateFormats { formats: vec![format], zone: None }
    }

    /// Reads texts that name no zone as local times of an IANA time zone such as `Europe/Berlin`.
    ///
    /// A local time that clocks skipped is an error of its cell; of a time that occurred twice the earlier one is
    /// taken, as java.time does. A date without a time of day is its first moment.
    ///
    /// # Errors
    ///
    /// Kind `Request` for a zone that does not exist, and for formats that only differ in naming a zone or not.
    pub fn with_time_zone(self, name: &str) -> Result<DateFormats> {
        let zone = TimeZone::get(name).map_err(|_| {
            Error::request(format!("'{name}' is not a time zone; names look like UTC, Europe/Berlin or Asia/Seoul"))
        })?;
        DateFormats { zone: Some(zone), ..self }.checked()
    }

    /// Reads a text, outer blanks aside, completely and strictly.
    ///
    /// # Errors
    ///
    /// The sentence names the text, the formats, and the reason of the format that came closest. An empty text is an
    /// error too: that an empty cell has no value is for the caller to know.
    pub fn parse(&self, text: &str) -> Result<Instant, DateError> {
        let text = text.trim();
        let mut closest = None;
        for format in &self.formats {
            let read =
                format.read(text).and_then(|written| written.instant(self.zone.as_ref()).map_err(Miss::of_meaning));
            match read {
                Ok(instant) => return Ok(instant),
                Err(miss) => closest = Miss::closest(closest, miss),
            }
        }
        Err(self.refuse(text, closest))
    }

    /// The patterns as they were given, for messages: `yyyy-MM-dd`, or `yyyyMMdd or yyyy-MM-dd'T'HH:mm:ssX`.
    pub fn patterns(&self) -> String {
        let patterns: Vec<&str> = self.formats.iter().map(DateFormat::pattern).collect();
        patterns.join(" or ")
    }

    /// The formats in the order they are tried in.
    pub fn formats(&self) -> &[DateFormat] {
        &self.formats
    }

    #[cold]
    fn refuse(&self, text: &str, closest: Option<Miss>) -> DateError {
        if text.is_empty() {
            return DateError::new(text, &self.described(), Some(Miss::of_meaning(Reason::Empty)));
        }
        DateError::new(text, &self.described(), closest)
    }

    fn described(&self) -> String {
        let names: Vec<&str> = self.formats.iter().map(DateFormat::described).collect();
        names.join(" or ")
    }

    /// The formats, if no text fits two of them with different results.
    fn checked(self) -> Result<DateFormats> {
        for (index, later) in self.formats.iter().enumerate() {
            for earlier in &self.formats[..index] {
                let Some(overlap) = overlap::find(earlier, later, self.zone.as_ref()) else { continue };
                return Err(Error::request(format!(
                    "the date formats '{}' and '{}' contradict each other: '{}' is {} in one and {} in the other",
                    earlier.pattern(),
                    later.pattern(),
                    overlap.text,
                    overlap.earlier,
                    overlap.later
                )));
            }
        }
        Ok(self)
    }
}

#[cfg(test)]
mod tests;
