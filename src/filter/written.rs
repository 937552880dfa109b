//! The canonical text of a filter: brackets only where the tree needs them, so it never nests deeper than what was read.

use std::fmt;

use serde_json::Value as Json;

use super::{Filter, Operand};

impl Filter {
    /// How strongly the parts hold together. A part stands in brackets unless it holds together more strongly than
    /// what it is part of.
    fn strength(&self) -> u8 {
        match self {
            Filter::Or(_) => 0,
            Filter::And(_) => 1,
            Filter::Not(_) => 2,
            _ => 3,
        }
    }

    fn write_part(&self, part: &Filter, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if part.strength() > self.strength() { write!(f, "{part}") } else { write!(f, "({part})") }
    }

    fn write_series(&self, parts: &[Filter], keyword: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                write!(f, " {keyword} ")?;
            }
            self.write_part(part, f)?;
        }
        Ok(())
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Filter::Literal(answer) => write!(f, "{answer}"),
            Filter::And(parts) if parts.is_empty() => f.write_str("true"),
            Filter::Or(parts) if parts.is_empty() => f.write_str("false"),
            Filter::And(parts) => self.write_series(parts, "and", f),
            Filter::Or(parts) => self.write_series(parts, "or", f),
            Filter::Not(part) => {
                f.write_str("! ")?;
                self.write_part(part, f)
            }
            Filter::Present(pointer) => write!(f, "{pointer} pr"),
            Filter::Comparison { pointer, operator, value } => write!(f, "{pointer} {operator} {value}"),
            Filter::In { pointer, values } => {
                let members: Vec<String> = values.iter().map(Operand::to_member).collect();
                write!(f, "{pointer} in ")?;
                write_quoted(&format!("[{}]", members.join(",")), '\'', f)
            }
        }
    }
}

impl Operand {
    /// The value as a member of a JSON array.
    fn to_member(&self) -> String {
        match self {
            Operand::Text(text) => Json::from(text.as_str()).to_string(),
            other => other.to_string(),
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operand::Null => f.write_str("null"),
            Operand::Boolean(boolean) => write!(f, "{boolean}"),
            Operand::Integer(integer) => write!(f, "{integer}"),
            // The debug form has a point or an exponent always, and all digits that matter.
            Operand::Double(double) => write!(f, "{double:?}"),
            Operand::Text(text) => write_quoted(text, '"', f),
        }
    }
}

fn write_quoted(text: &str, quote: char, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{quote}")?;
    for c in text.chars() {
        if c == quote || c == '\\' {
            f.write_str("\\")?;
        }
        write!(f, "{c}")?;
    }
    write!(f, "{quote}")
}
