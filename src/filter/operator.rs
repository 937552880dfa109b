//! The operators between a property and a value.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value as Json;

use super::Operand;
use super::operand::{fold, folded};

/// How a property is compared with a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `eq`
    Equal,
    /// `co`: contains; like the two below, it compares anything but strings for equality.
    Contains,
    /// `sw`: starts with.
    StartsWith,
    /// `ew`: ends with. An extension that PingIDM has for system objects.
    EndsWith,
    /// `lt`
    Less,
    /// `le`
    LessOrEqual,
    /// `gt`
    Greater,
    /// `ge`
    GreaterOrEqual,
    /// An extended operator that we do not know, as written. What it would answer is undefined.
    Other(String),
}

impl Operator {
    /// Reads an operator in any case. `and` and `or` are none: there, an operator or a value has been forgotten.
    pub(super) fn parse(word: &str) -> Option<Operator> {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
        Some(match word.to_ascii_lowercase().as_str() {
            "eq" => Operator::Equal,
            "co" => Operator::Contains,
            "sw" => Operator::StartsWith,
            "ew" => Operator::EndsWith,
            "lt" => Operator::Less,
            "le" => Operator::LessOrEqual,
            "gt" => Operator::Greater,
            "ge" => Operator::GreaterOrEqual,
            "and" | "or" => return None,
            _ if word.bytes().all(is_name) => Operator::Other(word.to_owned()),
            _ => return None,
        })
    }

    /// Whether the operator asks a value of this kind only whether it is equal.
    pub(super) fn is_equality_for(&self, value: &Operand) -> bool {
        match self {
            Operator::Equal => true,
            Operator::Contains | Operator::StartsWith | Operator::EndsWith => !matches!(value, Operand::Text(_)),
            _ => false,
        }
    }

    /// Compares one value that is no array. Values of different kinds never meet.
    pub(super) fn holds(&self, found: &Json, value: &Operand) -> bool {
        if self.is_equality_for(value) {
            return value.order(found) == Some(Ordering::Equal);
        }
        match self {
            Operator::Less => value.order(found).is_some_and(Ordering::is_lt),
            Operator::LessOrEqual => value.order(found).is_some_and(Ordering::is_le),
            Operator::Greater => value.order(found).is_some_and(Ordering::is_gt),
            Operator::GreaterOrEqual => value.order(found).is_some_and(Ordering::is_ge),
            _ => match (found, value) {
                (Json::String(found), Operand::Text(text)) => self.holds_within(found, text),
                _ => false,
            },
        }
    }

    fn holds_within(&self, found: &str, text: &str) -> bool {
        match self {
            Operator::Contains => fold(found).contains(&fold(text)),
            Operator::StartsWith => is_start(folded(found.chars()), folded(text.chars())),
            Operator::EndsWith => is_start(folded(found.chars().rev()), folded(text.chars().rev())),
            _ => false,
        }
    }
}

fn is_start(mut whole: impl Iterator<Item = char>, mut start: impl Iterator<Item = char>) -> bool {
    start.all(|c| whole.next() == Some(c))
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Equal => "eq",
            Operator::Contains => "co",
            Operator::StartsWith => "sw",
            Operator::EndsWith => "ew",
            Operator::Less => "lt",
            Operator::LessOrEqual => "le",
            Operator::Greater => "gt",
            Operator::GreaterOrEqual => "ge",
            Operator::Other(name) => name,
        })
    }
}
