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
mod moment;
mod pattern;
mod violation;
mod words;

use serde_json::{Value as Json, json};

use crate::schema::value::{Value, read_number};

pub(crate) use bound::{Bound, Limit};
pub(crate) use compile::{Compiled, compile};
pub(crate) use enumeration::Enumeration;
pub use moment::Moment;
pub(crate) use pattern::Pattern;
pub use violation::{Violation, Wanted, policy_detail, policy_error, policy_problem};

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
            Policy::NotReserved => RESERVED.contains(&text.trim()).then(|| Violation::reserved(path, text)),
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
                let allowed =
                    format_args!("is not a telephone number: digits, blanks, - and () are allowed, + in front");
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
            Policy::OneOf(enumeration) => (!enumeration.holds_text(text)).then(|| enumeration.violation(path, text)),
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

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{Compiled, Policy, Violation, compile};
    use crate::schema::value::Value;

    /// What a policy finds in a value, each violation as its requirement and parameters.
    fn found(id: &str, params: &Json, value: &Json) -> Vec<Json> {
        let policy = match compile(id, params) {
            Ok(Compiled::Rule(policy)) => policy,
            Ok(Compiled::UniqueName) => Policy::NotReserved,
            _ => panic!("{id} is no rule"),
        };
        let value = match value {
            Json::String(text) => Value::Text(text.into()),
            Json::Number(number) => crate::schema::value::number_from_json(number),
            Json::Bool(value) => Value::Boolean(*value),
            other => Value::Json(Box::new(other.clone())),
        };
        let siblings = |path: &str| match path {
            "userName" => Some("bjensen"),
            "sn" => Some("Jensen"),
            "city" => Some(""),
            _ => None,
        };
        let mut violations: Vec<Violation> = Vec::new();
        policy.check("p", &value, &siblings, &mut violations);
        let describe = |violation: &Violation| match &violation.params {
            Some(params) => json!([violation.requirement, params]),
            None => json!(violation.requirement),
        };
        violations.iter().map(describe).collect()
    }

    #[test]
    fn values_meet_their_policies() {
        for (id, params, values) in [
            ("not-empty", json!({}), json!(["x", ["x"], 0, false, {}])),
            ("not-null", json!({}), json!(["", "x", 0])),
            ("valid-username", json!({}), json!(["bjensen", "", "openidm-admin2"])),
            ("regexpMatches", json!({"regexp": "^a"}), json!(["abc", ""])),
            ("regexpMatches", json!({"regexp": "^12$"}), json!([12])),
            ("valid-type", json!({"types": ["string", "null"]}), json!(["x", "", null])),
            ("valid-type", json!({"types": ["number"]}), json!([1, 1.5])),
            ("valid-type", json!({"types": ["array"]}), json!([[1]])),
            ("valid-date", json!({}), json!(["2021-12-25", "2021-12-25T00:00:00Z", ""])),
            ("valid-formatted-date", json!({}), json!(["2021-12-25"])),
            ("valid-time", json!({}), json!(["08:30:06Z"])),
            ("valid-datetime", json!({}), json!(["2021-12-25T08:30:06.5+05:30"])),
            ("valid-duration", json!({}), json!(["P1DT12H"])),
            ("valid-email-address-format", json!({}), json!(["a@b.cc", ""])),
            ("valid-name-format", json!({}), json!(["O'Brien", "Łukasz Żak-Nowak", "李", "Zoe\u{308}", "D’Arcy"])),
            ("valid-phone-format", json!({}), json!(["+1 (555) 010-9999", "", "+"])),
            ("at-least-X-capitals", json!({"numCaps": 2}), json!(["AbC", ""])),
            ("at-least-X-numbers", json!({"numNums": 2}), json!(["a1b2"])),
            ("minimum-length", json!({"minLength": 4}), json!(["four", "éééé", "😀😀", "", [1]])),
            ("maximum-length", json!({"maxLength": 4}), json!(["four", "éééé", "😀😀", ""])),
            ("validNumber", json!({}), json!(["1.5", 7])),
            ("minimumNumber", json!({"minimum": 3}), json!([3, 3.5, "3", "no number"])),
            ("maximumNumber", json!({"maximum": 3.5}), json!([3, 3.5, -9])),
            ("cannot-contain-others", json!({"disallowedFields": ["userName", "city", "none"]}), json!(["Passw0rd"])),
            ("cannot-contain-characters", json!({"forbiddenChars": ["/", "*/"]}), json!(["a*b"])),
            ("cannot-contain-duplicates", json!({}), json!(["abc", [1, 2], ""])),
        ] {
            for value in values.as_array().expect("a list of values") {
                assert_eq!(found(id, &params, value), Vec::<Json>::new(), "{id} {params} on {value}");
            }
        }
    }

    #[test]
    fn violations_are_named_as_pingidm_names_them() {
        for (id, params, value, violations) in [
            ("not-empty", json!({}), json!(""), json!(["REQUIRED"])),
            ("not-empty", json!({}), json!([]), json!(["REQUIRED"])),
            ("not-empty", json!({}), json!(null), json!(["REQUIRED"])),
            ("not-null", json!({}), json!(null), json!(["REQUIRED"])),
            ("valid-username", json!({}), json!("openidm-admin"), json!(["UNIQUE"])),
            ("no-internal-user-conflict", json!({}), json!(" anonymous "), json!(["UNIQUE"])),
            (
                "regexpMatches",
                json!({"regexp": "^a$", "flags": "i"}),
                json!("b"),
                json!([["MATCH_REGEXP", {"regexp": "^a$", "flags": "i"}]]),
            ),
            (
                "valid-type",
                json!({"types": ["boolean", "null"]}),
                json!("x"),
                json!([["VALID_TYPE", {"invalidType": "string", "validTypes": ["boolean", "null"]}]]),
            ),
            ("valid-date", json!({}), json!("25.12.2021"), json!(["VALID_DATE"])),
            ("valid-formatted-date", json!({}), json!("2021-12-25T00:00:00Z"), json!(["VALID_FORMATTED_DATE"])),
            ("valid-time", json!({}), json!("8:30"), json!(["VALID_TIME"])),
            ("valid-datetime", json!({}), json!("2021-12-25"), json!(["VALID_DATETIME"])),
            ("valid-duration", json!({}), json!("2 days"), json!(["VALID_DURATION"])),
            ("valid-email-address-format", json!({}), json!("emacheke"), json!(["VALID_EMAIL_ADDRESS_FORMAT"])),
            ("valid-name-format", json!({}), json!("R2D2"), json!(["VALID_NAME_FORMAT"])),
            ("valid-phone-format", json!({}), json!("555 CALL"), json!(["VALID_PHONE_FORMAT"])),
            (
                "at-least-X-capitals",
                json!({"numCaps": 2}),
                json!("(Ab)"),
                json!([["AT_LEAST_X_CAPITAL_LETTERS", {"numCaps": 2}]]),
            ),
            (
                "at-least-X-numbers",
                json!({"numNums": "1"}),
                json!("a"),
                json!([["AT_LEAST_X_NUMBERS", {"numNums": "1"}]]),
            ),
            ("minimum-length", json!({"minLength": 3}), json!("😀"), json!([["MIN_LENGTH", {"minLength": 3}]])),
            ("maximum-length", json!({"maxLength": 3}), json!("😀😀"), json!([["MAX_LENGTH", {"maxLength": 3}]])),
            ("validNumber", json!({}), json!("1,5"), json!(["VALID_NUMBER"])),
            ("minimumNumber", json!({"minimum": 3}), json!(2.999), json!([["MINIMUM_NUMBER_VALUE", {"minimum": 3}]])),
            (
                "maximumNumber",
                json!({"maximum": 9007199254740992u64}),
                json!(9007199254740993u64),
                json!([["MAXIMUM_NUMBER_VALUE", {"maximum": 9007199254740992u64}]]),
            ),
            (
                "cannot-contain-others",
                json!({"disallowedFields": "userName, sn"}),
                json!("bjensenJensen1"),
                json!([
                    ["CANNOT_CONTAIN_OTHERS", {"disallowedFields": "userName"}],
                    ["CANNOT_CONTAIN_OTHERS", {"disallowedFields": "sn"}],
                ]),
            ),
            (
                "cannot-contain-characters",
                json!({"forbiddenChars": ["/", "+"]}),
                json!("a+/b"),
                json!([["CANNOT_CONTAIN_CHARACTERS", {"forbiddenChars": "/, +"}]]),
            ),
            (
                "cannot-contain-duplicates",
                json!({}),
                json!("hello"),
                json!([["CANNOT_CONTAIN_DUPLICATES", {"duplicateValue": "l"}]]),
            ),
            (
                "cannot-contain-duplicates",
                json!({}),
                json!([1, 2, 1]),
                json!([["CANNOT_CONTAIN_DUPLICATES", {"duplicateValue": 1}]]),
            ),
        ] {
            assert_eq!(Json::Array(found(id, &params, &value)), violations, "{id} {params} on {value}");
        }
    }

    #[test]
    fn parameters_are_looked_at() {
        for (id, params, fault) in [
            ("minimum-length", json!({}), "its parameter 'minLength' is missing"),
            ("minimum-length", json!({"minLength": -1}), "its parameter 'minLength' is '-1', not a count"),
            ("maximumNumber", json!({"maximum": "much"}), "its parameter 'maximum' is 'much', not a number"),
            (
                "cannot-contain-characters",
                json!({"forbiddenChars": [1]}),
                "its parameter 'forbiddenChars' is '[1]', not a list of strings",
            ),
            ("regexpMatches", json!({}), "its parameter 'regexp' is missing"),
        ] {
            assert_eq!(compile(id, &params).err().as_deref(), Some(fault));
        }
    }
}
