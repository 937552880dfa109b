//! From a drop folder as it is written to what it means. Every mistake is noted, with the drop folder's name.

use std::path::PathBuf;
use std::time::Duration;

use super::place::{read_bucket, read_path, resolved};
use super::section::Surroundings;
use super::written::{
    WrittenAccessKey, WrittenCallback, WrittenDestination, WrittenDropFolder, WrittenRole, WrittenS3,
};
use super::{
    Authorization, Bucket, CallbackSettings, DropFolder, FileRules, OnIdentical, S3Settings, Schedule, SetBy, schedule,
};
use crate::address;
use crate::config::secrets::{NoSecret, WrittenSecret};
use crate::config::values::Values;
use crate::plan::{BlankCells, ColumnRules, Destination};
use crate::schema::{DateFormats, TypeName};
use crate::secret::Secret;

/// Gainsight PX's limit.
const MAX_RECORDS: u64 = 350_000;
const MAX_FILE_SIZE: u64 = 2 << 30;
/// More cannot be copied in S3 in one step.
const MOST_FILE_SIZE: u64 = 5 << 30;
/// Gainsight PX looks every 15 minutes.
const POLL_INTERVAL: Duration = Duration::from_mins(15);
const SETTLE_TIME: Duration = Duration::from_secs(2);
const GIVE_UP_AFTER: Duration = Duration::from_hours(6);
const STALE_AFTER: Duration = Duration::from_hours(24);

/// What reading a drop folder came to.
pub(super) struct Read {
    /// The drop folder, unless it has mistakes.
    pub(super) folder: Option<DropFolder>,
    /// What is wrong, one sentence each.
    pub(super) mistakes: Vec<String>,
    /// What is not there now: variables and files that secrets are in. Another process may have them.
    pub(super) lacks: Vec<String>,
}

/// One drop folder being read.
struct Reader<'a> {
    around: &'a Surroundings<'a>,
    set_by: SetBy,
    /// The start of every sentence.
    whose: String,
    values: Values,
    lacks: Vec<String>,
}

/// Reads a drop folder. `whose` names it where it has no name.
pub(super) fn read(written: WrittenDropFolder, whose: &str, set_by: SetBy, around: &Surroundings<'_>) -> Read {
    let whose = written.name().map_or_else(|| whose.to_owned(), |name| format!("drop folder '{name}'"));
    let mut reader = Reader { around, set_by, whose, values: Values::default(), lacks: Vec::new() };
    let folder = reader.folder(written);
    let mistakes = reader.values.into_mistakes();
    Read { folder: folder.filter(|_| mistakes.is_empty()), mistakes, lacks: reader.lacks }
}

impl Reader<'_> {
    fn folder(&mut self, written: WrittenDropFolder) -> Option<DropFolder> {
        let name = self.name(written.name);
        let object_type = self.object_type(written.object_type);
        let location = written.bucket.unwrap_or_default();
        let bucket = self.bucket(&location);
        let base_folder = self.base_folder(written.base_folder);
        let s3 = self.s3(written.s3, bucket.as_ref());
        let authorization = self.authorization(written.access_key, written.role, bucket.as_ref(), &s3);
        let destination = written.destination.map(|destination| self.destination(destination));
        let date_formats = self.date_formats(written.date_format.map(|texts| texts.0), written.time_zone.as_deref());
        let schedule = self.schedule(written.poll_interval.as_deref(), written.cron);
        let max_records = self.at_least_one("max_records", written.max_records, MAX_RECORDS);
        let max_file_size = self.max_file_size(written.max_file_size.as_deref(), bucket.as_ref());
        let callback = written.callback.and_then(|callback| self.callback(callback));
        let rules = FileRules {
            blank_cells: self.blank_cells(written.blank_cells.as_deref()),
            null_token: self.null_token(written.null_token),
            columns: ColumnRules {
                lenient: self.choice("columns", written.columns.as_deref(), ["exact", "lenient"]),
                ignore_disabled: self.refuse_or_ignore("disabled_columns", written.disabled_columns.as_deref()),
                ignore_read_only: self.refuse_or_ignore("read_only_columns", written.read_only_columns.as_deref()),
            },
            create_missing: written.create_missing.unwrap_or(true),
            strict_duplicates: written.strict_duplicates.unwrap_or(false),
            encoding: self.encoding(written.encoding),
            on_identical: match self.choice("on_identical", written.on_identical.as_deref(), ["process", "skip"]) {
                false => OnIdentical::Process,
                true => OnIdentical::Skip,
            },
            stop_on_error: written.stop_on_error.unwrap_or(false),
        };
        Some(DropFolder {
            set_by: self.set_by,
            settle_time: self.duration("settle_time", written.settle_time.as_deref(), SETTLE_TIME),
            give_up_after: self.duration("give_up_after", written.give_up_after.as_deref(), GIVE_UP_AFTER),
            stale_after: self.duration("stale_after", written.stale_after.as_deref(), STALE_AFTER),
            keep_processed: self.keep_processed(written.keep_processed.as_deref()),
            paused: written.paused.unwrap_or(false),
            time_zone: written.time_zone.unwrap_or_else(|| self.around.time_zone.to_owned()),
            name: name?,
            object_type: object_type?,
            bucket: bucket?,
            location,
            base_folder,
            authorization: authorization?,
            s3,
            destination,
            date_formats,
            schedule,
            max_records,
            max_file_size,
            rules,
            callback,
        })
    }

    /// The name of a setting in sentences.
    fn key(&self, key: &str) -> String {
        let key = match self.set_by {
            SetBy::Administrator => camel_case(key),
            SetBy::File | SetBy::Operator => key.to_owned(),
        };
        format!("{}: {key}", self.whose)
    }

    /// Notes what is wrong with a setting, in a sentence that goes on behind its name.
    fn mistake(&mut self, key: &str, sentence: impl AsRef<str>) {
        let key = self.key(key);
        self.values.mistake(format!("{key}{}", sentence.as_ref()));
    }

    fn name(&mut self, name: Option<String>) -> Option<String> {
        let Some(name) = name else {
            self.mistake("name", " is missing");
            return None;
        };
        let is_known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        let starts_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        if !starts_well || name.len() > LONGEST_NAME || !name.bytes().all(is_known) {
            let rule =
                format!("a name has up to {LONGEST_NAME} letters, digits, '-', '_' and '.', a letter or digit first");
            self.mistake("name", format!(" = '{name}' is not one: {rule}"));
        }
        Some(name)
    }

    fn object_type(&mut self, written: Option<String>) -> Option<TypeName> {
        match written.as_deref().map(str::parse::<TypeName>) {
            None => self.mistake("object_type", " is missing: write for example 'managed/px_user'"),
            Some(Err(error)) => self.mistake("object_type", format!(": {error}")),
            Some(Ok(name)) => return Some(name),
        }
        None
    }

    fn bucket(&mut self, location: &str) -> Option<Bucket> {
        if location.is_empty() {
            self.mistake("bucket", " is missing: write for example 'ABC123/export'");
            return None;
        }
        match read_bucket(location, self.around.data) {
            Err(why) => {
                self.mistake("bucket", format!(" = '{location}' {why}"));
                None
            }
            Ok(Bucket::Directory(directory)) if !self.may_use(&directory) => {
                let roots: Vec<String> =
                    self.around.limits.local_roots.iter().map(|root| format!("'{}'", root.display())).collect();
                let roots = if roots.is_empty() { "none".to_owned() } else { roots.join(", ") };
                let key = " lies outside of the directories that drop_folders.local_roots of rollbook.toml allows";
                self.mistake("bucket", format!(" = '{location}'{key}: {roots}"));
                None
            }
            Ok(bucket) => Some(bucket),
        }
    }

    fn may_use(&self, directory: &PathBuf) -> bool {
        let roots = &self.around.limits.local_roots;
        self.set_by != SetBy::Administrator
            || roots.iter().any(|root| directory.starts_with(resolved(&self.around.data.join(root))))
    }

    fn base_folder(&mut self, written: Option<String>) -> String {
        let Some(written) = written else { return String::new() };
        match read_path(&written) {
            Ok(path) => {
                if let Some(part) = path.split('/').find(|part| OURS.contains(part)) {
                    self.mistake(
                        "base_folder",
                        format!(
                            " = '{written}' has '{part}' in it: name the folder that 'current' and 'processed' lie in"
                        ),
                    );
                }
                path
            }
            Err(why) => {
                self.mistake("base_folder", format!(" = '{written}' {why}"));
                String::new()
            }
        }
    }

    fn s3(&mut self, written: Option<WrittenS3>, bucket: Option<&Bucket>) -> S3Settings {
        let Some(written) = written else { return S3Settings::default() };
        if let Some(Bucket::Directory(_)) = bucket {
            self.mistake("s3", " is for buckets in S3, and this one is a directory");
        }
        let is_region = |region: &String| {
            !region.is_empty() && region.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        };
        if let Some(region) = written.region.as_ref().filter(|region| !is_region(region)) {
            self.mistake("s3.region", format!(" = '{region}' is not a region: write for example 'eu-central-1'"));
        }
        self.endpoint("s3.endpoint", written.endpoint.as_deref());
        self.endpoint("s3.sts_endpoint", written.sts_endpoint.as_deref());
        S3Settings {
            region: written.region,
            endpoint: written.endpoint,
            path_style: written.path_style,
            sts_endpoint: written.sts_endpoint,
        }
    }

    /// Requests are signed for a host; there is no path below it.
    fn endpoint(&mut self, key: &str, written: Option<&str>) {
        let Some(written) = written else { return };
        match address::check_url(written, self.reaches_private()) {
            Err(error) => self.mistake(key, format!(": {error}{}", self.how_to_allow())),
            Ok(url) if url.path() != "/" || url.query().is_some() || url.fragment().is_some() => {
                self.mistake(key, format!(" = '{written}' has more than a host and a port: write 'https://HOST:PORT'"));
            }
            Ok(_) => {}
        }
    }

    /// Whether the drop folder may reach private addresses.
    fn reaches_private(&self) -> bool {
        self.set_by != SetBy::Administrator || self.around.limits.allow_private
    }

    fn how_to_allow(&self) -> &'static str {
        match self.reaches_private() {
            true => "",
            false => " (drop_folders.allow_private = true in rollbook.toml allows private addresses)",
        }
    }

    fn authorization(
        &mut self,
        access_key: Option<WrittenAccessKey>,
        role: Option<WrittenRole>,
        bucket: Option<&Bucket>,
        s3: &S3Settings,
    ) -> Option<Authorization> {
        match (bucket, access_key, role) {
            (Some(Bucket::Directory(_)), None, None) => Some(Authorization::None),
            (Some(Bucket::Directory(_)), Some(_), _) => {
                self.mistake("access_key", " is for buckets in S3, and this one is a directory");
                None
            }
            (Some(Bucket::Directory(_)), None, Some(_)) => {
                self.mistake("role", " is for buckets in S3, and this one is a directory");
                None
            }
            (_, Some(_), Some(_)) => {
                self.mistake("access_key", " and role are both given: one of them lets us in");
                None
            }
            (_, Some(access_key), None) => self.access_key(access_key),
            (_, None, Some(role)) => self.role(role, s3),
            (Some(Bucket::S3 { .. }), None, None) => {
                self.mistake("access_key", " or role is missing: one of them lets us in");
                None
            }
            (None, None, None) => None,
        }
    }

    fn access_key(&mut self, written: WrittenAccessKey) -> Option<Authorization> {
        let id = match written.id {
            Some(id) if is_key_id(&id) => Some(id),
            // It may be the secret in the wrong place.
            Some(id) if !id.is_empty() => {
                self.mistake("access_key.id", " is not an id: it has neither blanks nor slashes");
                None
            }
            _ => {
                self.mistake("access_key.id", " is missing: without keys of its own a drop folder is not let in");
                None
            }
        };
        let secret = self.secret("access_key.secret", written.secret);
        let session_token = match written.session_token {
            Some(token) => Some(self.secret("access_key.session_token", Some(token))?),
            None => None,
        };
        Some(Authorization::AccessKey { id: id?, secret: secret?, session_token })
    }

    /// A secret that goes into headers of requests, or into what signs them.
    fn secret(&mut self, key: &str, written: Option<WrittenSecret>) -> Option<Secret> {
        let Some(written) = written else {
            self.mistake(key, " is missing");
            return None;
        };
        if self.set_by == SetBy::Administrator && !matches!(written, WrittenSecret::Literal(_)) {
            self.mistake(key, " is to be the secret itself: { env } and { file } are for rollbook.toml");
            return None;
        }
        match written.resolve(self.around.data, self.around.environment) {
            Ok(secret) if is_header_value(secret.reveal()) => Some(secret),
            Ok(_) => {
                self.mistake(key, " has outer blanks, control characters or letters beyond ASCII");
                None
            }
            Err(NoSecret::Wrong(why)) => {
                self.mistake(key, format!(" {why}"));
                None
            }
            Err(NoSecret::Lacking(why)) => {
                self.lacks.push(format!("{}: {why}", self.key(key)));
                Some(Secret::new(""))
            }
        }
    }

    fn role(&mut self, WrittenRole { arn }: WrittenRole, s3: &S3Settings) -> Option<Authorization> {
        if !is_role_arn(&arn) {
            self.mistake(
                "role.arn",
                format!(" = '{arn}' is not the ARN of a role: write 'arn:aws:iam::123456789012:role/NAME'"),
            );
        }
        if s3.region.is_none() && s3.sts_endpoint.is_none() && self.around.environment.aws_region().is_none() {
            let key = self.key("role");
            self.lacks.push(format!(
                "{key} needs a region to be assumed in: write s3 = {{ region = \"...\" }}, or set AWS_REGION"
            ));
        }
        Some(Authorization::Role { arn })
    }

    fn destination(&mut self, written: WrittenDestination) -> Destination {
        let WrittenDestination { product, channel, environment } = written;
        for (key, text) in [("product", &product), ("channel", &channel), ("environment", &environment)] {
            if text.trim().is_empty() {
                self.mistake(&format!("destination.{key}"), " is empty");
            } else if text.contains(|c: char| c == '/' || c.is_control()) {
                self.mistake(
                    &format!("destination.{key}"),
                    format!(
                        " = '{text}' has a slash or control characters: objects are given 'product/channel/environment'"
                    ),
                );
            }
        }
        Destination { product, channel, environment }
    }

    fn date_formats(&mut self, written: Option<Vec<String>>, time_zone: Option<&str>) -> Vec<String> {
        let formats = match &written {
            None => Ok(DateFormats::iso8601()),
            Some(patterns) => DateFormats::compile(patterns),
        };
        let zone = time_zone.unwrap_or(self.around.time_zone);
        match formats {
            Err(error) => {
                self.mistake("date_format", format!(": {error}"));
                if let Err(error) = DateFormats::iso8601().with_time_zone(zone) {
                    self.mistake("time_zone", format!(": {error}"));
                }
            }
            Ok(formats) => {
                if let Err(error) = formats.with_time_zone(zone) {
                    self.mistake("time_zone", format!(": {error}"));
                }
            }
        }
        written.unwrap_or_default()
    }

    fn schedule(&mut self, interval: Option<&str>, cron: Option<String>) -> Schedule {
        if interval.is_some() && cron.is_some() {
            self.mistake("poll_interval", " and cron are both given: one of them says when to look");
        }
        if let Some(text) = cron {
            if let Err(error) = schedule::check(&text) {
                self.mistake("cron", format!(": {error}"));
            }
            return Schedule::Cron(text);
        }
        let length = self.duration("poll_interval", interval, POLL_INTERVAL);
        if length.is_zero() {
            self.mistake("poll_interval", " = '0s' leaves no time between two looks: write for example '15m'");
        }
        Schedule::Every(length)
    }

    fn duration(&mut self, key: &str, written: Option<&str>, default: Duration) -> Duration {
        let key = self.key(key);
        self.values.duration(&key, written, default)
    }

    fn keep_processed(&mut self, written: Option<&str>) -> Option<Duration> {
        let written = written.filter(|text| *text != "never")?;
        let length = self.duration("keep_processed", Some(written), STALE_AFTER);
        if length.is_zero() {
            self.mistake(
                "keep_processed",
                " = '0s' would remove what was just filed: write for example '90d', or 'never'",
            );
        }
        Some(length)
    }

    fn at_least_one(&mut self, key: &str, written: Option<u64>, default: u64) -> u64 {
        if written == Some(0) {
            self.mistake(key, format!(" = 0 refuses every file: the keys of a file are held in memory, so it is at most a number; {default} by default"));
        }
        written.unwrap_or(default)
    }

    fn max_file_size(&mut self, written: Option<&str>, bucket: Option<&Bucket>) -> u64 {
        let key = self.key("max_file_size");
        let size = self.values.size(&key, written, MAX_FILE_SIZE);
        if size == 0 {
            self.mistake("max_file_size", " = '0' refuses every file: write for example '2GB'");
        }
        if size > MOST_FILE_SIZE && !matches!(bucket, Some(Bucket::Directory(_))) {
            self.mistake("max_file_size", " is at most '5GB': S3 copies no more in one step");
        }
        size
    }

    fn blank_cells(&mut self, written: Option<&str>) -> BlankCells {
        match self.choice("blank_cells", written, ["keep", "clear"]) {
            false => BlankCells::Keep,
            true => BlankCells::Clear,
        }
    }

    fn null_token(&mut self, written: Option<String>) -> Option<String> {
        if written.as_deref().is_some_and(|token| token.trim().is_empty()) {
            self.mistake("null_token", " is empty: that empty cells clear says blank_cells = 'clear'");
        }
        written
    }

    fn refuse_or_ignore(&mut self, key: &str, written: Option<&str>) -> bool {
        self.choice(key, written, ["refuse", "ignore"])
    }

    /// Whether the second of two words is written; the first is the default.
    fn choice(&mut self, key: &str, written: Option<&str>, [default, other]: [&str; 2]) -> bool {
        let Some(word) = written else { return false };
        if word != default && word != other {
            self.mistake(key, format!(" = '{word}' is neither '{default}' nor '{other}'"));
        }
        word == other
    }

    fn encoding(&mut self, written: Option<String>) -> Option<String> {
        written
    }

    fn callback(&mut self, written: WrittenCallback) -> Option<CallbackSettings> {
        let WrittenCallback { url, api_key, allow_private, .. } = written;
        if allow_private && !self.reaches_private() {
            self.mistake("callback.allow_private", format!(" = true is not allowed{}", self.how_to_allow()));
        }
        match url.as_deref().map(|url| address::check_url(url, allow_private)) {
            None => self.mistake("callback.url", " is missing"),
            Some(Err(error)) => self.mistake("callback.url", format!(": {error}")),
            Some(Ok(_)) => {}
        }
        let api_key = self.secret("callback.api_key", api_key);
        Some(CallbackSettings { url: url?, api_key: api_key?, allow_private })
    }
}

/// The most letters of a name.
const LONGEST_NAME: usize = 100;

/// The names of the folders that we work in.
const OURS: [&str; 3] = ["current", "processed", "_runs"];

/// It stands in headers between slashes.
fn is_key_id(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'/' | b','))
}

fn is_header_value(text: &str) -> bool {
    text.trim() == text && text.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ')
}

/// `arn:aws:iam::123456789012:role/NAME`, in any of AWS's partitions, with a path before the name if there is one.
fn is_role_arn(arn: &str) -> bool {
    let parts: Vec<&str> = arn.splitn(6, ':').collect();
    let ["arn", "aws" | "aws-cn" | "aws-us-gov", "iam", "", account, role] = parts.as_slice() else { return false };
    let is_known = |byte: u8| byte.is_ascii_alphanumeric() || b"+=,.@_/-".contains(&byte);
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    let is_path =
        |path: &str| !path.is_empty() && path.bytes().all(is_known) && path.split('/').all(|part| !part.is_empty());
    is_account && role.strip_prefix("role/").is_some_and(is_path)
}

/// `poll_interval` as JSON has it: `pollInterval`.
fn camel_case(key: &str) -> String {
    let mut parts = key.split('_');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (first, rest) = part.split_at(part.len().min(1));
        text.push_str(&first.to_ascii_uppercase());
        text.push_str(rest);
    }
    text
}

impl DropFolder {
    /// Whether its endpoints may be private addresses: the operator may have them, an administrator only if the
    /// operator allows that.
    pub fn reaches_private(&self, limits: &super::DropFolderLimits) -> bool {
        self.set_by != SetBy::Administrator || limits.allow_private
    }
}
