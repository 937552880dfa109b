//! What the operator wrote (`rollbook.toml`), and what it means.
//!
//! [`ConfigFile`] is the file as written; [`Config`] is built from it once, with everything parsed, and does not change.
//! Unknown keys are refused, so that a misspelt setting is not silently without effect.

use std::fs;
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::error::{Error, Result};
use crate::plan::UTC;
use crate::schema::DateFormats;

/// The file as written. Every key may be missing.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ConfigFile {
    repository: RepositorySection,
    import: ImportSection,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RepositorySection {
    url: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ImportSection {
    memory: Option<String>,
    time_zone: Option<String>,
    commit_every: Option<String>,
    round: Option<usize>,
    max_columns: Option<usize>,
    max_record_size: Option<String>,
    max_line_breaks: Option<usize>,
    max_decompressed_size: Option<String>,
    max_ratio: Option<u64>,
}

/// What the settings mean.
#[derive(Clone, Debug)]
pub struct Config {
    /// The directory that everything embedded lies in.
    pub data: PathBuf,
    /// The SQLite file.
    pub database: PathBuf,
    /// What of `import.memory` is for stored things.
    pub memory: Memory,
    /// What a file may do to us.
    pub limits: Limits,
    /// The time zone of dates that name none.
    pub time_zone: String,
    /// How often an import commits and looks up.
    pub pace: Pace,
}

/// Caps on what a file may do to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most columns that a record may have, the header included.
    pub max_columns: usize,
    /// The most bytes that a record may have in the file, without its line end.
    pub max_record_size: usize,
    /// The most line breaks that a cell may have. A quote that is missing somewhere shows as a cell with absurdly many.
    pub max_line_breaks: usize,
    /// The most bytes that a gzip file may decompress to; 0 is no limit.
    pub max_decompressed_size: u64,
    /// The most that a gzip file may grow by decompression, looked at after 64 MiB; 0 is no limit.
    pub max_ratio: u64,
    /// How many bytes of the file are in memory at once, if no record is larger. At least 512, by which a file's format
    /// is recognised.
    pub window_size: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            max_columns: 2000,
            max_record_size: 1024 * 1024,
            max_line_breaks: 100,
            max_decompressed_size: 0,
            max_ratio: 200,
            // Large enough to make system calls rare, small enough for the processor's second-level cache.
            window_size: 256 * 1024,
        }
    }
}

/// How an import divides its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// Records that are looked up, decided and put together; between two rounds an import sees that it was cancelled.
    pub round: usize,
    /// For about this long a batched import holds the repository's write lock at a time.
    pub commit_every: Duration,
}

impl Default for Pace {
    fn default() -> Pace {
        Pace {
            // Enough that asking for a round's objects at once pays, few enough that the rounds in flight stay small.
            round: 16_384,
            commit_every: Duration::from_millis(1800),
        }
    }
}

/// How many bytes an import may keep in memory of what is stored.
#[derive(Clone, Copy, Debug)]
pub struct Memory {
    /// Of database pages, dirty ones included.
    pub pages: u64,
    /// Of keys.
    pub keys: u64,
    /// Of fingerprints.
    pub fingerprints: u64,
}

/// What an import needs besides stored pages and keys: rounds in flight, what waits to be written, the program itself.
const BESIDES: u64 = 150 << 20;

/// What `max_record_size` may be set to: escaped as JSON, a record must still be a value that SQLite takes.
const MAX_RECORD_SIZE: usize = 64 << 20;

const DEFAULT_MEMORY: u64 = 380 << 20;

impl Config {
    /// Reads the settings: from `file` if named, else from `rollbook.toml` in the data directory if there is one.
    ///
    /// # Errors
    /// A file that is named and missing, an unknown key, or a value that makes no sense, with its place.
    pub fn load(data: &Path, file: Option<&Path>) -> Result<Config> {
        let own = data.join("rollbook.toml");
        let path = file.unwrap_or(&own);
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && file.is_none() => String::new(),
            Err(error) => {
                let doing = format!("the configuration '{}' could not be read", path.display());
                return Err(Error::storage(doing, error));
            }
        };
        Config::parse(data, &text).map_err(|error| error.in_file(path.display().to_string()))
    }

    fn parse(data: &Path, text: &str) -> Result<Config> {
        let file: ConfigFile = toml::from_str(text).map_err(|error| unreadable(text, &error))?;
        let mut mistakes = Vec::new();
        let mut size = |key: &str, text: &Option<String>, default: u64| match text.as_deref().map(parse_size) {
            None => default,
            Some(Some(size)) => size,
            Some(None) => {
                let text = text.as_deref().unwrap_or_default();
                mistakes.push(format!("{key} = '{text}' is not a size: write for example '256MB'"));
                default
            }
        };
        let standard = Limits::default();
        let limits = Limits {
            max_columns: file.import.max_columns.unwrap_or(standard.max_columns),
            max_record_size: size(
                "import.max_record_size",
                &file.import.max_record_size,
                standard.max_record_size as u64,
            ) as usize,
            max_line_breaks: file.import.max_line_breaks.unwrap_or(standard.max_line_breaks),
            max_decompressed_size: size(
                "import.max_decompressed_size",
                &file.import.max_decompressed_size,
                standard.max_decompressed_size,
            ),
            max_ratio: file.import.max_ratio.unwrap_or(standard.max_ratio),
            ..standard
        };
        let max_record_size = limits.max_record_size;
        let memory = size("import.memory", &file.import.memory, DEFAULT_MEMORY);
        let stored = memory.saturating_sub(BESIDES).max(64 << 20);
        if max_record_size > MAX_RECORD_SIZE {
            mistakes
                .push("import.max_record_size is at most '64MB': a record is held in memory several times".to_owned());
        }
        let pace = pace(&file.import, &mut mistakes);
        let time_zone = file.import.time_zone.unwrap_or_else(|| UTC.to_owned());
        let zone = DateFormats::iso8601().with_time_zone(&time_zone);
        mistakes.extend(zone.err().map(|error| format!("import.time_zone: {error}")));
        let url = file.repository.url.as_deref().unwrap_or("sqlite:rollbook.db");
        let database = url.strip_prefix("sqlite:").map(Path::new);
        if database.is_some_and(|path| !path.components().all(|part| matches!(part, Component::Normal(_)))) {
            // Leases and the spool lie in the data directory: two of them must not share a database.
            mistakes
                .push(format!("repository.url = '{url}' lies outside the data directory: write 'sqlite:rollbook.db'"));
        }
        if database.is_none() {
            mistakes
                .push(format!("repository.url = '{url}' is not a repository: write for example 'sqlite:rollbook.db'"));
        }
        match database {
            Some(database) if mistakes.is_empty() => Ok(Config {
                data: data.to_owned(),
                database: data.join(database),
                // Pages and fingerprints are mostly passed through once; keys are asked for at random.
                memory: Memory { pages: stored / 8 * 2, keys: stored / 8 * 5, fingerprints: stored / 8 },
                limits,
                time_zone,
                pace,
            }),
            _ => Err(Error::request(mistakes.join("; "))),
        }
    }
}

/// What the TOML library says, on one line and with the line it is about.
fn unreadable(text: &str, error: &toml::de::Error) -> Error {
    let message = error.message().replace(['`', '"'], "'").replace('\n', ", ");
    match error.span().and_then(|span| text.get(..span.start)) {
        Some(before) => Error::request(format!("line {}: {message}", before.matches('\n').count() + 1)),
        None => Error::request(message),
    }
}

fn pace(section: &ImportSection, mistakes: &mut Vec<String>) -> Pace {
    let standard = Pace::default();
    if section.round == Some(0) {
        mistakes.push("import.round = 0 makes no progress: write at least 1".to_owned());
    }
    let commit_every = section.commit_every.as_deref().map(|text| (text, parse_duration(text)));
    if let Some((text, None)) = commit_every {
        mistakes
            .push(format!("import.commit_every = '{text}' is not a length of time: write for example '500ms' or '2s'"));
    }
    Pace {
        round: section.round.unwrap_or(standard.round),
        commit_every: commit_every.and_then(|(_, length)| length).unwrap_or(standard.commit_every),
    }
}

/// A number of bytes, with `KB`, `MB` or `GB` for powers of 1,024.
fn parse_size(text: &str) -> Option<u64> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" | "K" => 1 << 10,
        "MB" | "M" => 1 << 20,
        "GB" | "G" => 1 << 30,
        _ => return None,
    };
    digits.trim().parse::<u64>().ok()?.checked_mul(factor)
}

/// A length of time, in `ms`, `s` or `m`.
fn parse_duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let number = digits.trim().parse::<u64>().ok()?;
    match &text[digits.len()..] {
        "ms" => Some(Duration::from_millis(number)),
        "s" => Some(Duration::from_secs(number)),
        "m" => number.checked_mul(60).map(Duration::from_secs),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::{Config, parse_duration, parse_size};

    #[test]
    fn sizes() {
        for (text, size) in [
            ("50MB", Some(52_428_800)),
            ("1 KB", Some(1024)),
            ("7", Some(7)),
            ("2GB", Some(2 << 30)),
            ("x", None),
            ("5 miles", None),
            ("99999999999GB", None),
        ] {
            assert_eq!(parse_size(text), size, "{text}");
        }
    }

    #[test]
    fn lengths_of_time() {
        for (text, millis) in
            [("100ms", Some(100)), (" 2 s ", Some(2000)), ("1m", Some(60_000)), ("5", None), ("s", None), ("2 h", None)]
        {
            assert_eq!(parse_duration(text), millis.map(Duration::from_millis), "{text}");
        }
    }

    #[test]
    fn every_mistake_is_reported() {
        let text = "[repository]\nurl = 'oracle:x'\n[import]\nmemory = 'lots'\ntime_zone = 'Mars'\n";
        let error = Config::parse(Path::new("data"), text).expect_err("three mistakes");
        insta::assert_snapshot!(error, @"import.memory = 'lots' is not a size: write for example '256MB'; import.time_zone: 'Mars' is not a time zone; names look like UTC, Europe/Berlin or Asia/Seoul; repository.url = 'oracle:x' is not a repository: write for example 'sqlite:rollbook.db'");
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        let error = Config::parse(Path::new("data"), "[import]\nmemroy = '1GB'\n").expect_err("misspelt");
        insta::assert_snapshot!(error, @"line 2: unknown field 'memroy', expected one of 'memory', 'time_zone', 'commit_every', 'round', 'max_columns', 'max_record_size', 'max_line_breaks', 'max_decompressed_size', 'max_ratio'");
        let error = Config::parse(Path::new("data"), "[import]\nround = 'many'\n").expect_err("no number");
        insta::assert_snapshot!(error, @"line 2: invalid type: string 'many', expected usize");
        let error = Config::parse(Path::new("data"), "[import\n").expect_err("no TOML");
        insta::assert_snapshot!(error, @"line 1: unclosed table, expected ']'");
    }
}
