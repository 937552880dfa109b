//! The parameters of policies that count or compare.
//!
//! Read once from a definition, where numbers also come as strings, and then asked by their policy. They know the
//! violation to report, and nothing of the property but its path.

use std::cmp::Ordering;

use serde_json::{Map, Value as Json};

use super::Violation;
use crate::schema::value::{Value, number_from_json, read_number};

/// How many of something there must be, or may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    count: usize,
    /// The parameters to report: the name, and the number as the definition gives it.
    params: Json,
}

impl Limit {
    /// Takes the limit from the parameter `name`, which may be written as a number or as digits in a string.
    pub(crate) fn new(name: &str, given: &Json) -> Option<Limit> {
        let count = given.as_u64().or_else(|| given.as_str()?.trim().parse().ok())?;
        Some(Limit { count: usize::try_from(count).ok()?, params: params(name, given) })
    }

    /// Whether the limit asks for anything.
    pub(crate) fn is_positive(&self) -> bool {
        self.count > 0
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn check_minimum(&self, path: &str, text: &str) -> Option<Violation> {
        // A UTF-16 unit takes three bytes at most, so long texts need not be counted.
        let is_met = text.len() / 3 >= self.count || (text.len() >= self.count && utf16_length(text) >= self.count);
        let said = format_args!("is too short: at least {} characters", self.count);
        (!is_met).then(|| Violation::new(path, "MIN_LENGTH", text, said).with_params(self.params.clone()))
    }

    pub(super) fn check_maximum(&self, path: &str, text: &str) -> Option<Violation> {
        // A UTF-16 unit takes one byte at least, so short texts need not be counted.
        let is_met = text.len() <= self.count || utf16_length(text) <= self.count;
        let said = format_args!("is too long: at most {} characters", self.count);
        (!is_met).then(|| Violation::new(path, "MAX_LENGTH", text, said).with_params(self.params.clone()))
    }

    /// The product counts round brackets as capitals; we do not.
    pub(super) fn check_capitals(&self, path: &str, text: &str) -> Option<Violation> {
        let is_met = text.bytes().filter(u8::is_ascii_uppercase).count() >= self.count;
        let said = format_args!("has too few capital letters: at least {}", self.count);
        (!is_met)
            .then(|| Violation::new(path, "AT_LEAST_X_CAPITAL_LETTERS", text, said).with_params(self.params.clone()))
    }

    pub(super) fn check_digits(&self, path: &str, text: &str) -> Option<Violation> {
        let is_met = text.bytes().filter(u8::is_ascii_digit).count() >= self.count;
        let said = format_args!("has too few digits: at least {}", self.count);
        (!is_met).then(|| Violation::new(path, "AT_LEAST_X_NUMBERS", text, said).with_params(self.params.clone()))
    }
}

/// A number that others are compared with.
#[derive(Clone, Debug, PartialEq)]
pub struct Bound {
    number: Value<'static>,
    /// The parameters to report: the name, and the number as the definition gives it.
    params: Json,
}

impl Bound {
    /// Takes the bound from the parameter `name`, which may be written as a number or as digits in a string.
    pub(crate) fn new(name: &str, given: &Json) -> Option<Bound> {
        let number = match given {
            Json::Number(number) => number_from_json(number),
            Json::String(text) => read_number(text).ok()?,
            _ => return None,
        };
        Some(Bound { number, params: params(name, given) })
    }

    pub(super) fn number(&self) -> &Value<'static> {
        &self.number
    }

    pub(super) fn check_minimum(&self, path: &str, value: &Value<'_>) -> Option<Violation> {
        let is_met = compare(value, &self.number) != Ordering::Less;
        (!is_met).then(|| self.violation(path, "MINIMUM_NUMBER_VALUE", value, "is too small: at least"))
    }

    pub(super) fn check_maximum(&self, path: &str, value: &Value<'_>) -> Option<Violation> {
        let is_met = compare(value, &self.number) != Ordering::Greater;
        (!is_met).then(|| self.violation(path, "MAXIMUM_NUMBER_VALUE", value, "is too large: at most"))
    }

    fn violation(&self, path: &str, requirement: &'static str, value: &Value<'_>, said: &str) -> Violation {
        let said = format_args!("{said} {}", self.number.to_text());
        Violation::new(path, requirement, &value.to_text(), said).with_params(self.params.clone())
    }
}

fn params(name: &str, given: &Json) -> Json {
    Json::Object(Map::from_iter([(name.to_owned(), given.clone())]))
}

fn utf16_length(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.encode_utf16().count() }
}

/// Compares integers exactly, and anything with a fraction as floats.
fn compare(left: &Value<'_>, right: &Value<'_>) -> Ordering {
    match (integer(left), integer(right)) {
        (Some(left), Some(right)) => left.cmp(&right),
        _ => float(left).total_cmp(&float(right)),
    }
}

fn integer(value: &Value<'_>) -> Option<i128> {
    match value {
        Value::Integer(number) => Some(i128::from(*number)),
        Value::Unsigned(number) => Some(i128::from(*number)),
        _ => None,
    }
}

fn float(value: &Value<'_>) -> f64 {
    match value {
        Value::Integer(number) => *number as f64,
        Value::Unsigned(number) => *number as f64,
        Value::Number(number) => *number,
        _ => 0.0,
    }
}
