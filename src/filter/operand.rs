//! The values that properties are compared with.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::sync::OnceLock;

use serde_json::{Number, Value as Json};

/// A value in a filter.
#[derive(Clone, Debug, PartialEq)]
pub enum Operand {
    /// `null`: what a missing property equals.
    Null,
    /// `true` or `false`; false is the lesser.
    Boolean(bool),
    /// A number without point and exponent.
    Integer(i64),
    /// Any other number; finite.
    Double(f64),
    /// A string, compared without regard to case.
    Text(String),
}

impl Operand {
    /// Reads a value that is not in quotes. Words ignore case, numbers may have a plus sign, and a point at either end.
    pub(super) fn parse(word: &str) -> Option<Operand> {
        match word.to_ascii_lowercase().as_str() {
            "null" => return Some(Operand::Null),
            "true" => return Some(Operand::Boolean(true)),
            "false" => return Some(Operand::Boolean(false)),
            _ => {}
        }
        if let Ok(integer) = word.parse() {
            return Some(Operand::Integer(integer));
        }
        // An integer that does not fit is refused, not rounded; and the standard library reads 'inf' and 'nan' too.
        let is_double = word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            && word.bytes().any(|byte| matches!(byte, b'.' | b'e' | b'E'));
        let double: f64 = word.parse().ok().filter(|_| is_double)?;
        double.is_finite().then_some(Operand::Double(double))
    }

    /// Reads the values of `in`: a JSON array without arrays and objects in it. What is no string in it is read like a
    /// value that stands in the filter itself, so that a number is the same number in both places.
    pub(super) fn parse_list(text: &str) -> Option<Vec<Operand>> {
        let members = text.trim_ascii().strip_prefix('[')?.strip_suffix(']')?;
        if members.trim_ascii().is_empty() {
            return Some(Vec::new());
        }
        let (mut in_string, mut is_escaped) = (false, false);
        let is_separator = |c: char| {
            match c {
                _ if is_escaped => is_escaped = false,
                '\\' => is_escaped = in_string,
                '"' => in_string = !in_string,
                _ => {}
            }
            c == ',' && !in_string
        };
        members.split(is_separator).map(|member| Operand::parse_member(member.trim_ascii())).collect()
    }

    fn parse_member(json: &str) -> Option<Operand> {
        if json.starts_with('"') { serde_json::from_str(json).ok().map(Operand::Text) } else { Operand::parse(json) }
    }

    /// How `found` compares with this value: `Less` if it is less. `None` if they are of different kinds.
    pub(super) fn order(&self, found: &Json) -> Option<Ordering> {
        match (found, self) {
            (Json::Bool(found), Operand::Boolean(boolean)) => Some(found.cmp(boolean)),
            (Json::Number(found), Operand::Integer(integer)) => order_integer(found, *integer),
            (Json::Number(found), Operand::Double(double)) => found.as_f64()?.partial_cmp(double),
            (Json::String(found), Operand::Text(text)) => Some(folded(found.chars()).cmp(folded(text.chars()))),
            _ => None,
        }
    }
}

/// Compares integers exactly, and as doubles only if one of them is a double.
fn order_integer(found: &Number, integer: i64) -> Option<Ordering> {
    match found.as_i64() {
        Some(found) => Some(found.cmp(&integer)),
        None if found.is_u64() => Some(Ordering::Greater),
        None => found.as_f64()?.partial_cmp(&(integer as f64)),
    }
}

/// The text without its case.
pub(crate) fn fold(text: &str) -> String {
    folded(text.chars()).collect()
}

/// Takes the case away, character by character, as the product does: first to upper case, then to lower, each only
/// where one character becomes one. So final sigma equals sigma, and the sharp s stays itself.
pub(super) fn folded(chars: impl Iterator<Item = char>) -> impl Iterator<Item = char> {
    chars.map(|c| {
        if c.is_ascii() {
            return c.to_ascii_lowercase();
        }
        let upper = single(c.to_uppercase(), c);
        single(upper.to_lowercase(), upper)
    })
}

/// All letters that are this one without their case.
pub(crate) fn letters_alike(letter: char) -> Vec<char> {
    /// Behind all letters that have a case.
    const LAST: char = '\u{1FFFF}';
    static CASED: OnceLock<HashMap<char, Vec<char>>> = OnceLock::new();
    let cased = CASED.get_or_init(|| {
        let mut cased: HashMap<char, Vec<char>> = HashMap::new();
        for c in '\0'..=LAST {
            let mut without = folded(std::iter::once(c));
            if let Some(without) = without.next().filter(|without| *without != c) {
                cased.entry(without).or_default().push(c);
            }
        }
        cased
    });
    let mut alike = cased.get(&letter).cloned().unwrap_or_default();
    alike.push(letter);
    alike
}

fn single(mut mapped: impl Iterator<Item = char>, otherwise: char) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(one), None) => one,
        _ => otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::{fold, letters_alike};

    #[test]
    fn a_text_without_its_case_has_no_case_to_take() {
        for (text, folded) in
            [("K-7", "k-7"), ("\u{212A}elvin", "kelvin"), ("ΟΔΟΣ", "οδοσ"), ("Straße", "straße"), ("", "")]
        {
            assert_eq!(fold(text), folded, "{text}");
        }
        for c in '\0'..=char::MAX {
            let once = fold(&c.to_string());
            assert_eq!(fold(&once), once, "{c}");
            if once != c.to_string() || c.is_ascii() {
                assert!(letters_alike(once.chars().next().expect("a letter")).contains(&c), "{c}");
            }
        }
    }
}
