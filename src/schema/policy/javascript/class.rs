//! Character classes: `[a-z\d_]`.
//!
//! The library has set operators, nested classes and names within brackets where JavaScript has plain characters. So a
//! class is written anew, member by member, with every character as a number.

use super::{Escape, Translator};

impl Translator<'_> {
    /// A class whose bracket has been read.
    pub(super) fn class(&mut self) -> Result<(), String> {
        let negated = self.rest.next_if_eq(&'^').is_some();
        if self.rest.next_if_eq(&']').is_some() {
            // Nothing, and everything.
            self.out.push_str(if negated { "(?s:.)" } else { "[^\\x{0}-\\x{10ffff}]" });
            return Ok(());
        }
        self.out.push_str(if negated { "[^" } else { "[" });
        loop {
            let low = match self.rest.next() {
                None => return Err("the class that starts with [ has no end".to_owned()),
                Some(']') => break,
                Some(c) => self.member(c)?,
            };
            let mut ahead = self.rest.clone();
            let is_range = ahead.next() == Some('-') && ahead.next().is_some_and(|c| c != ']');
            if !is_range {
                self.push_member(low);
                continue;
            }
            self.rest.next();
            let high = self.rest.next().ok_or("the class that starts with [ has no end")?;
            match (low, self.member(high)?) {
                (Escape::Character(low), Escape::Character(high)) if low > high => {
                    return Err(format!("the range {low}-{high} runs backwards"));
                }
                (Escape::Character(low), Escape::Character(high)) => self.range(low, high),
                (low, high) => {
                    // A class is no end of a range: `[a-\d]` is an a, a hyphen and the digits.
                    self.push_member(low);
                    self.range('-', '-');
                    self.push_member(high);
                }
            }
        }
        self.out.push(']');
        Ok(())
    }

    fn member(&mut self, c: char) -> Result<Escape, String> {
        if c == '\\' { self.escape(true) } else { Ok(Escape::Character(c)) }
    }

    fn push_member(&mut self, member: Escape) {
        match member {
            Escape::Character(c) => self.range(c, c),
            Escape::Class(ranges, negated) => self.class_of(ranges, negated),
            Escape::Property(text) | Escape::Assertion(text) => self.out.push_str(&text),
        }
    }

    pub(super) fn class_of(&mut self, ranges: &[(char, char)], negated: bool) {
        self.out.push_str(if negated { "[^" } else { "[" });
        ranges.iter().for_each(|(low, high)| self.range(*low, *high));
        self.out.push(']');
    }

    /// A range within a class. The characters that make set operators of the library when doubled, all of them ASCII,
    /// stand alone in brackets of their own.
    fn range(&mut self, mut low: char, mut high: char) {
        let is_operator = |c: char| matches!(c, '-' | '&' | '~');
        if is_operator(low) {
            self.out.push_str(&format!("[{low}]"));
            if low == high {
                return;
            }
            low = char::from(low as u8 + 1);
        }
        if is_operator(high) {
            self.out.push_str(&format!("[{high}]"));
            if low == high {
                return;
            }
            high = char::from(high as u8 - 1);
        }
        self.character(low);
        if low != high {
            self.out.push('-');
            self.character(high);
        }
    }
}
