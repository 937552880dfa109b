//! What a filter means.
//!
//! Judgements are three-valued: an operator that we do not know leaves the answer undefined (`None`), and neither `!`
//! nor a second such part makes an answer of it.

use serde_json::Value as Json;

use super::{Filter, Operand, Operator};

impl Filter {
    pub(super) fn judge(&self, object: &Json) -> Option<bool> {
        match self {
            Filter::Literal(answer) => Some(*answer),
            Filter::And(parts) => negate(any(parts.iter().map(|part| negate(part.judge(object))))),
            Filter::Or(parts) => any(parts.iter().map(|part| part.judge(object))),
            Filter::Not(part) => negate(part.judge(object)),
            Filter::Present(pointer) => Some(pointer.find(object).is_some()),
            Filter::Comparison { operator: Operator::Other(_), .. } => None,
            Filter::Comparison { pointer, operator, value } => Some(holds(pointer.find(object), operator, value)),
            Filter::In { pointer, values } => {
                let found = pointer.find(object);
                Some(values.iter().any(|value| holds(found, &Operator::Equal, value)))
            }
        }
    }
}

/// Whether one of the parts is true. An undefined part matters only if none is.
fn any(parts: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut answer = Some(false);
    for part in parts {
        match part {
            Some(true) => return Some(true),
            Some(false) => {}
            None => answer = None,
        }
    }
    answer
}

fn negate(answer: Option<bool>) -> Option<bool> {
    answer.map(|answer| !answer)
}

/// Compares what was found. Equal to null means not present, so `x eq null` is `!(x pr)`, also where `x` is an array;
/// any other comparison of an array holds if it does for one of the elements.
fn holds(found: Option<&Json>, operator: &Operator, value: &Operand) -> bool {
    match (found, value) {
        (found, Operand::Null) => found.is_none() && operator.is_equality_for(value),
        (None, _) => false,
        (Some(Json::Array(elements)), _) => elements.iter().any(|element| operator.holds(element, value)),
        (Some(found), _) => operator.holds(found, value),
    }
}
