//! The pieces of a filter's text.
//!
//! Only the blank separates, not the tab. A quote is one only at the start of a piece; within a word it is a character
//! like any other, as in the product. Unlike there, `!` need not be followed by a blank or a bracket.

/// One piece.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    Not,
    /// Anything up to the next blank or bracket.
    Word(&'a str),
    /// What stood between quotes, with its backslashes resolved.
    Text(String),
    /// A string that nothing closes.
    Unclosed,
    End,
}

/// Takes a filter's text apart.
pub(super) struct Tokens<'a> {
    text: &'a str,
    /// Where the next piece is looked for, in bytes.
    at: usize,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Tokens<'a> {
        Tokens { text, at: 0 }
    }

    /// The next piece, and the byte at which it starts. At the end there is `End` for ever.
    pub(super) fn advance(&mut self) -> (usize, Token<'a>) {
        let rest = self.text[self.at..].trim_start_matches(' ');
        let start = self.text.len() - rest.len();
        let (length, token) = match rest.chars().next() {
            None => (0, Token::End),
            Some('(') => (1, Token::Open),
            Some(')') => (1, Token::Close),
            Some('!') => (1, Token::Not),
            Some(quote @ ('"' | '\'')) => string(rest, quote),
            Some(_) => {
                let length = rest.find([' ', '(', ')']).unwrap_or(rest.len());
                (length, Token::Word(&rest[..length]))
            }
        };
        self.at = start + length;
        (start, token)
    }
}

/// The string that `rest` starts with, and its length with both quotes. A backslash makes the next character an
/// ordinary one, and nothing else: `\n` is the letter n.
fn string(rest: &str, quote: char) -> (usize, Token<'_>) {
    let mut text = String::new();
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => text.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == quote => return (at + 1, Token::Text(text)),
            c => text.push(c),
        }
    }
    (rest.len(), Token::Unclosed)
}
