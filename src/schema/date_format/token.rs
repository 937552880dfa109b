//! A Java date pattern cut into letters, literals and brackets, and what people mean by it.

use std::str::Chars;

/// One piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Letters { letter: char, count: usize },
    Literal(String),
    Open,
    Close,
}

/// Cuts a pattern, or says what is wrong with its quotes and brackets.
pub(super) fn scan(pattern: &str) -> Result<Vec<Token>, String> {
    let mut tokens = Vec::new();
    let mut chars = pattern.chars();
    let mut depth = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '\'' => push_literal(&mut tokens, &scan_quoted(&mut chars)?),
            '[' => {
                depth += 1;
                tokens.push(Token::Open);
            }
            ']' => {
                depth = depth.checked_sub(1).ok_or("']' closes nothing")?;
                tokens.push(Token::Close);
            }
            '{' | '}' | '#' => return Err(format!("'{c}' is reserved in Java; as a literal it is quoted")),
            letter if letter.is_ascii_alphabetic() => match tokens.last_mut() {
                Some(Token::Letters { letter: last, count }) if *last == letter => *count += 1,
                _ => tokens.push(Token::Letters { letter, count: 1 }),
            },
            other => push_literal(&mut tokens, other.encode_utf8(&mut [0; 4])),
        }
    }
    if depth > 0 { Err("'[' is never closed".to_owned()) } else { Ok(tokens) }
}

/// What stands in quotes, after the opening one. Two quotes are one, inside and outside of quotes.
fn scan_quoted(chars: &mut Chars<'_>) -> Result<String, String> {
    let mut literal = String::new();
    loop {
        match chars.next() {
            Some('\'') if chars.as_str().starts_with('\'') && !literal.is_empty() => {
                chars.next();
                literal.push('\'');
            }
            Some('\'') if literal.is_empty() => return Ok("'".to_owned()),
            Some('\'') => return Ok(literal),
            Some(other) => literal.push(other),
            None => return Err("a quote is never closed".to_owned()),
        }
    }
}

fn push_literal(tokens: &mut Vec<Token>, text: &str) {
    match tokens.last_mut() {
        Some(Token::Literal(literal)) => literal.push_str(text),
        _ => tokens.push(Token::Literal(text.to_owned())),
    }
}

/// Whether any of these letters is in the pattern.
pub(super) fn has(tokens: &[Token], letters: &str) -> bool {
    tokens.iter().any(|token| matches!(token, Token::Letters { letter, .. } if letters.contains(*letter)))
}

/// Reads letters as what they are meant for.
///
/// Gainsight PX documents `YYYYMMDD` for `20211225`. Taken by the letter that is week year, month and day of year, and
/// Java makes December 2020 of it; so `Y` without a week is the year, and `D` beside a month is the day of the month.
pub(super) fn normalise(tokens: &mut [Token]) {
    let weeks = has(tokens, "w");
    rename(tokens, 'L', 'M');
    rename(tokens, 'c', 'e');
    if !weeks {
        rename(tokens, 'Y', 'y');
    }
    // `u` is the year where nothing else is, and the weekday beside another year.
    if !has(tokens, "yY") {
        rename(tokens, 'u', 'y');
    }
    if has(tokens, "M") && !has(tokens, "d") {
        rename(tokens, 'D', 'd');
    }
}

fn rename(tokens: &mut [Token], from: char, to: char) {
    for token in tokens {
        if let Token::Letters { letter, .. } = token
            && *letter == from
        {
            *letter = to;
        }
    }
}

/// The pattern that these tokens are cut from, quoted only where it must be.
pub(super) fn pattern(tokens: &[Token]) -> String {
    let mut pattern = String::new();
    for token in tokens {
        match token {
            Token::Letters { letter, count } => pattern.extend(std::iter::repeat_n(*letter, *count)),
            Token::Literal(literal) => push_quoted(&mut pattern, literal),
            Token::Open => pattern.push('['),
            Token::Close => pattern.push(']'),
        }
    }
    pattern
}

/// Appends a literal with quotes around the part that needs them.
fn push_quoted(pattern: &mut String, literal: &str) {
    let special = |c: char| c.is_ascii_alphabetic() || "'[]{}#".contains(c);
    let (Some(start), Some(last)) = (literal.find(special), literal.rfind(special)) else {
        return pattern.push_str(literal);
    };
    // Special characters are ASCII, one byte each.
    let (before, rest) = literal.split_at(start);
    let (quoted, after) = rest.split_at(last + 1 - start);
    pattern.push_str(before);
    match quoted {
        "'" => pattern.push_str("''"),
        _ => pattern.push_str(&format!("'{}'", quoted.replace('\'', "''"))),
    }
    pattern.push_str(after);
}

#[cfg(test)]
mod tests {
    use super::{normalise, pattern, scan};

    #[test]
    fn patterns_mean_what_people_mean() {
        for (given, expected) in [
            ("YYYYMMDD", "yyyyMMdd"),
            ("yyyyMMDD", "yyyyMMdd"),
            ("YYYYMMdd", "yyyyMMdd"),
            ("YYYY-LL-DD", "yyyy-MM-dd"),
            ("uuuu-MM-dd", "yyyy-MM-dd"),
            ("yyyyDDD", "yyyyDDD"),
            ("YYYY-'W'ww-u", "YYYY-'W'ww-u"),
            ("YYYY-'W'ww-c", "YYYY-'W'ww-e"),
            ("yyyy-MM-dd u", "yyyy-MM-dd u"),
            ("yyyy-MM-dd'T'HH:mm:ssX", "yyyy-MM-dd'T'HH:mm:ssX"),
            ("yyyy'-'MM'-'dd[' 'HH:mm]", "yyyy-MM-dd[ HH:mm]"),
            ("h 'o''clock' a", "h 'o''clock' a"),
            ("yyyy''MM", "yyyy''MM"),
            ("yyyy年MM月", "yyyy年MM月"),
        ] {
            let mut tokens = scan(given).expect(given);
            normalise(&mut tokens);
            assert_eq!(pattern(&tokens), expected, "{given}");
            assert_eq!(scan(expected).as_deref(), Ok(&*tokens), "{given} reads back");
        }
    }

    #[test]
    fn broken_quotes_and_brackets() {
        for (given, reason) in [
            ("yyyy'T", "a quote is never closed"),
            ("'", "a quote is never closed"),
            ("yyyy[-MM", "'[' is never closed"),
            ("yyyy]", "']' closes nothing"),
            ("yyyy{2}", "'{' is reserved in Java; as a literal it is quoted"),
            ("#", "'#' is reserved in Java; as a literal it is quoted"),
        ] {
            assert_eq!(scan(given), Err(reason.to_owned()), "{given}");
        }
    }
}
