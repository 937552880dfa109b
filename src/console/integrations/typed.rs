//! What comes back from the dialog, as the settings that REST has.

use serde_json::{Map, Value};

use super::dates::lines;
use super::fields::Content;
use super::settings::{METHOD, Manner, SETTINGS, Setting, value};
use crate::console::form::Form;
use crate::error::{Error, Result};

/// What was typed.
#[derive(Debug)]
pub(super) struct Typed {
    /// As REST has it.
    pub(super) json: Map<String, Value>,
    /// What makes no sense as it was typed, with the settings that it is about.
    pub(super) mistakes: Vec<(&'static str, String)>,
    /// Whether everything came back as the dialog shows it.
    pub(super) is_as_shown: bool,
}

impl Typed {
    /// What a form says of the settings besides the name. Whatever came back as the dialog shows it is as it was in the
    /// earlier settings, to the letter: a field may not show all of a text, and what is typed is trimmed.
    pub(super) fn of(form: &Form, earlier: &Value) -> Result<Typed> {
        let mut json = Map::new();
        let mut mistakes = Vec::new();
        let mut is_as_shown = true;
        let method = form.text(METHOD)?.unwrap_or("keys");
        for setting in SETTINGS.iter().filter(|setting| setting.key != "name") {
            if came_back(setting, form, earlier)? {
                if let Some(value) = value(earlier, setting.key) {
                    put(&mut json, setting.key, value.clone());
                }
                continue;
            }
            is_as_shown = false;
            let Some(text) = form.text(setting.key)? else {
                if let Manner::Tick(_) = setting.manner {
                    put(&mut json, setting.key, Value::Bool(false));
                }
                continue;
            };
            let value = match setting.manner {
                Manner::Method => continue,
                Manner::Exact => form.whole(setting.key)?.into(),
                Manner::Number => match text.replace([',', '_', ' '], "").parse::<u64>() {
                    Ok(number) => number.into(),
                    Err(_) => {
                        let example = setting.example;
                        mistakes.push((
                            setting.key,
                            format!("'{text}' is not a whole number: write for example {example}"),
                        ));
                        continue;
                    }
                },
                Manner::Lines => lines(text).collect::<Vec<_>>().into(),
                Manner::Tick(_) => Value::Bool(true),
                Manner::Maybe => Value::Bool(text == "true"),
                Manner::Text | Manner::Secret | Manner::Choice(_) | Manner::ObjectType => text.into(),
            };
            put(&mut json, setting.key, value);
        }
        settle(&mut json, method);
        Ok(Typed { json, mistakes, is_as_shown })
    }
}

/// Whether a field came back as the dialog shows it with these settings.
fn came_back(setting: &Setting, form: &Form, settings: &Value) -> Result<bool> {
    Ok(match Content::of_settings(setting, settings) {
        Content::Tick(is_ticked) => form.is_ticked(setting.key) == is_ticked,
        Content::Text(shown) => {
            let sent = form.whole(setting.key)?.map(|sent| as_in_a_field(setting, sent));
            sent.is_some_and(|sent| sent == as_in_a_field(setting, &shown))
        }
    })
}

/// A text as browsers have it in a field, whichever way they write the ends of lines: most fields have one line.
fn as_in_a_field(setting: &Setting, text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\0', "\u{FFFD}");
    if setting.manner == Manner::Lines { text } else { text.replace('\n', "") }
}

fn put(json: &mut Map<String, Value>, key: &str, value: Value) {
    match key.split_once('.') {
        None => {
            json.insert(key.to_owned(), value);
        }
        Some((table, key)) => {
            let table = json.entry(table).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(table) = table {
                table.insert(key.to_owned(), value);
            }
        }
    }
}

/// Leaves out what has no meaning with what was chosen, and fills in what goes together.
fn settle(json: &mut Map<String, Value>, method: &str) {
    let is_directory = method == "directory";
    if method != "keys" {
        json.remove("accessKey");
    }
    if method != "role" {
        json.remove("role");
    }
    if is_directory {
        json.remove("s3");
    }
    let bucket = json.get("bucket").and_then(Value::as_str).unwrap_or_default();
    let names_directory = bucket.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"));
    if method == "keys" && !names_directory {
        // What is missing of it is said.
        json.entry("accessKey").or_insert_with(|| Value::Object(Map::new()));
    }
    if method == "role" {
        json.entry("role").or_insert_with(|| Value::Object([("arn".to_owned(), "".into())].into_iter().collect()));
    }
    // A callback is one that goes somewhere.
    let goes = |callback: &Value| callback.get("url").is_some() || callback.get("apiKey").is_some();
    if json.get("callback").is_some_and(|callback| !goes(callback)) {
        json.remove("callback");
    }
    if let Some(Value::Object(destination)) = json.get_mut("destination") {
        for part in ["product", "channel", "environment"] {
            destination.entry(part).or_insert_with(|| "".into());
        }
    }
}

/// The sentences of an error about settings.
pub(super) fn sentences(error: &Error) -> Vec<String> {
    error.parts().map_or_else(|| vec![error.to_string()], |(_, parts)| parts.to_vec())
}
