//! Typed values, and how they are written.
//!
//! A [`Value`] is what a cell became when its property read it, or a member of a JSON body when its property accepted
//! it. It borrows the text it came from; reading a valid cell allocates nothing, except for dates, which are stored in
//! another form than they arrive in. Values know nothing of policies.

mod json;
mod number;

use std::borrow::Cow;
use std::fmt::Write;

use serde_json::Value as Json;

pub use json::parse_json;
pub(crate) use number::{Fault, integer_from_json, number_from_json, read_integer, read_number};

/// Integral numbers up to here (2^53) are the same number to everybody who reads JSON with 64-bit floats.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// One typed value.
///
/// A number has one form only: integral numbers that a 64-bit float holds exactly, and all integer literals, are
/// `Integer`, those above `i64::MAX` are `Unsigned`, everything else is a finite `Number`.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// `true` or `false`.
    Boolean(bool),
    /// An integral number.
    Integer(i64),
    /// An integral number above `i64::MAX`.
    Unsigned(u64),
    /// Any other finite number.
    Number(f64),
    /// A string, or a date in its stored form.
    Text(Cow<'a, str>),
    /// An array, an object or null.
    Json(Box<Json>),
}

impl Value<'_> {
    /// Appends the value as JSON: compact, numbers in their shortest form that reads back as the same number.
    pub fn write_json(&self, out: &mut String) {
        match self {
            Value::Boolean(true) => out.push_str("true"),
            Value::Boolean(false) => out.push_str("false"),
            Value::Integer(number) => write_display(out, number),
            Value::Unsigned(number) => write_display(out, number),
            Value::Number(number) => write_number(out, *number),
            Value::Text(text) => write_json_string(out, text),
            Value::Json(json) => write_display(out, json),
        }
    }

    /// The value as a cell would hold it: strings as they are, everything else as JSON.
    pub fn to_text(&self) -> Cow<'_, str> {
        match self {
            Value::Text(text) => Cow::Borrowed(text),
            other => {
                let mut text = String::new();
                other.write_json(&mut text);
                Cow::Owned(text)
            }
        }
    }

    /// The name of the value's type as policies report it: JavaScript's `typeof`, with `array` and `null`.
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Boolean(_) => "boolean",
            Value::Integer(_) | Value::Unsigned(_) | Value::Number(_) => "number",
            Value::Text(_) => "string",
            Value::Json(json) => json_type_name(json),
        }
    }

    /// Lets go of the text the value was read from.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Boolean(value) => Value::Boolean(value),
            Value::Integer(number) => Value::Integer(number),
            Value::Unsigned(number) => Value::Unsigned(number),
            Value::Number(number) => Value::Number(number),
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Json(json) => Value::Json(json),
        }
    }
}

/// The name of a JSON value's type as policies report it.
pub(crate) fn json_type_name(json: &Json) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "boolean",
        Json::Number(_) => "number",
        Json::String(_) => "string",
        Json::Array(_) => "array",
        Json::Object(_) => "object",
    }
}

/// Appends a text as a JSON string. Only what JSON demands is escaped, in its short form where there is one.
pub fn write_json_string(out: &mut String, text: &str) {
    out.reserve(text.len() + 2);
    out.push('"');
    let mut rest = text;
    while let Some(at) = first_to_escape(rest.as_bytes()) {
        out.push_str(&rest[..at]);
        write_escape(out, rest.as_bytes()[at]);
        rest = &rest[at + 1..];
    }
    out.push_str(rest);
    out.push('"');
}

/// Where the first byte stands that a JSON string cannot hold as it is. Looks at eight bytes at a time, because almost
/// no cell has one.
fn first_to_escape(bytes: &[u8]) -> Option<usize> {
    let (words, tail) = bytes.as_chunks::<8>();
    let clean = words.iter().take_while(|word| !holds_special(u64::from_le_bytes(**word))).count() * 8;
    let is_special = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
    match clean == words.len() * 8 {
        true => tail.iter().position(is_special).map(|at| clean + at),
        false => bytes[clean..].iter().position(is_special).map(|at| clean + at),
    }
}

/// Whether one of eight bytes is a control character, a quote or a backslash.
fn holds_special(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    // A byte below `n` (n <= 128) borrows when `n` is taken from it; the mask drops bytes that were high before.
    let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGH;
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    (below(word, 0x20) | below(quote, 1) | below(backslash, 1)) != 0
}

fn write_escape(out: &mut String, byte: u8) {
    match byte {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        b'\n' => out.push_str("\\n"),
        b'\r' => out.push_str("\\r"),
        b'\t' => out.push_str("\\t"),
        0x08 => out.push_str("\\b"),
        0x0c => out.push_str("\\f"),
        control => write_display(out, &format_args!("\\u{control:04x}")),
    }
}

/// Rust's `Debug` form of a float is the shortest that reads back as the same number, with an exponent for very large
/// and very small ones, and valid JSON; only its `.0` is not wanted.
fn write_number(out: &mut String, number: f64) {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        write_display(out, &(number as i64));
    } else {
        write_display(out, &format_args!("{number:?}"));
    }
}

fn write_display(out: &mut String, value: &dyn std::fmt::Display) {
    write!(out, "{value}").expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Value, write_json_string};

    #[test]
    fn strings_are_escaped_as_serde_json_does() {
        let mut texts: Vec<String> =
            ["", "plain", "\"", "\\", "a\"b\\c", "Zoë 😀", "\u{2028}\u{7f}\u{80}"].map(str::to_owned).into();
        for control in 0..0x20u8 {
            for before in 0..17 {
                texts.push(format!("{}{}z", "x".repeat(before), control as char));
            }
        }
        for text in texts {
            let mut out = String::new();
            write_json_string(&mut out, &text);
            assert_eq!(out, serde_json::to_string(&text).expect("a string is JSON"));
        }
    }

    #[test]
    fn numbers_have_one_form() {
        for (value, json) in [
            (Value::Integer(-0), "0"),
            (Value::Integer(i64::MIN), "-9223372036854775808"),
            (Value::Unsigned(u64::MAX), "18446744073709551615"),
            (Value::Number(-0.0), "0"),
            (Value::Number(0.1), "0.1"),
            (Value::Number(1.0), "1"),
            (Value::Number(1e300), "1e300"),
            (Value::Number(5e-324), "5e-324"),
            (Value::Number(1.7976931348623157e308), "1.7976931348623157e308"),
            (Value::Number(1e16), "1e16"),
        ] {
            let mut out = String::new();
            value.write_json(&mut out);
            assert_eq!(out, json);
        }
    }

    #[test]
    fn types_are_named_as_policies_name_them() {
        for (value, name) in [
            (Value::Boolean(true), "boolean"),
            (Value::Integer(1), "number"),
            (Value::Text("x".into()), "string"),
            (Value::Json(json!([1]).into()), "array"),
            (Value::Json(json!({"a": 1}).into()), "object"),
            (Value::Json(json!(null).into()), "null"),
        ] {
            assert_eq!(value.type_name(), name);
        }
    }
}
