//! Policies: the rules that a value of the right type must meet.
//!
//! A policy is compiled once, from `{policyId, params}` or from a keyword of the schema, and then asked once per cell,
//! so a value that meets it costs no allocation. Every policy of a property is asked, whatever the others said. What
//! needs other objects (`UNIQUE`) or the absence of a value (`REQUIRED`) is not asked here: a property says of itself
//! that it is unique or required, and whoever knows the other objects makes the violation.
//!
//! As in PingIDM, the rules on the form of a text pass on the empty text.

mod bound;
mod compile;
mod email;
mod enumeration;
mod javascript;
mod pattern;
mod rfc3339;
mod violation;

use serde_json::{Value as Json, json};

use crate::schema::value::{Value, read_number};

pub(crate) use bound::{Bound, Limit};
pub(crate) use compile::{Compiled, compile};
pub(crate) use enumeration::Enumeration;
pub(crate) use pattern::Pattern;
pub use violation::{Violation, policy_problem};

/// Names that belong to the server's own accounts; an imported object must not pass for one of them.
const RESERVED: [&str; 2] = ["openidm-admin", "anonymous"];

/// One rule, ready to be asked.
#[derive(Clone, Debug, PartialEq)]
pub enum Policy {
    /// `not-empty`: neither null nor of length 0.
    NotEmpty,
    /// `not-null`.
    NotNull,
    /// `valid-username`, `no-internal-user-conflict`: not the name of an account of the server.
    NotReserved,
    /// `regexpMatches`, `pattern`.
    Matches(Box<Pattern>),
    /// `valid-type`.
    Type(Vec<String>),
    /// `valid-date`, `valid-formatted-date`, `valid-datetime`, `valid-time`, `valid-duration`.
    Moment(Moment),
    /// `valid-email-address-format`.
    Email,
    /// `valid-name-format`.
    Name,
    /// `valid-phone-format`.
    Phone,
    /// `at-least-X-capitals`.
    Capitals(Limit),
    /// `at-least-X-numbers`.
    Digits(Limit),
    /// `minimum-length`, `minLength`, in UTF-16 units as JavaScript counts.
    MinimumLength(Limit),
    /// `maximum-length`, `maxLength`, in UTF-16 units as JavaScript counts.
    MaximumLength(Limit),
    /// `validNumber`.
    Number,
    /// `minimumNumber`, `minimum`; the bound itself is allowed.
    Minimum(Bound),
    /// `maximumNumber`, `maximum`; the bound itself is allowed.
    Maximum(Bound),
    /// `cannot-contain-others`: the values of these properties must not be part of this one.
    NotContaining(Vec<String>),
    /// `cannot-contain-characters`.
    Without(Vec<String>),
    /// `cannot-contain-duplicates`: no character, or no element, twice.
    NoDuplicates,
    /// The schema's `enum`.
    OneOf(Enumeration),
}

/// The forms of RFC 3339 that a text can be required to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// `2021-12-25`, or a date and time.
    DateOrDateTime,
    /// `2021-12-25`.
    Date,
    /// `08:30:06Z`.
    Time,
    /// `2021-12-25T08:30:06Z`.
    DateTime,
    /// `P1DT12H`.
    Duration,
}

/// The value of another property of the same object, if it is a text.
pub(crate) type Siblings<'f, 's> = &'f dyn Fn(&str) -> Option<&'s str>;

impl Policy {
    /// Asks the policy about a value of property `path`, adding a violation to `out` for each requirement not met.
    pub(crate) fn check(&self, path: &str, value: &Value<'_>, siblings: Siblings<'_, '_>, out: &mut Vec<Violation>) {
        match value {
            Value::Text(text) if text.is_empty() => self.check_empty(path, out),
            Value::Text(text) => self.check_text(path, text, siblings, out),
            Value::Json(json) => self.check_json(path, json, out),
            Value::Boolean(_) => self.check_type(path, value, out),
            Value::Integer(_) | Value::Unsigned(_) | Value::Number(_) => self.check_number(path, value, out),
        }
    }

    fn check_empty(&self, path: &str, out: &mut Vec<Violation>) {
        match self {
            Policy::NotEmpty => out.push(Violation::required(path)),
            Policy::OneOf(enumeration) if !enumeration.holds_text("") => out.push(enumeration.violation(path, "")),
            Policy::Type(types) if !types.iter().any(|name| name == "string") => {
                out.push(Violation::wrong_type(path, "string", types, ""));
            }
            _ => {}
        }
    }

    fn check_text(&self, path: &str, text: &str, siblings: Siblings<'_, '_>, out: &mut Vec<Violation>) {
        let violation = match self {
            Policy::NotEmpty | Policy::NotNull => return,
            Policy::NotReserved => RESERVED.contains(&text.trim_ascii()).then(|| Violation::reserved(path, text)),
            Policy::Matches(pattern) => pattern.check(path, text),
            Policy::Type(_) => return self.check_type(path, &Value::Text(text.into()), out),
            Policy::Moment(moment) => moment.check(path, text),
            Policy::Email => (!email::is_address(text)).then(|| {
                Violation::new(path, "VALID_EMAIL_ADDRESS_FORMAT", text, format_args!("is not an e-mail address"))
            }),
            Policy::Name => (!is_name(text)).then(|| {
                let allowed = format_args!("is not a name: letters, blanks, apostrophes and hyphens are allowed");
                Violation::new(path, "VALID_NAME_FORMAT", text, allowed)
            }),
            Policy::Phone => (!is_phone(text)).then(|| {
                let allowed = format_args!("is not a telephone number: digits, blanks, - and () are allowed, + in front");
                Violation::new(path, "VALID_PHONE_FORMAT", text, allowed)
            }),
            Policy::Capitals(limit) => limit.check_capitals(path, text),
            Policy::Digits(limit) => limit.check_digits(path, text),
            Policy::MinimumLength(limit) => limit.check_minimum(path, text),
            Policy::MaximumLength(limit) => limit.check_maximum(path, text),
            Policy::Number => (read_number(text).is_err())
                .then(|| Violation::new(path, "VALID_NUMBER", text, format_args!("is not a number"))),
            Policy::Minimum(_) | Policy::Maximum(_) => {
                return read_number(text).iter().for_each(|number| self.check_number(path, number, out));
            }
            Policy::NotContaining(others) => return check_others(path, text, others, siblings, out),
            Policy::Without(parts) => check_parts(path, text, parts),
            Policy::NoDuplicates => repeated_character(text)
                .map(|character| Violation::duplicate(path, Json::from(character.to_string()), text)),
            Policy::OneOf(enumeration) => {
                (!enumeration.holds_text(text)).then(|| enumeration.violation(path, text))
            }
        };
        out.extend(violation);
    }

    fn check_number(&self, path: &str, value: &Value<'_>, out: &mut Vec<Violation>) {
        match self {
            Policy::Minimum(bound) => out.extend(bound.check_minimum(path, value)),
            Policy::Maximum(bound) => out.extend(bound.check_maximum(path, value)),
            Policy::Matches(pattern) => out.extend(pattern.check(path, &value.to_text())),
            Policy::OneOf(enumeration) if !enumeration.holds_number(value) => {
                out.push(enumeration.violation(path, &value.to_text()));
            }
            _ => self.check_type(path, value, out),
        }
    }

    fn check_json(&self, path: &str, json: &Json, out: &mut Vec<Violation>) {
        let is_empty = json.is_null() || json.as_array().is_some_and(Vec::is_empty);
        match (self, json) {
            (Policy::NotEmpty, _) if is_empty => out.push(Violation::required(path)),
            (Policy::NotNull, Json::Null) => out.push(Violation::required(path)),
            (Policy::NoDuplicates, Json::Array(elements)) => {
                let repeated = elements.iter().enumerate().find(|(at, element)| elements[..*at].contains(element));
                out.extend(repeated.map(|(_, element)| Violation::duplicate(path, element.clone(), &json.to_string())));
            }
            _ => self.check_type(path, &Value::Json(Box::new(json.clone())), out),
        }
    }

    fn check_type(&self, path: &str, value: &Value<'_>, out: &mut Vec<Violation>) {
        let Policy::Type(types) = self else { return };
        let name = value.type_name();
        let fits = |wanted: &String| wanted == name || (wanted == "integer" && name == "number");
        if !types.iter().any(fits) {
            out.push(Violation::wrong_type(path, name, types, &value.to_text()));
        }
    }
}

impl Moment {
    fn check(self, path: &str, text: &str) -> Option<Violation> {
        let (is_valid, requirement, wanted) = match self {
            Moment::DateOrDateTime => {
                (rfc3339::is_date(text) || rfc3339::is_date_time(text), "VALID_DATE", "a date such as 2021-12-25")
            }
            Moment::Date => (rfc3339::is_date(text), "VALID_FORMATTED_DATE", "a date such as 2021-12-25"),
            Moment::Time => (rfc3339::is_time(text), "VALID_TIME", "a time such as 08:30:06Z"),
            Moment::DateTime => {
                (rfc3339::is_date_time(text), "VALID_DATETIME", "a date and time such as 2021-12-25T08:30:06Z")
            }
            Moment::Duration => (rfc3339::is_duration(text), "VALID_DURATION", "a duration such as P1DT12H"),
        };
        (!is_valid).then(|| Violation::new(path, requirement, text, format_args!("is not {wanted}")))
    }
}

/// Letters of any script, with the marks that combine with them, blanks, apostrophes and hyphens. The product has a
/// fixed list of accented Latin letters instead, which refuses most of the world.
fn is_name(text: &str) -> bool {
    text.chars().all(|c| match c {
        'A'..='Z' | 'a'..='z' | ' ' | '\'' | '-' => true,
        '\u{2019}' | '\u{300}'..='\u{36f}' => true,
        other => other.is_alphabetic() || other.is_whitespace(),
    })
}

fn is_phone(text: &str) -> bool {
    let number = text.strip_prefix('+').unwrap_or(text);
    number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'-' | b' ' | b'(' | b')'))
}

/// One violation for each property whose value is part of the text, so that all are known at once.
fn check_others(path: &str, text: &str, others: &[String], siblings: Siblings<'_, '_>, out: &mut Vec<Violation>) {
    for other in others {
        if siblings(other).is_some_and(|value| !value.is_empty() && text.contains(value)) {
            let message = format_args!("contains the value of '{other}'");
            let violation = Violation::new(path, "CANNOT_CONTAIN_OTHERS", text, message);
            out.push(violation.with_params(json!({ "disallowedFields": other })));
        }
    }
}

fn check_parts(path: &str, text: &str, parts: &[String]) -> Option<Violation> {
    let part = parts.iter().find(|part| match part.as_bytes() {
        [byte] => text.as_bytes().contains(byte),
        _ => text.contains(part.as_str()),
    })?;
    let violation = Violation::new(path, "CANNOT_CONTAIN_CHARACTERS", text, format_args!("contains '{part}'"));
    Some(violation.with_params(json!({ "forbiddenChars": parts.join(", ") })))
}

fn repeated_character(text: &str) -> Option<char> {
    text.char_indices().find(|(at, character)| text[..*at].contains(*character)).map(|(_, character)| character)
}
