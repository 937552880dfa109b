//! What becomes of a quote that was opened and does not close where it should.
//!
//! One quote too many can hide hundreds of records in a cell, and nothing about that cell says which of its ends is
//! wrong. So the quote is followed, as far as the end of the file if need be, to say where it began and where it ends.

use std::io::Read;

use super::scanner::Quote;
use super::window::Window;
use crate::error::{Error, Result};

/// Where a quoted cell ends.
enum End {
    /// Nowhere: the file ends first.
    Never,
    /// After so many line breaks, with this byte behind it if there is one.
    Closed(u64, Option<u8>),
}

/// Says what is wrong with a quoted cell of the record that the window begins with. If it is nothing but the size of
/// the record, there is no error.
pub(super) fn explain<R: Read>(window: &mut Window<R>, quote: &Quote, max_line_breaks: usize) -> Result<Option<Error>> {
    let Quote { row, line, .. } = *quote;
    let column = quote.column + 1;
    let sentence = match follow(window, quote)? {
        End::Never => {
            format!("the quote that opens column {column}, in line {line} of the file, is never closed")
        }
        End::Closed(breaks, Some(byte)) if !matches!(byte, b',' | b'\n' | b'\r') => {
            let what = match byte {
                b' '..=b'~' => format!("'{}'", char::from(byte)),
                b'\t' => "a TAB".to_string(),
                _ => "something".to_string(),
            };
            let hint = match byte {
                b';' | b'\t' | b'|' => "columns are separated by commas",
                _ => "a quote within a quoted cell is written twice",
            };
            format!(
                "{what} follows the closing quote of column {column}, in line {} of the file, where only a comma or the \
                 end of the record may come: {hint}{}",
                line + breaks,
                if breaks > 0 { format!("; the quote was opened in line {line}") } else { String::new() },
            )
        }
        End::Closed(breaks, _) if breaks > max_line_breaks as u64 => format!(
            "the quoted cell of column {column} has {breaks} line breaks, from line {line} to line {} of the file; at \
             most {max_line_breaks} are allowed, so a quote may be missing or one too many",
            line + breaks
        ),
        End::Closed(..) => return Ok(None),
    };
    Ok(Some(Error::file(sentence).at_row(row)))
}

fn follow<R: Read>(window: &mut Window<R>, quote: &Quote) -> Result<End> {
    let mut breaks = 0;
    let mut previous = None;
    let mut may_be_closed = false;
    window.consume(quote.at + 1);
    loop {
        for &byte in window.data() {
            match byte {
                b'"' => may_be_closed = !may_be_closed,
                _ if may_be_closed => return Ok(End::Closed(breaks, Some(byte))),
                b'\r' => breaks += 1,
                b'\n' if previous != Some(b'\r') => breaks += 1,
                _ => {}
            }
            previous = Some(byte);
        }
        window.consume(window.data().len());
        if !window.refill()? {
            return Ok(if may_be_closed { End::Closed(breaks, None) } else { End::Never });
        }
    }
}
