//! The rules of the format: where cells and records end, and what is refused.
//!
//! Commas separate, `"` quotes with `""` inside, and CRLF, LF and bare CR all end a record. The scanner is strict where
//! csv readers usually are not: after a closing quote only a comma or the end of the record may come, and sizes are
//! capped. It works on a window of the file that begins with a record, tells a [`Sink`] what it sees, and stops at the
//! last record that the window holds completely; its caller comes again with more bytes. So it has no state inside a
//! record, and how the file was cut into windows cannot show.

use super::Limits;
use super::specials::Specials;

/// The most that a record may ever be, so that places in a round's text fit 32 bits.
pub(super) const LARGEST: usize = 1 << 30;

/// Takes what the scanner finds. All places are offsets in the window.
pub(super) trait Sink {
    /// A window is about to be scanned that begins at this position of the file.
    fn begin(&mut self, position: u64);

    /// A cell ends before `at`. The byte at `at` is not part of any cell.
    fn cell(&mut self, at: usize);

    /// The bytes from `from` up to `to` belong to no cell.
    fn skip(&mut self, window: &[u8], from: usize, to: usize);

    /// All cells since the last record are a record. Says whether that is enough for now.
    fn record(&mut self, outline: Outline) -> bool;

    /// The scan ends: `scanned` are the complete records, and cells behind them are forgotten. Says whether all is
    /// UTF-8.
    fn end(&mut self, scanned: &[u8]) -> bool;
}

/// What there is to know about a record besides its cells.
pub(super) struct Outline {
    pub(super) row: u64,
    pub(super) start: usize,
    pub(super) width: usize,
    pub(super) has_nul: bool,
}

/// Why a scan stopped.
#[derive(Debug)]
pub(super) enum Pause {
    /// The sink has enough.
    Full,
    /// The window ends inside a record.
    Short(Partial),
    /// The record is larger than allowed.
    TooLarge,
    /// The record has more columns than allowed.
    TooWide(usize),
    /// Something other than a comma or the end of the record follows the quoted cell, or it has too many line breaks.
    Runaway(Quote),
}

/// A record whose end is not in sight.
#[derive(Debug)]
pub(super) struct Partial {
    /// How many of its cells have ended.
    pub(super) width: usize,
    /// The quote that is open where the window ends.
    pub(super) quote: Option<Quote>,
}

/// Where a quoted cell begins.
#[derive(Debug)]
pub(super) struct Quote {
    /// The opening quote's offset in its record.
    pub(super) at: usize,
    /// The row of its record.
    pub(super) row: u64,
    /// The physical line of the file, which is what a text editor shows.
    pub(super) line: u64,
    /// The column's index.
    pub(super) column: usize,
}

/// The scanner: the rules and how far it has come.
#[derive(Clone)]
pub(super) struct Scanner {
    max_columns: usize,
    max_record_size: usize,
    max_line_breaks: usize,
    /// Rows passed, blank lines included.
    rows: u64,
    /// Line breaks inside cells passed.
    breaks: u64,
    /// Records passed that have a quote inside an unquoted cell.
    stray_quotes: u64,
}

impl Scanner {
    pub(super) fn new(limits: &Limits) -> Scanner {
        Scanner {
            max_columns: limits.max_columns,
            max_record_size: limits.max_record_size.min(LARGEST),
            max_line_breaks: limits.max_line_breaks,
            rows: 0,
            breaks: 0,
            stray_quotes: 0,
        }
    }

    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    pub(super) fn max_record_size(&self) -> usize {
        self.max_record_size
    }

    pub(super) fn forget_stray_quotes(&mut self) {
        self.stray_quotes = 0;
    }

    pub(super) fn stray_quotes(&self) -> u64 {
        self.stray_quotes
    }

    /// Scans the records of a window and says how many of its bytes they are, and why it stopped behind them.
    pub(super) fn scan<S: Sink>(&mut self, window: &[u8], sink: &mut S) -> (usize, Pause) {
        let mut specials = Specials::new(window);
        let mut record = Draft::default();
        while let Some(at) = specials.next() {
            let ending = match window[at] {
                b',' => {
                    record.end_cell(sink, at);
                    continue;
                }
                b'\n' | b'\r' => {
                    let Some(next) = pass_line_end(window, at, &mut specials) else { break };
                    if at == record.start {
                        self.rows += 1;
                        sink.skip(window, at, next);
                        record = Draft::at(next);
                        continue;
                    }
                    record.end_cell(sink, at);
                    if next > at + 1 {
                        sink.skip(window, at + 1, next);
                    }
                    Ending { at, next }
                }
                b'"' if window[record.cell..at].iter().all(|byte| matches!(byte, b' ' | b'\t')) => {
                    match self.quoted(window, at, &mut specials, &mut record, sink) {
                        Ok(Some(ending)) => ending,
                        Ok(None) => continue,
                        Err(pause) => return (record.start, pause),
                    }
                }
                b'"' => {
                    record.stray_quote = true;
                    continue;
                }
                0 => {
                    record.has_nul = true;
                    continue;
                }
                _ => continue,
            };
            if ending.at - record.start > self.max_record_size {
                return (record.start, Pause::TooLarge);
            }
            if record.width > self.max_columns {
                return (record.start, Pause::TooWide(record.width));
            }
            self.rows += 1;
            self.breaks += record.breaks as u64;
            self.stray_quotes += u64::from(record.stray_quote);
            let Draft { start, width, has_nul, .. } = record;
            let full = sink.record(Outline { row: self.rows, start, width, has_nul });
            record = Draft::at(ending.next);
            if full {
                return (record.start, Pause::Full);
            }
        }
        (record.start, Pause::Short(Partial { width: record.width, quote: None }))
    }

    /// Scans a cell from its opening quote on and returns its record's end, if that is what follows it.
    fn quoted<S: Sink>(
        &self,
        window: &[u8],
        open: usize,
        specials: &mut Specials<'_>,
        record: &mut Draft,
        sink: &mut S,
    ) -> Result<Option<Ending>, Pause> {
        let line = self.rows + self.breaks + record.breaks as u64 + 1;
        let quote = Quote { at: open - record.start, row: self.rows + 1, line, column: record.width };
        let short = |quote| Pause::Short(Partial { width: record.width, quote: Some(quote) });
        let runaway = |quote, at| match at - record.start > self.max_record_size {
            true => Pause::TooLarge,
            false => Pause::Runaway(quote),
        };
        sink.skip(window, record.cell, open + 1);
        let mut breaks = 0;
        while let Some(at) = specials.next() {
            let following = window.get(at + 1);
            match window[at] {
                b'"' => match following {
                    Some(b'"') => {
                        specials.next();
                        sink.skip(window, at + 1, at + 2);
                    }
                    Some(b',') => {
                        specials.next();
                        record.breaks += breaks;
                        record.end_cell(sink, at);
                        record.cell = at + 2;
                        sink.skip(window, at + 1, at + 2);
                        return Ok(None);
                    }
                    Some(b'\n' | b'\r') => {
                        let end = at + 1;
                        specials.next();
                        let Some(next) = pass_line_end(window, end, specials) else { break };
                        record.breaks += breaks;
                        record.end_cell(sink, at);
                        sink.skip(window, end, next);
                        return Ok(Some(Ending { at: end, next }));
                    }
                    Some(_) => return Err(runaway(quote, at)),
                    None => break,
                },
                b'\n' => breaks += 1,
                b'\r' if following != Some(&b'\n') => breaks += 1,
                0 => record.has_nul = true,
                _ => {}
            }
            if breaks > self.max_line_breaks {
                return Err(runaway(quote, at));
            }
        }
        Err(short(quote))
    }
}

/// The record being scanned.
#[derive(Default)]
struct Draft {
    start: usize,
    /// Where the cell being scanned begins.
    cell: usize,
    width: usize,
    breaks: usize,
    has_nul: bool,
    stray_quote: bool,
}

impl Draft {
    fn at(start: usize) -> Draft {
        Draft { start, cell: start, ..Draft::default() }
    }

    #[inline(always)]
    fn end_cell<S: Sink>(&mut self, sink: &mut S, at: usize) {
        sink.cell(at);
        self.width += 1;
        self.cell = at + 1;
    }
}

/// A record's end: where its line end is, and where the next record begins.
struct Ending {
    at: usize,
    next: usize,
}

/// Returns what comes after the line end at `at`, unless the window ends too early to tell CR from CRLF.
#[inline(always)]
fn pass_line_end(window: &[u8], at: usize, specials: &mut Specials<'_>) -> Option<usize> {
    if window[at] == b'\n' {
        return Some(at + 1);
    }
    match window.get(at + 1)? {
        b'\n' => {
            specials.next();
            Some(at + 2)
        }
        _ => Some(at + 1),
    }
}
