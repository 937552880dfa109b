//! From `{policyId, params}` to a policy.

use serde_json::Value as Json;

use super::{Bound, Limit, Moment, Pattern, Policy};
use crate::schema::property::shown;

/// What became of an entry in a property's list of policies.
pub(crate) enum Compiled {
    /// A rule to ask.
    Rule(Policy),
    /// `required`: said by the property itself.
    Required,
    /// `unique`: said by the property itself.
    Unique,
    /// `valid-username`: unique, and none of the server's own names.
    UniqueName,
    /// A policy that is not known here: of a script, or of a part of the product that is not here.
    Unchecked,
}

/// Compiles a policy by its id. The error says what is wrong with its parameters.
pub(crate) fn compile(id: &str, params: &Json) -> Result<Compiled, String> {
    let rule = match id {
        "required" => return Ok(Compiled::Required),
        "unique" => return Ok(Compiled::Unique),
        "valid-username" => return Ok(Compiled::UniqueName),
        "no-internal-user-conflict" => Policy::NotReserved,
        "not-empty" => Policy::NotEmpty,
        "not-null" => Policy::NotNull,
        "regexpMatches" => return pattern(params),
        "valid-type" => Policy::Type(texts(params, "types")?),
        "valid-date" => Policy::Moment(Moment::DateOrDateTime),
        "valid-formatted-date" => Policy::Moment(Moment::Date),
        "valid-time" => Policy::Moment(Moment::Time),
        "valid-datetime" => Policy::Moment(Moment::DateTime),
        "valid-duration" => Policy::Moment(Moment::Duration),
        "valid-email-address-format" => Policy::Email,
        "valid-name-format" => Policy::Name,
        "valid-phone-format" => Policy::Phone,
        "at-least-X-capitals" => Policy::Capitals(limit(params, "numCaps")?),
        "at-least-X-numbers" => Policy::Digits(limit(params, "numNums")?),
        "minimum-length" => Policy::MinimumLength(limit(params, "minLength")?),
        "maximum-length" => Policy::MaximumLength(limit(params, "maxLength")?),
        "validNumber" => Policy::Number,
        "minimumNumber" => Policy::Minimum(bound(params, "minimum")?),
        "maximumNumber" => Policy::Maximum(bound(params, "maximum")?),
        "cannot-contain-others" => Policy::NotContaining(texts(params, "disallowedFields")?),
        "cannot-contain-characters" => Policy::Without(texts(params, "forbiddenChars")?),
        "cannot-contain-duplicates" => Policy::NoDuplicates,
        _ => return Ok(Compiled::Unchecked),
    };
    Ok(Compiled::Rule(rule))
}

/// An empty pattern is none.
fn pattern(params: &Json) -> Result<Compiled, String> {
    let regexp = params["regexp"].as_str().ok_or("its parameter 'regexp' is missing")?;
    let flags = params["flags"].as_str().filter(|flags| !flags.is_empty());
    Ok(Compiled::Rule(Policy::Matches(Box::new(Pattern::new(regexp, flags)?))))
}

fn limit(params: &Json, name: &str) -> Result<Limit, String> {
    Limit::new(name, &params[name]).ok_or_else(|| wrong(params, name, "a count"))
}

fn bound(params: &Json, name: &str) -> Result<Bound, String> {
    Bound::new(name, &params[name]).ok_or_else(|| wrong(params, name, "a number"))
}

/// A list of texts, or one text with commas.
fn texts(params: &Json, name: &str) -> Result<Vec<String>, String> {
    let texts: Option<Vec<String>> = match &params[name] {
        Json::String(text) => Some(text.split(',').map(|part| part.trim().to_owned()).collect()),
        Json::Array(elements) => elements.iter().map(|element| element.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    texts.ok_or_else(|| wrong(params, name, "a list of strings"))
}

fn wrong(params: &Json, name: &str, wanted: &str) -> String {
    match &params[name] {
        Json::Null => format!("its parameter '{name}' is missing"),
        found => format!("its parameter '{name}' is '{}', not {wanted}", shown(found)),
    }
}
