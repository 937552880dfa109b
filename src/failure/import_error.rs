//! Problems as the text of an `_importError` cell.
//!
//! Only the form is known here: which members of a problem go into the file is for whoever writes it to say.

use std::fmt::Write as _;

use serde_json::{Number, Value};

/// The text of the `_importError` cell for a problem.
///
/// PingIDM writes the error there as Java prints a map, not as JSON, and scripts look for that: `{code=403,
/// reason=Forbidden, message=Policy validation failed, detail={result=false, ...}}`. Members keep their order, strings
/// stand there raw, without quotes or escapes.
pub fn import_error(problem: &Value) -> String {
    let mut text = String::new();
    write_value(&mut text, problem);
    text
}

fn write_value(text: &mut String, value: &Value) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(truth) => text.push_str(if *truth { "true" } else { "false" }),
        Value::Number(number) => write_number(text, number),
        Value::String(string) => text.push_str(string),
        Value::Array(values) => {
            text.push('[');
            for (index, value) in values.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                write_value(text, value);
            }
            text.push(']');
        }
        Value::Object(members) => {
            text.push('{');
            for (index, (name, value)) in members.iter().enumerate() {
                text.push_str(if index > 0 { ", " } else { "" });
                text.push_str(name);
                text.push('=');
                write_value(text, value);
            }
            text.push('}');
        }
    }
}

/// Integers plainly, everything else as Java's `Double.toString`: `8.0`, `1.0E7`, `1.5E-4`.
fn write_number(text: &mut String, number: &Number) {
    let float = match number.as_f64() {
        Some(float) if number.is_f64() => float,
        _ => {
            text.push_str(&number.to_string());
            return;
        }
    };
    let written = if float == 0.0 || (1e-3..1e7).contains(&float.abs()) {
        write!(text, "{float:?}")
    } else {
        let scientific = format!("{float:e}");
        let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
        let point = if digits.contains('.') { "" } else { ".0" };
        write!(text, "{digits}{point}E{exponent}")
    };
    written.expect("a string takes all that is written");
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::import_error;
    use crate::error::Error;

    #[test]
    fn import_error_is_a_java_map() {
        let policy =
            |requirement: Value, property: &str| json!({"policyRequirements": [requirement], "property": property});
        let failed = |failures: Vec<Value>| {
            json!({
                "code": 403,
                "reason": "Forbidden",
                "message": "Policy validation failed",
                "detail": {"result": false, "failedPolicyRequirements": failures},
            })
        };
        let head = "{code=403, reason=Forbidden, message=Policy validation failed, detail={result=false, \
                    failedPolicyRequirements=[";
        for (problem, text) in [
            (
                failed(vec![policy(json!({"policyRequirement": "VALID_EMAIL_ADDRESS_FORMAT"}), "mail")]),
                format!(
                    "{head}{{policyRequirements=[{{policyRequirement=VALID_EMAIL_ADDRESS_FORMAT}}], \
                     property=mail}}]}}}}"
                ),
            ),
            (
                failed(vec![
                    policy(json!({"policyRequirement": "MIN_LENGTH", "params": {"minLength": 8}}), "password"),
                    policy(json!({"policyRequirement": "REQUIRED"}), "sn"),
                ]),
                format!(
                    "{head}{{policyRequirements=[{{policyRequirement=MIN_LENGTH, params={{minLength=8}}}}], \
                     property=password}}, {{policyRequirements=[{{policyRequirement=REQUIRED}}], property=sn}}]}}}}"
                ),
            ),
            (
                failed(vec![policy(
                    json!({
                        "policyRequirement": "VALID_TYPE",
                        "params": {"invalidType": "string", "validTypes": ["boolean", "null"]},
                    }),
                    "preferences/updates",
                )]),
                format!(
                    "{head}{{policyRequirements=[{{policyRequirement=VALID_TYPE, params={{invalidType=string, \
                     validTypes=[boolean, null]}}}}], property=preferences/updates}}]}}}}"
                ),
            ),
            (
                json!({"code": 409, "reason": "Conflict", "message": "x", "detail": null}),
                "{code=409, reason=Conflict, message=x, detail=null}".to_owned(),
            ),
            (
                json!({"code": 500, "message": "a=b, {c} \"d\"", "detail": {}}),
                "{code=500, message=a=b, {c} \"d\", detail={}}".to_owned(),
            ),
            (
                Error::record("5 cells, the header has 6").at_row(17).problem(),
                "{code=400, reason=Bad Request, message=row 17: 5 cells, the header has 6}".to_owned(),
            ),
        ] {
            assert_eq!(import_error(&problem), text);
        }
    }

    #[test]
    fn numbers_are_those_of_java() {
        for (number, text) in [
            (json!(8), "8"),
            (json!(-8), "-8"),
            (json!(u64::MAX), "18446744073709551615"),
            (json!(8.0), "8.0"),
            (json!(-0.5), "-0.5"),
            (json!(0.0), "0.0"),
            (json!(0.001), "0.001"),
            (json!(9_999_999.5), "9999999.5"),
            (json!(1e7), "1.0E7"),
            (json!(1.5e-4), "1.5E-4"),
            (json!(-1.25e100), "-1.25E100"),
        ] {
            assert_eq!(import_error(&number), text);
        }
    }
}
