//! What somebody looks for among the objects of a type, as the address of the page says it.

use crate::error::{Error, Result};
use crate::filter::{Filter, Operand, Operator, Pointer};
use crate::http::params::Params;
use crate::repository::{ObjectNumber, PrefixPlace, StoredType};
use crate::schema::{ObjectType, Property, PropertyKind};

use super::columns::{is_visible, title};
use super::encoded;

/// The property that every object has.
const ID: &str = "_id";

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Match {
    Is,
    Begins,
}

impl Match {
    pub(super) fn word(self) -> &'static str {
        match self {
            Match::Is => "is",
            Match::Begins => "begins",
        }
    }

    /// How it is said in a sentence.
    pub(super) fn said(self) -> &'static str {
        match self {
            Match::Is => "is",
            Match::Begins => "begins with",
        }
    }
}

/// What is looked for, and where to go on.
#[derive(Clone, Debug)]
pub(super) struct Question {
    /// The path of a property that exists for visitors; empty where nothing is chosen.
    pub(super) property: String,
    pub(super) matched: Match,
    /// Empty where everything is wanted.
    pub(super) value: String,
    pub(super) after: Option<Place>,
}

/// A place in the order in which objects are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Behind this object, in order of creation.
    Number(ObjectNumber),
    /// Behind this object, in the order of the text.
    Text(PrefixPlace),
}

impl Question {
    /// # Errors
    /// `Request` if the address is none of ours.
    pub(super) fn of(params: &Params, object_type: &ObjectType) -> Result<Question> {
        let asked = params.one("property")?.unwrap_or_default();
        let property = match object_type.property(asked).filter(|property| is_visible(property)) {
            Some(property) => property.path.clone(),
            None if asked == ID || asked.is_empty() => asked.to_owned(),
            None => return Err(Error::request(format!("{} has no property '{asked}'", object_type.name()))),
        };
        let matched = match params.one("match")?.unwrap_or("is") {
            "is" => Match::Is,
            "begins" => Match::Begins,
            other => return Err(Error::request(format!("'match' is 'is' or 'begins', not '{other}'"))),
        };
        let value = params.one("value")?.map(str::trim).unwrap_or_default().to_owned();
        let after = params.one("after")?.filter(|after| !after.is_empty()).map(Place::parse).transpose()?;
        Ok(Question { property, matched, value, after })
    }

    /// Whether something is looked for, rather than everything shown.
    pub(super) fn is_asked(&self) -> bool {
        !self.property.is_empty() && !self.value.is_empty()
    }

    /// The part of the address behind `?`, for the page behind a place.
    pub(super) fn address(&self, after: Option<&Place>) -> String {
        let mut parts = Vec::new();
        if self.is_asked() {
            let (property, value) = (encoded(&self.property), encoded(&self.value));
            parts.push(format!("property={property}&match={}&value={value}", self.matched.word()));
        }
        parts.extend(after.map(|after| format!("after={}", encoded(&after.written()))));
        parts.join("&")
    }

    /// What has to be so of an object.
    ///
    /// # Errors
    /// What to write instead, if no value of the property can be what was asked for.
    pub(super) fn filter(&self, object_type: &ObjectType) -> Result<Filter, String> {
        let pointer = Pointer::new(self.property.split('/'));
        if self.matched == Match::Begins {
            let value = Operand::Text(self.value.clone());
            return Ok(Filter::Comparison { pointer, operator: Operator::StartsWith, value });
        }
        let property = object_type.property(&self.property);
        let mut operands = property.map_or_else(|| vec![Operand::Text(self.value.clone())], |it| self.operands(it));
        let compare = |value| Filter::Comparison { pointer: pointer.clone(), operator: Operator::Equal, value };
        match (operands.len(), property) {
            (0, Some(property)) => Err(wanted(property)),
            (1, _) => Ok(compare(operands.remove(0))),
            _ => Ok(Filter::Or(operands.into_iter().map(compare).collect())),
        }
    }

    /// The values of the property that are written like this one.
    fn operands(&self, property: &Property) -> Vec<Operand> {
        let text = || Some(Operand::Text(self.value.clone()));
        let mut operands = Vec::new();
        for kind in property.types() {
            let meant = match kind {
                PropertyKind::String | PropertyKind::Date | PropertyKind::DateTime => vec![text()],
                PropertyKind::Number | PropertyKind::Integer => vec![number(&self.value)],
                PropertyKind::Boolean => vec![boolean(&self.value)],
                PropertyKind::Array => vec![text(), number(&self.value), boolean(&self.value)],
                PropertyKind::Object | PropertyKind::Relationship | PropertyKind::Null => Vec::new(),
            };
            for operand in meant.into_iter().flatten() {
                if !operands.contains(&operand) {
                    operands.push(operand);
                }
            }
        }
        operands
    }
}

impl Place {
    fn parse(text: &str) -> Result<Place> {
        let unknown = || Error::request("this place in the list does not exist: begin with the first page");
        let (number, head) = match text.split_once('~') {
            None => (text, None),
            Some((number, head)) => (number, Some(head.to_owned())),
        };
        let number = number.parse().map_err(|_| unknown())?;
        Ok(head.map_or(Place::Number(number), |head| Place::Text(PrefixPlace { head, number })))
    }

    fn written(&self) -> String {
        match self {
            Place::Number(number) => number.to_string(),
            Place::Text(PrefixPlace { head, number }) => format!("{number}~{head}"),
        }
    }
}

fn number(value: &str) -> Option<Operand> {
    if let Ok(integer) = value.parse() {
        return Some(Operand::Integer(integer));
    }
    let is_number = value.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    value.parse().ok().filter(|double: &f64| is_number && double.is_finite()).map(Operand::Double)
}

fn boolean(value: &str) -> Option<Operand> {
    let is = |word: &str| value.eq_ignore_ascii_case(word);
    (is("true") || is("false")).then(|| Operand::Boolean(is("true")))
}

fn wanted(property: &Property) -> String {
    let title = title(property);
    match property.kind {
        PropertyKind::Boolean => format!("{title} is either true or false."),
        PropertyKind::Number => format!("{title} holds numbers: write one, such as 12.5."),
        PropertyKind::Integer => format!("{title} holds whole numbers: write one, such as 12."),
        _ => format!("{title} holds values that cannot be looked for. Choose another property."),
    }
}

/// The properties that can be looked for, by path and name: those for which an index answers, and the others.
pub(super) fn searchable(stored: &StoredType) -> [Vec<(String, String)>; 2] {
    let is_searchable = |property: &&Property| {
        is_visible(property)
            && !property.is_relationship()
            && property.types().iter().any(|kind| !matches!(kind, PropertyKind::Object | PropertyKind::Null))
    };
    let name = |property: &Property| match title(property) {
        title if title == property.path => title.to_owned(),
        title => format!("{title} ({})", property.path),
    };
    let all = stored.object_type.properties().iter().filter(is_searchable);
    let (mut indexed, others): (Vec<_>, Vec<_>) = all.partition(|property| {
        let index = stored.index(std::slice::from_ref(&property.path));
        index.is_some() && property.holds_text_only() && !stored.object_type.is_open()
    });
    indexed.sort_by_key(|property| !property.unique);
    let named = |properties: Vec<&Property>| properties.into_iter().map(|it| (it.path.clone(), name(it))).collect();
    let mut indexed: Vec<(String, String)> = named(indexed);
    indexed.push((ID.to_owned(), ID.to_owned()));
    [indexed, named(others)]
}
