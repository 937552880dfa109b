//! What is wrong with a failed record, as failures that are alike say it alike.

use serde_json::Value;

use super::{Failure, whole_property};

/// As many cells as there are columns.
const CELL_COUNT: &str = "CELL_COUNT";

/// No NUL in any cell.
const NO_NUL_CHARACTER: &str = "NO_NUL_CHARACTER";

/// One object that the key finds.
const UNAMBIGUOUS_KEY: &str = "UNAMBIGUOUS_KEY";

/// Whatever else there may be.
const VALID_RECORD: &str = "VALID_RECORD";

/// A requirement that a record did not meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wrong<'a> {
    /// What it is: that of a policy, or, where the record can be no entry or has no object, one of `CELL_COUNT`,
    /// `NO_NUL_CHARACTER`, `UNAMBIGUOUS_KEY` and `VALID_RECORD`.
    pub requirement: &'a str,
    /// The property, as a path; none if it is the whole record. Of an element of an array it is the array.
    pub property: Option<&'a str>,
    /// The column, where its name is not the property's.
    pub column: Option<&'a str>,
    /// What is said about it.
    pub message: &'a str,
}

impl Failure {
    /// All that is wrong with the record: at least one thing, and of one property perhaps the same thing several times.
    pub fn wrongs(&self) -> impl Iterator<Item = Wrong<'_>> {
        let violations = self.violations();
        let whole = violations.is_empty().then(|| self.structural());
        violations.iter().map(violated).chain(whole)
    }

    fn structural(&self) -> Wrong<'_> {
        let message = text(&self.problem, "message").unwrap_or_default();
        let requirement = match message {
            _ if self.problem.get("code").and_then(Value::as_u64) == Some(409) => UNAMBIGUOUS_KEY,
            message if message.starts_with("the record has ") && message.contains("the header has ") => CELL_COUNT,
            message if message.contains(" holds a NUL character") => NO_NUL_CHARACTER,
            _ => VALID_RECORD,
        };
        Wrong { requirement, property: None, column: None, message }
    }
}

fn violated(violation: &Value) -> Wrong<'_> {
    Wrong {
        requirement: text(violation, "requirement").unwrap_or(VALID_RECORD),
        property: text(violation, "property").map(whole_property),
        column: text(violation, "column"),
        message: text(violation, "message").unwrap_or_default(),
    }
}

fn text<'a>(value: &'a Value, member: &str) -> Option<&'a str> {
    value.get(member).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Wrong;
    use crate::error::Error;
    use crate::failure::{Failure, has_nul, wrong_width};

    fn failure(problem: Value) -> Failure {
        Failure { row: 2, cells: Vec::new(), problem }
    }

    #[test]
    fn what_is_wrong_with_a_whole_record_is_told_from_its_problem() {
        for (error, requirement) in [
            (Error::record(wrong_width(2, 3)), "CELL_COUNT"),
            (Error::record(format!("{}; fill in what is missing", wrong_width(1, 3))), "CELL_COUNT"),
            (Error::record(has_nul(7)), "NO_NUL_CHARACTER"),
            (Error::conflict("2 objects have the same id 'the record has '"), "UNAMBIGUOUS_KEY"),
            (Error::record("no"), "VALID_RECORD"),
        ] {
            let message = error.message().to_owned();
            let failure = failure(error.problem());
            let wrong = Wrong { requirement, property: None, column: None, message: &message };
            assert_eq!(failure.wrongs().collect::<Vec<_>>(), [wrong]);
        }
    }

    #[test]
    fn every_violation_is_told() {
        let violations = json!([
            {"property": "mail", "requirement": "REQUIRED", "message": "a value is required"},
            {"column": "Tags", "property": "tags[3]", "requirement": "VALID_TYPE", "message": "'x' is not a number"},
        ]);
        let failure = failure(json!({"code": 403, "violations": violations}));
        let told = failure.wrongs().map(|wrong| (wrong.requirement, wrong.property, wrong.column));
        assert_eq!(
            told.collect::<Vec<_>>(),
            [("REQUIRED", Some("mail"), None), ("VALID_TYPE", Some("tags"), Some("Tags"))]
        );
    }
}
