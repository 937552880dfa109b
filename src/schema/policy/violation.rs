//! Violations: requirements that were not met, and the problem that tells of them.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Map, Value as Json, json};

use crate::error::{Error, Kind, beginning, shown};

/// How much of an offending text is kept.
const KEPT: usize = 200;

/// One requirement that one property of one object did not meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Violation {
    /// The path of the property; an element of an array is `path[3]`.
    pub property: String,
    /// The name of the requirement, as PingIDM has it: `REQUIRED`, `VALID_TYPE`, ...
    pub requirement: Cow<'static, str>,
    /// What the requirement was, where it has parameters.
    pub params: Option<Box<Json>>,
    /// The offending text, cut when long.
    pub value: Option<String>,
    /// A sentence for people, without the place: `'abc' is not a number`.
    pub message: String,
    /// What a text that is none should have been.
    pub wanted: Option<Box<Wanted>>,
}

/// What a text should have been that is no value of its property.
#[derive(Clone, Debug, PartialEq)]
pub struct Wanted {
    /// The type of the property as sentences call it: `number`, `integer`, `boolean`, `date`, `date-time`, ...
    pub called: &'static str,
    /// Of a date: the formats that were tried, as they were given.
    pub formats: Vec<String>,
}

impl Violation {
    /// A violation whose sentence is the value in quotes and what is said of it.
    pub fn new(property: &str, requirement: &'static str, value: &str, said: fmt::Arguments<'_>) -> Violation {
        Violation {
            property: property.to_owned(),
            requirement: Cow::Borrowed(requirement),
            params: None,
            value: Some(beginning(value, KEPT).into_owned()),
            message: format!("'{}' {said}", shown(value, KEPT)),
            wanted: None,
        }
    }

    /// The property must have a value.
    pub fn required(property: &str) -> Violation {
        Violation {
            property: property.to_owned(),
            requirement: Cow::Borrowed("REQUIRED"),
            params: None,
            value: None,
            message: "a value is required".to_owned(),
            wanted: None,
        }
    }

    /// Another object has the value already.
    pub fn unique(property: &str, value: &str) -> Violation {
        Violation::new(property, "UNIQUE", value, format_args!("is taken: another object has this value"))
    }

    pub(super) fn reserved(property: &str, value: &str) -> Violation {
        Violation::new(property, "UNIQUE", value, format_args!("is taken: the name is reserved"))
    }

    /// The value is of a type that the property does not take.
    pub(crate) fn wrong_type(property: &str, found: &str, wanted: &[impl AsRef<str>], value: &str) -> Violation {
        let wanted: Vec<&str> = wanted.iter().map(AsRef::as_ref).collect();
        let names: Vec<&str> = wanted.iter().map(|name| with_article(name)).collect();
        Violation::new(property, "VALID_TYPE", value, format_args!("is not {}", names.join(" or ")))
            .with_params(json!({ "invalidType": found, "validTypes": wanted }))
    }

    pub(super) fn duplicate(property: &str, repeated: Json, value: &str) -> Violation {
        let part = repeated.as_str().map_or_else(|| Cow::Owned(repeated.to_string()), Cow::Borrowed);
        let said = format_args!("contains '{}' more than once", shown(&part, KEPT));
        let violation = Violation::new(property, "CANNOT_CONTAIN_DUPLICATES", value, said);
        violation.with_params(json!({ "duplicateValue": repeated }))
    }

    pub(crate) fn with_params(mut self, params: Json) -> Violation {
        self.params = Some(Box::new(params));
        self
    }

    /// Replaces what is said of the value.
    pub(crate) fn being(mut self, said: &str) -> Violation {
        self.message = format!("'{}' {said}", shown(self.value.as_deref().unwrap_or_default(), KEPT));
        self
    }

    /// Replaces the sentence by one that says more.
    pub(crate) fn saying(mut self, message: String) -> Violation {
        self.message = message;
        self
    }

    pub(crate) fn wanting(mut self, called: &'static str, formats: Vec<String>) -> Violation {
        self.wanted = Some(Box::new(Wanted { called, formats }));
        self
    }

    /// The violation as we report it beside PingIDM's form: with the offending value, a sentence, and, if the value is
    /// none of its property, the `type` that it should be of and the `formats` of dates.
    pub fn report(&self) -> Json {
        let mut report = Map::new();
        report.insert("property".to_owned(), Json::from(&*self.property));
        report.insert("requirement".to_owned(), Json::from(&*self.requirement));
        report.extend(self.params.as_deref().map(|params| ("params".to_owned(), params.clone())));
        report.extend(self.value.as_deref().map(|value| ("value".to_owned(), Json::from(value))));
        if let Some(Wanted { called, formats }) = self.wanted.as_deref() {
            report.insert("type".to_owned(), Json::from(*called));
            if !formats.is_empty() {
                report.insert("formats".to_owned(), Json::from(formats.as_slice()));
            }
        }
        report.insert("message".to_owned(), Json::from(&*self.message));
        Json::Object(report)
    }

    /// The violation as PingIDM reports it: `{policyRequirements: [{policyRequirement, params}], property}`.
    fn to_json(&self) -> Json {
        let mut requirement = Map::new();
        requirement.insert("policyRequirement".to_owned(), Json::from(&*self.requirement));
        if let Some(params) = self.params.as_deref() {
            // PingIDM repeats the parameters of this one, and of no other, beside the name.
            let is_pattern = self.requirement == "MATCH_REGEXP";
            let beside = |name: &str| params.get(name).filter(|_| is_pattern).cloned();
            requirement.extend(beside("regexp").map(|regexp| ("regexp".to_owned(), regexp)));
            requirement.insert("params".to_owned(), params.clone());
            requirement.extend(beside("flags").map(|flags| ("flags".to_owned(), flags)));
        }
        json!({ "policyRequirements": [requirement], "property": self.property })
    }
}

/// The judgement on an object as PingIDM writes it: `{result, failedPolicyRequirements}`.
pub fn policy_detail(violations: &[Violation]) -> Json {
    let failed: Vec<Json> = violations.iter().map(Violation::to_json).collect();
    json!({ "result": violations.is_empty(), "failedPolicyRequirements": failed })
}

/// What an object is refused with that does not meet its policies, in these words.
pub fn policy_error(words: &str, violations: &[Violation]) -> Error {
    Error::new(Kind::Policy, words).with_detail(policy_detail(violations))
}

/// The problem of a record that does not meet its policies, member by member as PingIDM writes it.
pub fn policy_problem(violations: &[Violation]) -> Json {
    policy_error("Policy validation failed", violations).problem()
}

fn with_article(type_name: &str) -> &str {
    match type_name {
        "string" => "a string",
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "an integer",
        "array" => "a JSON array",
        "object" => "a JSON object",
        "relationship" => "a relationship",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Violation, policy_problem};

    #[test]
    fn the_problem_is_pingidms_member_by_member() {
        let violations = [
            Violation::new("mail", "VALID_EMAIL_ADDRESS_FORMAT", "x", format_args!("is not an e-mail address")),
            Violation::required("sn"),
            Violation::wrong_type("preferences/updates", "string", &["boolean"], "maybe"),
        ];
        insta::assert_snapshot!(policy_problem(&violations), @r#"{"code":403,"reason":"Forbidden","message":"Policy validation failed","detail":{"result":false,"failedPolicyRequirements":[{"policyRequirements":[{"policyRequirement":"VALID_EMAIL_ADDRESS_FORMAT"}],"property":"mail"},{"policyRequirements":[{"policyRequirement":"REQUIRED"}],"property":"sn"},{"policyRequirements":[{"policyRequirement":"VALID_TYPE","params":{"invalidType":"string","validTypes":["boolean"]}}],"property":"preferences/updates"}]}}"#);
    }

    #[test]
    fn a_long_value_is_cut_between_characters() {
        let violation = Violation::unique("id", &"ß".repeat(1000));
        assert_eq!(violation.value.as_deref(), Some(format!("{}...", "ß".repeat(200)).as_str()));
    }
}
