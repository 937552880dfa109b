//! From a drop folder as it is written to what it means. Every mistake is noted, with the drop folder's name.

mod access;

use std::path::Path;
use std::time::Duration;

pub(in crate::config) use self::access::{endpoint_fault, is_key_id, is_region};
use super::limits::Surroundings;
use super::place::{read_bucket, read_path, resolved};
use super::written::{WrittenDestination, WrittenDropFolder};
use super::{Bucket, DropFolder, FileRules, OnIdentical, Schedule, SetBy, schedule};
use crate::config::values::Values;
use crate::plan::{BlankCells, ColumnRules, Destination, encoding_named};
use crate::schema::{DateFormats, TypeName};

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

/// Which setting a sentence about a drop folder of this name is about, and what is said of it: `bucket`, ` is missing`.
pub fn about<'m>(mistake: &'m str, name: &str) -> Option<(&'m str, &'m str)> {
    let rest = mistake.strip_prefix("drop folder '")?.strip_prefix(name)?.strip_prefix("': ")?;
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.')?;
    Some(rest.split_at(end))
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
        let max_records = self.max_records(written.max_records);
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

    /// The name of a setting, as who reads the sentence writes it.
    fn word(&self, key: &str) -> String {
        match self.set_by {
            SetBy::Administrator => camel_case(key),
            SetBy::File | SetBy::Operator => key.to_owned(),
        }
    }

    /// The start of a sentence about a setting.
    fn key(&self, key: &str) -> String {
        format!("{}: {}", self.whose, self.word(key))
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

    fn may_use(&self, directory: &Path) -> bool {
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

    fn max_records(&mut self, written: Option<u64>) -> u64 {
        if written == Some(0) {
            // The keys of a file are held in memory, so there is no "no limit".
            self.mistake("max_records", format!(" = 0 refuses every file: write for example {MAX_RECORDS}"));
        }
        written.unwrap_or(MAX_RECORDS)
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
        let is_known = |label: &&String| encoding_named(label).is_ok();
        if let Some(label) = written.as_ref().filter(|label| !is_known(label)) {
            self.mistake(
                "encoding",
                format!(
                    " = '{label}' is not an encoding: write for example 'windows-1252', 'iso-8859-15' or 'shift_jis'"
                ),
            );
        }
        written
    }
}

/// The most letters of a name.
const LONGEST_NAME: usize = 100;

/// The names of the folders that we work in.
const OURS: [&str; 3] = ["current", "processed", "_runs"];

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

#[cfg(test)]
mod tests;
