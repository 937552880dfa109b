//! Policies in words, for people who look at an object type.

use super::{Bound, Enumeration, Limit, Moment, Pattern, Policy};

impl Policy {
    /// What the policy asks for, as part of a sentence about a property: `at least 8 characters`.
    pub fn words(&self) -> String {
        match self {
            Policy::NotEmpty => "not empty".to_owned(),
            Policy::NotNull => "not null".to_owned(),
            Policy::NotReserved => "not the name of an account of the server".to_owned(),
            Policy::Matches(pattern) => pattern.words(),
            Policy::Type(types) => format!("of type {}", types.join(" or ")),
            Policy::Moment(moment) => moment.words().to_owned(),
            Policy::Email => "an e-mail address".to_owned(),
            Policy::Name => "a name: letters, blanks, apostrophes and hyphens".to_owned(),
            Policy::Phone => "a telephone number".to_owned(),
            Policy::Capitals(limit) => limit.words("at least", "capital letter"),
            Policy::Digits(limit) => limit.words("at least", "digit"),
            Policy::MinimumLength(limit) => limit.words("at least", "character"),
            Policy::MaximumLength(limit) => limit.words("at most", "character"),
            Policy::Number => "a number".to_owned(),
            Policy::Minimum(bound) => bound.words("at least"),
            Policy::Maximum(bound) => bound.words("at most"),
            Policy::NotContaining(others) => format!("without the value of {}", others.join(", ")),
            Policy::Without(parts) => format!("without {}", parts.join(" ")),
            Policy::NoDuplicates => "nothing in it twice".to_owned(),
            Policy::OneOf(enumeration) => enumeration.words(),
        }
    }
}

impl Limit {
    fn words(&self, how: &str, noun: &str) -> String {
        let count = self.count();
        format!("{how} {count} {noun}{}", if count == 1 { "" } else { "s" })
    }
}

impl Bound {
    fn words(&self, how: &str) -> String {
        format!("{how} {}", self.number().to_text())
    }
}

impl Pattern {
    fn words(&self) -> String {
        format!("matching {self:?}")
    }
}

impl Enumeration {
    fn words(&self) -> String {
        let case = if self.ignores_case() { ", in any case" } else { "" };
        format!("one of {}{case}", self.names().join(", "))
    }
}

impl Moment {
    fn words(self) -> &'static str {
        match self {
            Moment::DateOrDateTime => "a date, or a date and time, such as 2021-12-25",
            Moment::Date => "a date such as 2021-12-25",
            Moment::Time => "a time such as 08:30:06Z",
            Moment::DateTime => "a date and time such as 2021-12-25T08:30:06Z",
            Moment::Duration => "a duration such as P1DT12H",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::super::{Compiled, compile};

    fn words(id: &str, params: &Json) -> String {
        match compile(id, params) {
            Ok(Compiled::Rule(policy)) => policy.words(),
            _ => panic!("{id} is no rule"),
        }
    }

    #[test]
    fn policies_are_said_in_words() {
        assert_eq!(words("minimum-length", &json!({"minLength": 1})), "at least 1 character");
        assert_eq!(words("maximum-length", &json!({"maxLength": "20"})), "at most 20 characters");
        assert_eq!(words("minimumNumber", &json!({"minimum": -1.5})), "at least -1.5");
        assert_eq!(words("regexpMatches", &json!({"regexp": "^a", "flags": "i"})), "matching /^a/i");
        assert_eq!(words("cannot-contain-others", &json!({"disallowedFields": "a, b"})), "without the value of a, b");
    }
}
