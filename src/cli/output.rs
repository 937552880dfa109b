//! What is printed: results on standard output, everything else on standard error.
//!
//! Cells of files are shown in tables and sentences, so control characters, which could steer a terminal, are made
//! visible first. JSON and CSV are written as they are.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufWriter, StdoutLock, Write};

use rollbook::error::{Error, Result};
use serde_json::Value;

/// Standard output.
pub(crate) struct Output {
    /// Whether a program reads it.
    pub(crate) json: bool,
    writer: BufWriter<StdoutLock<'static>>,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        Output { json, writer: BufWriter::new(io::stdout().lock()) }
    }

    /// Prints a line, or several, for people.
    pub(crate) fn line(&mut self, text: impl Display) -> Result<()> {
        writeln!(self.writer, "{}", printable(&text.to_string())).map_err(unwritable)
    }

    /// Prints a JSON object on a line of its own.
    pub(crate) fn json(&mut self, value: &Value) -> Result<()> {
        writeln!(self.writer, "{value}").map_err(unwritable)
    }

    /// Prints a JSON object for people to read.
    pub(crate) fn pretty_json(&mut self, value: &Value) -> Result<()> {
        writeln!(self.writer, "{value:#}").map_err(unwritable)
    }

    /// For whoever writes bytes of another form.
    pub(crate) fn writer(&mut self) -> &mut dyn Write {
        &mut self.writer
    }

    pub(crate) fn flush(&mut self) -> Result<()> {
        self.writer.flush().map_err(unwritable)
    }
}

pub(crate) fn unwritable(error: io::Error) -> Error {
    Error::storage("the output could not be written", error)
}

/// Says something besides the result. Nobody can be told if that is impossible.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr(), "rollbook: {}", printable(&text.to_string()));
}

/// Says what went wrong; where it is several things, as a list.
pub(crate) fn complain(error: &Error) {
    match error.parts() {
        Some((head, parts)) => note(format!("{head}:\n  {}", parts.join("\n  "))),
        None => note(error),
    }
}

/// The text with its control characters, except for line breaks, made visible.
fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && c != '\n';
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if steers(c) { char::REPLACEMENT_CHARACTER } else { c }).collect())
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_printed_steers_the_terminal() {
        assert_eq!(printable("Zoë\nx"), "Zoë\nx");
        assert_eq!(printable("a\x1b[2Jb\r"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
