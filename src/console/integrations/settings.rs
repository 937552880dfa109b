//! The settings of a drop folder as people know them: what each is called, what is said about it, how it is typed, where
//! it stands among the settings as REST has them, and what its value says.

use serde_json::Value;

/// A setting. Its key is its path in the JSON: `accessKey.id`.
#[derive(Debug)]
pub(super) struct Setting {
    pub(super) key: &'static str,
    pub(super) label: &'static str,
    pub(super) hint: &'static str,
    /// What stands in the empty field.
    pub(super) example: &'static str,
    pub(super) manner: Manner,
}

/// How a setting is typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
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
pub(super) const METHODS: [(&str, &str); 3] =
    [("keys", "User Access Keys"), ("role", "IAM User Roles"), ("directory", "None (a directory of the server)")];

/// All settings, in the order of the dialog.
pub(super) const SETTINGS: &[Setting] = &[
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

/// The value of a setting.
pub(super) fn value<'v>(settings: &'v Value, key: &str) -> Option<&'v Value> {
    key.split('.').try_fold(settings, |value, part| value.get(part))
}

/// Whether a secret is there that is not shown.
pub(super) fn is_set(settings: &Value, key: &str) -> bool {
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
pub(super) fn method(settings: &Value) -> &'static str {
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
