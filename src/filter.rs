//! Query filters: which objects are meant.
//!
//! A [`Filter`] is read from the language of PingIDM's `_queryFilter`, such as `status eq "FAILED" and failure gt 0`,
//! and can be asked of any JSON object. [`Filter::matches`] is the definition of what a filter means: a repository may
//! translate a filter to find candidates faster, but whatever it answers must be what `matches` would have chosen.
//!
//! The module is pure. It knows no object type, so a property that does not exist is simply missing everywhere.

mod matching;
mod operand;
mod operator;
mod parser;
mod pointer;
mod token;
mod written;

#[cfg(test)]
mod tests;

use serde_json::Value as Json;

use crate::error::Result;

pub use operand::Operand;
pub(crate) use operand::{fold, letters_alike};
pub use operator::Operator;
pub use pointer::Pointer;

/// One filter, or a part of one.
///
/// Its `Display` writes the canonical text, which is read as the same tree again, unless it became longer than what may
/// be read. That holds for every tree that was read: there, `And` and `Or` have at least two parts, and an
/// [`Operator::Other`] has a name that can be written.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `true` or `false`: every object, or none.
    Literal(bool),
    /// All of the parts; without parts, every object.
    And(Vec<Filter>),
    /// At least one of the parts; without parts, no object.
    Or(Vec<Filter>),
    /// The opposite; of undefined, undefined.
    Not(Box<Filter>),
    /// `pr`: there is a value, and it is not null.
    Present(Pointer),
    /// A property compared with a value.
    Comparison {
        /// Where the property is.
        pointer: Pointer,
        /// How it is compared.
        operator: Operator,
        /// What it is compared with.
        value: Operand,
    },
    /// `in`: the property equals one of the values.
    In {
        /// Where the property is.
        pointer: Pointer,
        /// The values, in the order given.
        values: Vec<Operand>,
    },
}

impl Filter {
    /// Reads a filter.
    ///
    /// The error is the caller's ([`Kind::Request`](crate::error::Kind::Request)) and names the character, counted from
    /// 1, where reading stopped. Filters beyond 64 KiB or with more than 256 nested brackets are refused.
    pub fn parse(text: &str) -> Result<Filter> {
        parser::parse(text)
    }

    /// The properties that the filter looks at, once for each time that it does.
    pub fn pointers(&self) -> Vec<&Pointer> {
        match self {
            Filter::Literal(_) => Vec::new(),
            Filter::And(parts) | Filter::Or(parts) => parts.iter().flat_map(Filter::pointers).collect(),
            Filter::Not(part) => part.pointers(),
            Filter::Present(pointer) | Filter::Comparison { pointer, .. } | Filter::In { pointer, .. } => vec![pointer],
        }
    }

    /// Whether the filter chooses this object. Where the answer is undefined, it does not.
    pub fn matches(&self, object: &Json) -> bool {
        self.judge(object) == Some(true)
    }
}
