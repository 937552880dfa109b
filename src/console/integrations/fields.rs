//! The fields of the dialog: what a person sees of each setting, and what is said next to it.

use serde_json::Value;

use super::settings::{METHOD, METHODS, Manner, SETTINGS, Setting, is_set, method, value};
use crate::config::about;
use crate::console::form::Form;
use crate::error::Result;

/// A setting on its way between a person and the library.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) setting: &'static Setting,
    pub(super) control: Control,
    /// What is wrong, in sentences.
    pub(super) problems: Vec<String>,
}

/// What a person sees of the value of a setting, and changes.
#[derive(Debug)]
pub(super) enum Control {
    Text { value: String, options: Vec<String> },
    Number { value: String },
    Lines { value: String },
    Secret { is_set: bool },
    Tick { is_ticked: bool },
    Choice { options: Vec<Choice> },
}

/// One of several things to choose from.
#[derive(Debug)]
pub(super) struct Choice {
    pub(super) value: String,
    pub(super) text: String,
    pub(super) is_chosen: bool,
}

impl Field {
    /// What the field is called in the page.
    pub(super) fn id(&self) -> String {
        format!("setting-{}", self.setting.key.replace('.', "-"))
    }

    /// What describes it.
    pub(super) fn described_by(&self) -> String {
        let mut ids = Vec::new();
        if self.has_hint() {
            ids.push(format!("{}-hint", self.id()));
        }
        if !self.problems.is_empty() {
            ids.push(format!("{}-problem", self.id()));
        }
        ids.join(" ")
    }

    /// Whether something is said about it.
    pub(super) fn has_hint(&self) -> bool {
        !self.setting.hint.is_empty() || self.is_set_secret()
    }

    /// Whether it is a secret that is there.
    pub(super) fn is_set_secret(&self) -> bool {
        matches!(self.control, Control::Secret { is_set: true })
    }

    /// With which methods it has a meaning: the class of its field.
    pub(super) fn class(&self) -> &'static str {
        match self.setting.key {
            "accessKey.id" | "accessKey.secret" | "accessKey.sessionToken" => "field when-keys",
            "role.arn" | "s3.stsEndpoint" => "field when-role",
            "s3.region" | "s3.endpoint" | "s3.pathStyle" => "field when-s3",
            _ => "field",
        }
    }
}

/// What there is to choose from.
pub(super) struct Known {
    /// The object types that the visitor may see.
    pub(super) object_types: Vec<String>,
    /// The destinations of other drop folders.
    pub(super) destinations: Vec<Value>,
}

/// All fields of the dialog.
pub(super) struct Fields(Vec<Field>);

impl Fields {
    /// With what is set.
    pub(super) fn of_settings(settings: &Value, known: &Known) -> Fields {
        Fields::new(known, settings, |setting| Content::of_settings(setting, settings))
    }

    /// With what was typed. Secrets are not among it; `earlier` says which there are.
    pub(super) fn of_form(form: &Form, earlier: &Value, known: &Known) -> Result<Fields> {
        let mut typed = Vec::with_capacity(SETTINGS.len());
        for setting in SETTINGS {
            typed.push(match setting.manner {
                Manner::Tick(_) => Content::Tick(form.is_ticked(setting.key)),
                _ => Content::Text(form.whole(setting.key)?.unwrap_or_default().to_owned()),
            });
        }
        let mut typed = typed.into_iter();
        let mut fields = Fields::new(known, earlier, |_| typed.next().unwrap_or(Content::Tick(false)));
        for field in &mut fields.0 {
            if matches!(field.control, Control::Secret { .. }) && form.text(field.setting.key)?.is_some() {
                let label = field.setting.label;
                field.problems.push(format!("Type {label} again: what was typed is not sent back into the page"));
            }
        }
        Ok(fields)
    }

    fn new(known: &Known, settings: &Value, mut typed: impl FnMut(&'static Setting) -> Content) -> Fields {
        let field = |setting: &'static Setting| {
            let control = match typed(setting) {
                Content::Tick(is_ticked) => Control::Tick { is_ticked },
                Content::Text(text) => control(setting, text, settings, known),
            };
            Field { setting, control, problems: Vec::new() }
        };
        Fields(SETTINGS.iter().map(field).collect())
    }

    /// Those of these settings, in their order.
    pub(super) fn group(&self, keys: &[&str]) -> Vec<&Field> {
        self.0.iter().filter(|field| keys.contains(&field.setting.key)).collect()
    }

    /// All but those of these settings, in their order.
    pub(super) fn others(&self, keys: &[&str]) -> Vec<&Field> {
        self.0.iter().filter(|field| !keys.contains(&field.setting.key)).collect()
    }

    /// Leaves out the field of a setting.
    pub(super) fn without(mut self, key: &str) -> Fields {
        self.0.retain(|field| field.setting.key != key);
        self
    }

    /// What stands in a field.
    pub(super) fn text(&self, key: &str) -> &str {
        match self.0.iter().find(|field| field.setting.key == key).map(|field| &field.control) {
            Some(Control::Text { value, .. } | Control::Number { value } | Control::Lines { value }) => value,
            _ => "",
        }
    }

    /// Fields that something is wrong with.
    pub(super) fn wrong(&self) -> impl Iterator<Item = &Field> {
        self.0.iter().filter(|field| !field.problems.is_empty())
    }

    /// Says what is wrong next to the field that it is about. What is about none of them is given back.
    pub(super) fn note(&mut self, mistakes: Vec<String>, name: &str) -> Vec<String> {
        let mut left = Vec::new();
        for mistake in mistakes {
            let found = about(&mistake, name).and_then(|(key, rest)| Some((self.field_of(key)?, key, rest)));
            match found {
                Some((field, _, rest)) => {
                    let sentence = format!("{}{rest}", field.setting.label);
                    // It may be the secret in the wrong place.
                    if let ("accessKey.id", Control::Text { value, .. }) = (field.setting.key, &mut field.control) {
                        value.clear();
                    }
                    field.problems.insert(0, sentence);
                }
                None => left.push(mistake),
            }
        }
        left
    }

    /// Notes what is wrong with one field.
    pub(super) fn note_one(&mut self, key: &str, problem: String) {
        if let Some(field) = self.field_of(key) {
            field.problems.insert(0, problem);
        }
    }

    /// The field that is about a setting, or about the part of the settings that has the name.
    fn field_of(&mut self, key: &str) -> Option<&mut Field> {
        let key = match key {
            "object_type" => "objectType",
            "accessKey" => METHOD,
            "role" => "s3.region",
            "s3" => "s3.endpoint",
            key => key,
        };
        self.0.iter_mut().find(|field| field.setting.key == key)
    }
}

/// What stands in a field.
pub(super) enum Content {
    Text(String),
    Tick(bool),
}

impl Content {
    pub(super) fn of_settings(setting: &Setting, settings: &Value) -> Content {
        let text = || match value(settings, setting.key) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            Some(Value::Array(texts)) => texts.iter().filter_map(Value::as_str).collect::<Vec<_>>().join("\n"),
            Some(Value::Bool(ticked)) => ticked.to_string(),
            _ => String::new(),
        };
        match setting.manner {
            Manner::Method => Content::Text(method(settings).to_owned()),
            Manner::Tick(default) => {
                Content::Tick(value(settings, setting.key).and_then(Value::as_bool).unwrap_or(default))
            }
            _ => Content::Text(text()),
        }
    }
}

fn control(setting: &'static Setting, text: String, settings: &Value, known: &Known) -> Control {
    let choice =
        |value: &str, shown: &str| Choice { value: value.to_owned(), text: shown.to_owned(), is_chosen: value == text };
    match setting.manner {
        Manner::Number => Control::Number { value: text },
        Manner::Lines => Control::Lines { value: text },
        Manner::Secret => Control::Secret { is_set: is_set(settings, setting.key) },
        Manner::Choice(words) => {
            Control::Choice { options: words.iter().map(|(word, shown)| choice(word, shown)).collect() }
        }
        Manner::Method => {
            Control::Choice { options: METHODS.iter().map(|(word, shown)| choice(word, shown)).collect() }
        }
        Manner::Maybe => {
            let options = [("", "by default"), ("true", "yes"), ("false", "no")];
            Control::Choice { options: options.iter().map(|(word, shown)| choice(word, shown)).collect() }
        }
        Manner::ObjectType => {
            let mut options: Vec<Choice> = known.object_types.iter().map(|name| choice(name, name)).collect();
            if !options.iter().any(|option| option.is_chosen) {
                let shown = if text.is_empty() { "choose one" } else { &text };
                options.insert(0, Choice { value: text.clone(), text: shown.to_owned(), is_chosen: true });
            }
            Control::Choice { options }
        }
        Manner::Text | Manner::Exact | Manner::Tick(_) => {
            let part = setting.key.strip_prefix("destination.");
            let mut options: Vec<String> = part.map_or_else(Vec::new, |part| {
                known.destinations.iter().filter_map(|known| known[part].as_str().map(str::to_owned)).collect()
            });
            options.sort();
            options.dedup();
            Control::Text { value: text, options }
        }
    }
}
