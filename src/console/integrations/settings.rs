//! The settings of a drop folder as fields of a form: what each is called, what is said about it, how it is typed, and
//! where it stands among the settings as REST has them.

use serde_json::{Map, Value};

use super::dates::lines;
use crate::config::about;
use crate::console::form::Form;
use crate::error::{Error, Result};

/// A setting. Its key is its path in the JSON: `accessKey.id`.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    /// What stands in the empty field.
    pub(super) example: &'static str,
    manner: Manner,
}

/// How a setting is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Text,
    /// Text of which outer blanks are a part.
    Exact,
    Number,
    /// One text in a line, at least one.
    Lines,
    /// Goes in and never comes out.
    Secret,
    /// A box; without a word from anybody it is as it says.
    Tick(bool),
    /// One of these words, the first of which is the default.
    Choice(&'static [(&'static str, &'static str)]),
    /// Yes, no, or not said.
    Maybe,
    /// One of the object types.
    ObjectType,
    /// How the bucket lets us in: a choice of the form's own.
    Method,
}

const fn setting(
    key: &'static str,
    label: &'static str,
    manner: Manner,
    example: &'static str,
    hint: &'static str,
) -> Setting {
    Setting { key, label, hint, example, manner }
}

/// How the bucket lets us in, as the form says it.
pub(super) const METHOD: &str = "method";
const METHODS: [(&str, &str); 3] =
    [("keys", "User Access Keys"), ("role", "IAM User Roles"), ("directory", "None (a directory of the server)")];

/// All settings, in the order of the dialog.
const SETTINGS: &[Setting] = &[
    setting("name", "Name", Manner::Text, "", "Letters, digits, '-', '_' and '.'. It cannot be changed later."),
    setting(
        "objectType",
        "Object type",
        Manner::ObjectType,
        "",
        "What the records become. The type has a property 'id', by which objects are found.",
    ),
    setting("destination.product", "Product", Manner::Text, "", ""),
    setting("destination.channel", "Channel", Manner::Text, "", ""),
    setting("destination.environment", "Environment", Manner::Text, "", ""),
    setting(METHOD, "Authorization Method", Manner::Method, "", ""),
    setting(
        "bucket",
        "S3 Bucket Name",
        Manner::Text,
        "ABC123/export",
        "Bucket name and optional sub-folders, e.g. ABC123/export. For a directory of the server: file:drop.",
    ),
    setting("accessKey.id", "AWS Access Key", Manner::Text, "AKIA...", ""),
    setting("accessKey.secret", "AWS Security Token", Manner::Secret, "", "The secret access key that belongs to it."),
    setting(
        "role.arn",
        "User Role ARN",
        Manner::Text,
        "arn:aws:iam::123456789012:role/NAME",
        "Once it is applied, the page of the drop folder has the policies for the role, with its ExternalId.",
    ),
    setting(
        "baseFolder",
        "Path to base import folder",
        Manner::Text,
        "users_import",
        "The folder that 'current' and 'processed' lie in. Empty if they lie at the top.",
    ),
    setting(
        "dateFormat",
        "Date Format",
        Manner::Lines,
        "",
        "A Java pattern such as yyyy-MM-dd'T'HH:mm:ssX, or several, one in a line. Empty for ISO 8601.",
    ),
    setting(
        "callback.url",
        "Status callback endpoint",
        Manner::Text,
        "https://www.example.com/prd/data-export",
        "It is posted to when a run is over. Empty if nobody is to be told.",
    ),
    setting(
        "callback.apiKey",
        "API Key for the status callback endpoint",
        Manner::Secret,
        "",
        "It is sent as x-api-key.",
    ),
    setting(
        "accessKey.sessionToken",
        "Session token",
        Manner::Secret,
        "",
        "Of temporary access keys only. Whoever types a new AWS Security Token types it too.",
    ),
    setting("s3.region", "Region", Manner::Text, "eu-central-1", "Needed for roles; otherwise S3 is asked."),
    setting(
        "s3.endpoint",
        "Endpoint",
        Manner::Text,
        "https://s3.example.com",
        "Of a server other than AWS: MinIO, Ceph, R2.",
    ),
    setting("s3.pathStyle", "Bucket in the path", Manner::Maybe, "", "By default with an endpoint of one's own."),
    setting(
        "s3.stsEndpoint",
        "STS endpoint",
        Manner::Text,
        "",
        "Where roles are assumed, if not at AWS in the region.",
    ),
    setting(
        "callback.allowPrivate",
        "The callback may go to a private address",
        Manner::Tick(false),
        "",
        "Only where drop_folders.allow_private of rollbook.toml allows it.",
    ),
    setting("timeZone", "Time zone", Manner::Text, "", "Of dates that name none: UTC, Europe/Berlin, Asia/Seoul."),
    setting("pollInterval", "Poll interval", Manner::Text, "15m", "How often it is looked at: 30s, 15m, 6h, 1d."),
    setting(
        "cron",
        "Schedule",
        Manner::Text,
        "30 2 * * MON-FRI",
        "Instead of an interval: minute, hour, day of month, month and day of week, in UTC.",
    ),
    setting("paused", "Paused: look only when somebody asks", Manner::Tick(false), "", ""),
    setting(
        "settleTime",
        "Settle time",
        Manner::Text,
        "2s",
        "How long nothing of a partition may have changed before it is taken.",
    ),
    setting("maxRecords", "Max records", Manner::Number, "350000", "Of a file. One with more is refused."),
    setting("maxFileSize", "Max file size", Manner::Text, "2GB", "As it lies in the bucket."),
    setting(
        "blankCells",
        "Empty cells",
        Manner::Choice(&[("keep", "keep what is there"), ("clear", "remove the property")]),
        "",
        "",
    ),
    setting("nullToken", "Null token", Manner::Exact, "__NULL__", "A cell that is this removes its property."),
    setting(
        "columns",
        "Columns",
        Manner::Choice(&[("exact", "named exactly like properties"), ("lenient", "by title too, whatever the case")]),
        "",
        "",
    ),
    setting(
        "disabledColumns",
        "Columns of disabled properties",
        Manner::Choice(&[("refuse", "refuse the file"), ("ignore", "are ignored")]),
        "",
        "",
    ),
    setting(
        "readOnlyColumns",
        "Columns of read-only properties",
        Manner::Choice(&[("refuse", "refuse the file"), ("ignore", "are ignored")]),
        "",
        "",
    ),
    setting("createMissing", "Make objects that are not there yet", Manner::Tick(true), "", ""),
    setting(
        "strictDuplicates",
        "An id that comes twice in a file is an error",
        Manner::Tick(false),
        "",
        "Otherwise the last record counts.",
    ),
    setting("encoding", "Encoding", Manner::Text, "windows-1252", "Of files that are not in UTF-8."),
    setting(
        "onIdentical",
        "A file that was imported before, byte for byte",
        Manner::Choice(&[("process", "is imported again"), ("skip", "is passed over")]),
        "",
        "",
    ),
    setting("stopOnError", "Leave the files behind one that is refused unread", Manner::Tick(false), "", ""),
    setting("giveUpAfter", "Give up after", Manner::Text, "6h", "So long reading a file is tried."),
    setting(
        "staleAfter",
        "Stale after",
        Manner::Text,
        "24h",
        "A partition without _SUCCESS that is older is warned of.",
    ),
    setting(
        "keepProcessed",
        "Keep processed",
        Manner::Text,
        "never",
        "After so long what lies under processed is removed: 90d, or never.",
    ),
];

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

/// A setting with its value, for whoever only reads.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// What is set, without what is left out.
pub(super) fn facts(settings: &Value) -> Vec<Fact> {
    let fact = |setting: &'static Setting| {
        let value = said(setting, settings)?;
        Some(Fact { key: setting.key, label: setting.label, value })
    };
    SETTINGS.iter().filter(|setting| setting.key != "name").filter_map(fact).collect()
}

/// A setting that is not the same: what it was, and what it would be.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) label: &'static str,
    pub(super) theirs: Option<String>,
    pub(super) ours: Option<String>,
}

/// Settings that are not the same.
pub(super) fn differences(theirs: &Value, ours: &Value) -> Vec<Difference> {
    let both = SETTINGS.iter().map(|setting| Difference {
        label: setting.label,
        theirs: said(setting, theirs),
        ours: said(setting, ours),
    });
    both.filter(|difference| difference.theirs != difference.ours).collect()
}

/// What a setting says, for people.
fn said(setting: &Setting, settings: &Value) -> Option<String> {
    match (setting.manner, value(settings, setting.key)) {
        (Manner::Method, _) => {
            let method = method(settings);
            METHODS.iter().find(|(word, _)| *word == method).map(|(_, text)| (*text).to_owned())
        }
        (Manner::Secret, _) => is_set(settings, setting.key).then(|| "set".to_owned()),
        (Manner::Tick(_) | Manner::Maybe, Some(Value::Bool(ticked))) => {
            Some(if *ticked { "yes" } else { "no" }.to_owned())
        }
        (Manner::Choice(words), Some(Value::String(word))) => {
            let text = words.iter().find(|(known, _)| known == word).map_or(word.as_str(), |(_, text)| text);
            Some(text.to_owned())
        }
        (_, Some(Value::String(text))) if text.is_empty() => None,
        (_, Some(Value::String(text))) => Some(text.clone()),
        (_, Some(Value::Array(texts))) => {
            let texts: Vec<&str> = texts.iter().filter_map(Value::as_str).collect();
            Some(texts.join("\n"))
        }
        (_, Some(Value::Number(number))) => Some(number.to_string()),
        _ => None,
    }
}

fn value<'v>(settings: &'v Value, key: &str) -> Option<&'v Value> {
    key.split('.').try_fold(settings, |value, part| value.get(part))
}

/// Whether a secret is there that is not shown.
fn is_set(settings: &Value, key: &str) -> bool {
    value(settings, &format!("{key}Set")).and_then(Value::as_bool).unwrap_or(false)
}

/// Has no secret be there.
pub(super) fn forget_secrets(settings: &mut Value) {
    for setting in SETTINGS.iter().filter(|setting| setting.manner == Manner::Secret) {
        let Some((table, key)) = setting.key.split_once('.') else { continue };
        if let Some(table) = settings.get_mut(table).and_then(Value::as_object_mut) {
            table.remove(&format!("{key}Set"));
        }
    }
}

/// How the bucket lets in a drop folder of these settings.
fn method(settings: &Value) -> &'static str {
    let is_directory = || {
        let bucket = settings["bucket"].as_str().unwrap_or_default();
        bucket.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:"))
    };
    match (settings.get("accessKey"), settings.get("role")) {
        (None, Some(_)) => "role",
        (None, None) if is_directory() => "directory",
        _ => "keys",
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
enum Content {
    Text(String),
    Tick(bool),
}

impl Content {
    fn of_settings(setting: &Setting, settings: &Value) -> Content {
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
