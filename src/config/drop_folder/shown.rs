//! A drop folder as it is shown and stored: as JSON, with every setting and without its secrets; and these apart.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::written::WrittenDropFolder;
use super::{Authorization, Bucket, CallbackSettings, DropFolder, OnIdentical, Schedule, SetBy};
use crate::config::secrets::WrittenSecret;
use crate::json::without_nulls;
use crate::plan::BlankCells;
use crate::secret::Secret;

impl DropFolder {
    /// All settings, in the form in which they can be put. Secrets are absent; `secretSet`, `sessionTokenSet` and
    /// `apiKeySet` say which there are.
    pub fn to_json(&self) -> Value {
        let rules = &self.rules;
        let word = |second: bool, words: [&str; 2]| words[usize::from(second)].to_owned();
        let columns = |ignore| word(ignore, ["refuse", "ignore"]);
        let (interval, cron) = match &self.schedule {
            Schedule::Every(interval) => (Some(duration(*interval)), None),
            Schedule::Cron(expression) => (None, Some(expression)),
        };
        let json = json!({
            "name": self.name,
            "objectType": self.object_type,
            "bucket": self.location,
            "baseFolder": self.base_folder,
            "accessKey": self.access_key(),
            "role": self.role().map(|arn| json!({ "arn": arn })),
            "s3": self.s3_settings(),
            "destination": self.destination,
            "dateFormat": Some(&self.date_formats).filter(|formats| !formats.is_empty()),
            "timeZone": self.time_zone,
            "pollInterval": interval,
            "cron": cron,
            "paused": self.paused,
            "settleTime": duration(self.settle_time),
            "maxRecords": self.max_records,
            "maxFileSize": size(self.max_file_size),
            "blankCells": word(rules.blank_cells == BlankCells::Clear, ["keep", "clear"]),
            "nullToken": rules.null_token,
            "columns": word(rules.columns.lenient, ["exact", "lenient"]),
            "disabledColumns": columns(rules.columns.ignore_disabled),
            "readOnlyColumns": columns(rules.columns.ignore_read_only),
            "createMissing": rules.create_missing,
            "strictDuplicates": rules.strict_duplicates,
            "encoding": rules.encoding,
            "onIdentical": word(rules.on_identical == OnIdentical::Skip, ["process", "skip"]),
            "stopOnError": rules.stop_on_error,
            "giveUpAfter": duration(self.give_up_after),
            "staleAfter": duration(self.stale_after),
            "keepProcessed": self.keep_processed.map_or_else(|| "never".to_owned(), duration),
            "callback": self.callback.as_ref().map(shown_callback),
        });
        without_nulls(json)
    }

    fn access_key(&self) -> Option<Value> {
        match &self.authorization {
            Authorization::AccessKey { id, session_token, .. } => Some(json!({
                "id": id, "secretSet": true, "sessionTokenSet": session_token.is_some()
            })),
            Authorization::None | Authorization::Role { .. } => None,
        }
    }

    fn role(&self) -> Option<&String> {
        match &self.authorization {
            Authorization::Role { arn } => Some(arn),
            Authorization::None | Authorization::AccessKey { .. } => None,
        }
    }

    fn s3_settings(&self) -> Option<Value> {
        let s3 = &self.s3;
        let shown = without_nulls(json!({
            "region": s3.region, "endpoint": s3.endpoint, "pathStyle": s3.path_style, "stsEndpoint": s3.sts_endpoint
        }));
        let is_empty = shown.as_object().is_none_or(Map::is_empty);
        (matches!(self.bucket, Bucket::S3 { .. }) && !is_empty).then_some(shown)
    }

    /// Its secrets, in the form in which they can be put, for [`filled`].
    pub fn secrets(&self) -> Value {
        let reveal = |secret: &Secret| secret.reveal().to_owned();
        let access_key = match &self.authorization {
            Authorization::AccessKey { secret, session_token, .. } => Some(without_nulls(json!({
                "secret": reveal(secret), "sessionToken": session_token.as_ref().map(reveal)
            }))),
            Authorization::None | Authorization::Role { .. } => None,
        };
        let callback = self.callback.as_ref().map(|callback| json!({ "apiKey": reveal(&callback.api_key) }));
        without_nulls(json!({ "accessKey": access_key, "callback": callback }))
    }
}

impl SetBy {
    /// The word for it, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            SetBy::File => "file",
            SetBy::Operator => "operator",
            SetBy::Administrator => "administrator",
        }
    }
}

fn shown_callback(callback: &CallbackSettings) -> Value {
    json!({ "url": callback.url, "apiKeySet": true, "allowPrivate": callback.allow_private })
}

/// Settings as they are stored, with their secrets.
pub fn filled(mut settings: Value, secrets: Value) -> Value {
    let Value::Object(secrets) = secrets else { return settings };
    for (table, members) in secrets {
        if let (Some(table), Value::Object(members)) = (settings[&table].as_object_mut(), members) {
            table.extend(members);
        }
    }
    settings
}

impl WrittenDropFolder {
    /// Takes over the secrets of the drop folder that is replaced, where none are written: those of the same access key
    /// at the same endpoint, and of a callback to the same host. So nobody who may not read a secret can have it sent elsewhere.
    pub fn keep_secrets(&mut self, earlier: &DropFolder) {
        let endpoint = self.s3.as_ref().and_then(|s3| s3.endpoint.as_deref()).and_then(origin);
        let literal = |secret: &Secret| WrittenSecret::Literal(secret.clone());
        if let (Some(written), Authorization::AccessKey { id, secret, session_token }) =
            (&mut self.access_key, &earlier.authorization)
            && written.secret.is_none()
            && written.id.as_ref() == Some(id)
            && endpoint == earlier.s3.endpoint.as_deref().and_then(origin)
        {
            written.secret = Some(literal(secret));
            if written.session_token.is_none() {
                written.session_token = session_token.as_ref().map(literal);
            }
        }
        if let (Some(written), Some(callback)) = (&mut self.callback, &earlier.callback)
            && written.api_key.is_none()
            && written.url.as_deref().is_some_and(|url| origin(url) == origin(&callback.url))
        {
            written.api_key = Some(literal(&callback.api_key));
        }
    }
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<String> {
    crate::address::parse(url).ok().map(|url| url.origin().ascii_serialization())
}

/// A length of time as it is written, in the largest unit that says it exactly.
fn duration(length: Duration) -> String {
    let millis = length.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let unit = units.into_iter().find(|(_, unit)| millis > 0 && millis.is_multiple_of(*unit));
    match unit {
        _ if millis == 0 => "0s".to_owned(),
        Some((unit, length)) => format!("{}{unit}", millis / length),
        None => format!("{millis}ms"),
    }
}

/// A size as it is written, in the largest unit that says it exactly.
fn size(bytes: u64) -> String {
    let units = [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)];
    match units.into_iter().find(|(_, unit)| bytes > 0 && bytes.is_multiple_of(*unit)) {
        Some((unit, size)) => format!("{}{unit}", bytes / size),
        None => bytes.to_string(),
    }
}
