//! Requirements that were not met, in words that a person understands.
//!
//! A requirement has a name that programs know (`VALID_EMAIL_ADDRESS_FORMAT`). What a value should have been like is said
//! by the sentences of violations; here is only what a group of them is called.

/// What failures with this requirement have in common: `Invalid date in signUpDate`. `wanted` is the type that a value
/// should have been of, where that is known: `date`, `number`. What it is about is named as people know it: by its column,
/// or else its property.
pub(in crate::console) fn title(requirement: &str, about: Option<&str>, wanted: Option<&str>) -> String {
    let what = match (requirement, wanted) {
        ("VALID_TYPE" | "VALID_DATE" | "VALID_DATETIME" | "VALID_NUMBER", Some(wanted)) => invalid(wanted),
        _ => name(requirement),
    };
    match about {
        Some(about) if requirement == "UNIQUE" => format!("{what}: {about}"),
        Some(about) => format!("{what} in {about}"),
        None => what,
    }
}

fn invalid(wanted: &str) -> String {
    match wanted {
        "date-time" => "Invalid date and time".to_owned(),
        "boolean" => "Neither true nor false".to_owned(),
        "array" => "Not a JSON array".to_owned(),
        "object" => "Not a JSON object".to_owned(),
        wanted => format!("Invalid {wanted}"),
    }
}

fn name(requirement: &str) -> String {
    let known = match requirement {
        "REQUIRED" => "Missing value",
        "UNIQUE" => "Value that is taken",
        "VALID_TYPE" => "Value of the wrong type",
        "VALID_DATE" | "VALID_FORMATTED_DATE" => "Invalid date",
        "VALID_DATETIME" => "Invalid date and time",
        "VALID_TIME" => "Invalid time",
        "VALID_DURATION" => "Invalid duration",
        "VALID_NUMBER" => "Invalid number",
        "VALID_EMAIL_ADDRESS_FORMAT" => "Invalid e-mail address",
        "VALID_PHONE_FORMAT" => "Invalid phone number",
        "VALID_NAME_FORMAT" => "Characters that no name has",
        "VALID_ENUM_VALUE" => "Value that is not in the list",
        "MATCH_REGEXP" => "Value of the wrong form",
        "MIN_LENGTH" => "Too short",
        "MAX_LENGTH" => "Too long",
        "MINIMUM_NUMBER_VALUE" => "Too small",
        "MAXIMUM_NUMBER_VALUE" => "Too large",
        "AT_LEAST_X_CAPITAL_LETTERS" => "Too few capital letters",
        "AT_LEAST_X_NUMBERS" => "Too few digits",
        "CANNOT_CONTAIN_CHARACTERS" => "Forbidden characters",
        "CANNOT_CONTAIN_DUPLICATES" => "The same more than once",
        "CANNOT_CONTAIN_OTHERS" => "The value of another property",
        "CELL_COUNT" => "More or fewer cells than columns",
        "NO_NUL_CHARACTER" => "NUL character in a cell",
        "UNAMBIGUOUS_KEY" => "Several objects with the same key",
        "VALID_RECORD" => "Record that cannot be imported",
        other => return readable(other),
    };
    known.to_owned()
}

/// `TOO_MANY_DOTS` as `Too many dots`.
fn readable(requirement: &str) -> String {
    let text = requirement.replace('_', " ").to_lowercase();
    let mut letters = text.chars();
    letters.next().map_or_else(|| "Refused".to_owned(), |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::title;

    #[test]
    fn groups_have_names() {
        for (requirement, about, wanted, text) in [
            ("VALID_DATE", Some("signUpDate"), Some("date"), "Invalid date in signUpDate"),
            ("VALID_TYPE", Some("score"), Some("number"), "Invalid number in score"),
            ("VALID_TYPE", Some("score"), None, "Value of the wrong type in score"),
            ("REQUIRED", Some("mail"), None, "Missing value in mail"),
            ("UNIQUE", Some("userName"), None, "Value that is taken: userName"),
            ("TOO_MANY_DOTS", Some("host"), None, "Too many dots in host"),
            ("CELL_COUNT", None, None, "More or fewer cells than columns"),
            ("", None, None, "Refused"),
        ] {
            assert_eq!(title(requirement, about, wanted), text);
        }
    }
}
