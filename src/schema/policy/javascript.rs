//! JavaScript patterns in the syntax of our regex library.
//!
//! Definitions hold patterns as JavaScript has them, forgiving corners included: `\d` and `\w` are ASCII, `$` is the
//! very end, a brace that is no quantifier is a brace, a backslash before a letter without a meaning is nothing.
//!
//! Three things differ and are accepted: a character beyond U+FFFF counts as one, not as two; a back-reference to a
//! group that took no part matches nothing instead of the empty text; `\p{...}` is a class without the flag `u` too.

mod class;

use std::iter::Peekable;
use std::str::Chars;

const DIGIT: &[(char, char)] = &[('0', '9')];
const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
const SPACE: &[(char, char)] = &[
    ('\t', '\r'),
    (' ', ' '),
    ('\u{a0}', '\u{a0}'),
    ('\u{1680}', '\u{1680}'),
    ('\u{2000}', '\u{200a}'),
    ('\u{2028}', '\u{2029}'),
    ('\u{202f}', '\u{202f}'),
    ('\u{205f}', '\u{205f}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{feff}', '\u{feff}'),
];
const LINE_ENDS: &str = "\\n\\r\\x{2028}\\x{2029}";

/// The flags of a JavaScript pattern that change what it matches.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Flags {
    pub(super) ignore_case: bool,
    multi_line: bool,
    dot_all: bool,
    sticky: bool,
}

impl Flags {
    pub(super) fn parse(text: &str) -> Result<Flags, String> {
        let mut flags = Flags::default();
        for (at, flag) in text.char_indices() {
            match flag {
                _ if text[..at].contains(flag) => return Err(format!("the flag '{flag}' comes twice")),
                'i' => flags.ignore_case = true,
                'm' => flags.multi_line = true,
                's' => flags.dot_all = true,
                'y' => flags.sticky = true,
                // Global search and indices make no difference to a test; characters are whole characters anyway.
                'g' | 'd' | 'u' => {}
                unknown => return Err(format!("the flag '{unknown}' is not known in JavaScript")),
            }
        }
        Ok(flags)
    }
}

/// Translates a pattern. What is wrong with the translation is found when it is compiled; an error here is something
/// that JavaScript refuses and the library would take to mean something else.
pub(super) fn translate(regexp: &str, flags: Flags) -> Result<String, String> {
    let groups = count_groups(regexp);
    let mut translator = Translator { rest: regexp.chars().peekable(), out: String::new(), flags, groups };
    if flags.sticky {
        translator.out.push_str("\\A(?:");
    }
    while let Some(c) = translator.rest.next() {
        translator.element(c)?;
    }
    if flags.sticky {
        translator.out.push(')');
    }
    Ok(translator.out)
}

/// How many groups can be referred to by number.
fn count_groups(regexp: &str) -> u32 {
    let (mut groups, mut in_class) = (0, false);
    let mut rest = regexp.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => drop(rest.next()),
            '[' => in_class = true,
            ']' => in_class = false,
            '(' if !in_class => {
                let ahead = rest.as_str();
                let is_named = ahead.starts_with("?<") && !ahead.starts_with("?<=") && !ahead.starts_with("?<!");
                groups += u32::from(!ahead.starts_with('?') || is_named);
            }
            _ => {}
        }
    }
    groups
}

/// What an escape stands for.
enum Escape {
    Character(char),
    Class(&'static [(char, char)], bool),
    /// `\p{...}` or `\P{...}`, which both syntaxes share.
    Property(String),
    /// `\b`, `\B`, a reference: no member of a class.
    Assertion(String),
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    flags: Flags,
    groups: u32,
}

impl Translator<'_> {
    fn element(&mut self, c: char) -> Result<(), String> {
        match c {
            '\\' => match self.escape(false)? {
                Escape::Character(c) => self.literal(c),
                Escape::Class(ranges, negated) => self.class_of(ranges, negated),
                Escape::Property(text) | Escape::Assertion(text) => self.out.push_str(&text),
            },
            '[' => self.class()?,
            '(' => self.group()?,
            '.' if self.flags.dot_all => self.out.push_str("(?s:.)"),
            '.' => self.out.push_str(&format!("[^{LINE_ENDS}]")),
            '^' if self.flags.multi_line => self.out.push_str(&format!("(?<![^{LINE_ENDS}])")),
            '^' => self.out.push_str("\\A"),
            '$' if self.flags.multi_line => self.out.push_str(&format!("(?![^{LINE_ENDS}])")),
            '$' => self.out.push_str("\\z"),
            '*' | '+' | '?' => {
                self.out.push(c);
                self.after_quantifier()?;
            }
            '{' => match self.quantifier()? {
                Some(quantifier) => {
                    self.out.push_str(&quantifier);
                    self.after_quantifier()?;
                }
                None => self.literal(c),
            },
            ')' | '|' => self.out.push(c),
            other => self.literal(other),
        }
        Ok(())
    }

    /// A quantifier may be made lazy; nothing else may follow it. The library would read `a++` as possessive.
    fn after_quantifier(&mut self) -> Result<(), String> {
        if self.rest.next_if_eq(&'?').is_some() {
            self.out.push('?');
        }
        match self.rest.peek() {
            Some(again @ ('*' | '+' | '?')) => Err(format!("nothing to repeat before {again}")),
            _ => Ok(()),
        }
    }

    /// `{2}`, `{2,}` or `{2,3}` whose brace has been read; anything else after a brace makes it a plain brace.
    fn quantifier(&mut self) -> Result<Option<String>, String> {
        let ahead: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let closes = self.rest.clone().any(|c| c == '}');
        let (least, most) = ahead.split_once(',').unwrap_or((&ahead, ""));
        let is_count = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !closes || least.is_empty() || !is_count(least) || !is_count(most) {
            return Ok(None);
        }
        if let (Ok(least), Ok(most)) = (least.parse::<u64>(), most.parse::<u64>())
            && least > most
        {
            return Err(format!("the quantifier {{{ahead}}} runs backwards"));
        }
        self.rest.nth(ahead.len());
        Ok(Some(format!("{{{ahead}}}")))
    }

    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if self.rest.next_if_eq(&'?').is_none() {
            return Ok(());
        }
        match self.rest.peek() {
            Some(':' | '=' | '!' | '<') => self.out.push('?'),
            Some(other) => return Err(format!("(?{other} is not known in JavaScript")),
            None => return Err("ends within a group".to_owned()),
        }
        if self.rest.next_if_eq(&'<').is_some() {
            self.out.push('<');
            // Look-behind keeps its mark; a name is copied as far as its end.
            while let Some(c) = self.rest.next_if(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | '=' | '!')) {
                self.out.push(c);
                if matches!(c, '=' | '!') {
                    break;
                }
            }
            self.out.extend(self.rest.next_if_eq(&'>'));
        } else {
            self.out.extend(self.rest.next());
        }
        Ok(())
    }

    fn character(&mut self, c: char) {
        self.out.push_str(&format!("\\x{{{:x}}}", u32::from(c)));
    }

    fn literal(&mut self, c: char) {
        if c.is_alphanumeric() { self.out.push(c) } else { self.character(c) }
    }

    /// An escape whose backslash has been read.
    fn escape(&mut self, in_class: bool) -> Result<Escape, String> {
        const IS_WORD: &str = "[0-9A-Z_a-z]";
        let c = self.rest.next().ok_or("ends with a backslash")?;
        Ok(match c {
            'd' | 'D' => Escape::Class(DIGIT, c == 'D'),
            'w' | 'W' => Escape::Class(WORD, c == 'W'),
            's' | 'S' => Escape::Class(SPACE, c == 'S'),
            'p' | 'P' if self.rest.peek() == Some(&'{') => {
                let name: String = self.rest.by_ref().take_while(|c| *c != '}').collect();
                Escape::Property(format!("\\{c}{name}}}"))
            }
            'b' if in_class => Escape::Character('\u{8}'),
            'b' => Escape::Assertion(format!("(?:(?<={IS_WORD})(?!{IS_WORD})|(?<!{IS_WORD})(?={IS_WORD}))")),
            'B' if !in_class => {
                Escape::Assertion(format!("(?:(?<={IS_WORD})(?={IS_WORD})|(?<!{IS_WORD})(?!{IS_WORD}))"))
            }
            'k' if !in_class && self.rest.peek() == Some(&'<') => {
                let name: String = self.rest.by_ref().take_while(|c| *c != '>').collect();
                Escape::Assertion(format!("\\k{name}>"))
            }
            '1'..='9' if !in_class => self.reference(c),
            _ => Escape::Character(self.escaped_character(c)),
        })
    }

    /// `\12` is a reference if there are so many groups, and an octal escape or a plain digit if not.
    fn reference(&mut self, first: char) -> Escape {
        let more: String = self.rest.clone().take_while(char::is_ascii_digit).collect();
        match format!("{first}{more}").parse::<u32>() {
            Ok(number) if number <= self.groups => {
                more.chars().for_each(|_| {
                    self.rest.next();
                });
                Escape::Assertion(format!("(?:\\{number})"))
            }
            _ => Escape::Character(self.octal(first).unwrap_or(first)),
        }
    }

    fn escaped_character(&mut self, c: char) -> char {
        match c {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'v' => '\u{b}',
            'f' => '\u{c}',
            '0'..='7' => self.octal(c).unwrap_or(c),
            'c' => match self.rest.next_if(char::is_ascii_alphabetic) {
                Some(letter) => char::from(letter as u8 & 0x1f),
                None => 'c',
            },
            'x' => self.hexadecimal(2).and_then(char::from_u32).unwrap_or(c),
            'u' => self.unicode().unwrap_or(c),
            other => other,
        }
    }

    /// Up to three octal digits, the first of which has been read, below 256.
    fn octal(&mut self, first: char) -> Option<char> {
        let mut number = first.to_digit(8)?;
        for _ in 0..2 {
            let Some(digit) = self.rest.peek().and_then(|c| c.to_digit(8)).filter(|digit| number * 8 + digit < 256)
            else {
                break;
            };
            number = number * 8 + digit;
            self.rest.next();
        }
        char::from_u32(number)
    }

    /// `\u0041`, `\ud83d\ude00` or `\u{1f600}`.
    fn unicode(&mut self) -> Option<char> {
        if self.rest.peek() == Some(&'{') {
            let mut ahead = self.rest.clone();
            ahead.next();
            let digits: String = ahead.by_ref().take_while(|c| *c != '}').collect();
            let c = u32::from_str_radix(&digits, 16).ok().and_then(char::from_u32)?;
            self.rest = ahead;
            return Some(c);
        }
        let unit = self.hexadecimal(4)?;
        if !(0xd800..0xdc00).contains(&unit) {
            return char::from_u32(unit);
        }
        let mut ahead = self.rest.clone();
        if !(ahead.next() == Some('\\') && ahead.next() == Some('u')) {
            return None;
        }
        self.rest = ahead;
        let low = self.hexadecimal(4).filter(|low| (0xdc00..0xe000).contains(low))?;
        char::from_u32(0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00))
    }

    /// Exactly so many hexadecimal digits, or nothing.
    fn hexadecimal(&mut self, length: usize) -> Option<u32> {
        let digits: String = self.rest.clone().take(length).collect();
        let is_hexadecimal = digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_hexadecimal.then(|| u32::from_str_radix(&digits, 16).ok())??;
        self.rest.nth(length - 1);
        Some(number)
    }
}
