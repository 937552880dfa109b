//! Which settings somebody has written, and where.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

/// Where the value in force of a setting is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Nobody has said anything.
    Default,
    /// The file with the settings, and for a secret perhaps where that points to.
    File(Option<Pointer>),
    /// An environment variable, which counts more than the file.
    Environment(&'static str),
    /// An option on the command line, which counts more than all others.
    CommandLine(&'static str),
}

/// Where a secret is that is not written itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pointer {
    /// In this environment variable.
    Env(String),
    /// In this file.
    File(String),
}

/// The keys of a file, and what stands for them elsewhere. Values are not kept: some are secrets.
#[derive(Clone, Default)]
pub struct Written {
    file: PathBuf,
    keys: BTreeMap<String, Option<Pointer>>,
    options: BTreeMap<&'static str, &'static str>,
}

impl Written {
    /// The keys of a file that was read as settings.
    pub(super) fn of(text: &str, file: &str) -> Written {
        let mut written = Written { file: file.into(), ..Written::default() };
        if let Ok(table) = text.parse::<Table>() {
            written.note("", &table);
        }
        written
    }

    /// The file that the settings were looked for in.
    pub fn file(&self) -> &Path {
        &self.file
    }

    fn note(&mut self, above: &str, table: &Table) {
        for (key, value) in table {
            let key = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
            match value {
                Value::Table(table) => {
                    self.keys.insert(key.clone(), pointer(table));
                    self.note(&key, table);
                }
                _ => drop(self.keys.insert(key, None)),
            }
        }
    }

    /// Notes that an option stands for a setting.
    pub(super) fn by_option(&mut self, key: &'static str, option: &'static str) {
        self.options.insert(key, option);
    }

    /// Where the value of this setting is from, for which this environment variable stands if it is set.
    pub(super) fn source(&self, key: &str, variable: Option<&'static str>) -> Source {
        match (self.options.get(key), variable, self.keys.get(key)) {
            (Some(option), ..) => Source::CommandLine(option),
            (None, Some(variable), _) => Source::Environment(variable),
            (None, None, Some(pointer)) => Source::File(pointer.clone()),
            (None, None, None) => Source::Default,
        }
    }
}

fn pointer(table: &Table) -> Option<Pointer> {
    match table.iter().next() {
        Some((key, Value::String(name))) if table.len() == 1 && key == "env" => Some(Pointer::Env(name.clone())),
        Some((key, Value::String(path))) if table.len() == 1 && key == "file" => Some(Pointer::File(path.clone())),
        _ => None,
    }
}

/// What was written is no part of what it means.
impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Written")
    }
}

#[cfg(test)]
mod tests {
    use super::{Pointer, Source, Written};

    #[test]
    fn whoever_says_it_last_is_the_source() {
        let text = "[server]\nlisten = 'a'\ntls = { certificate = 'c', key = 'k' }\n[spool]\n\
                    secret_access_key = { env = 'SESAME' }\nsession_token.file = 'token'\naccess_key_id = 'open'\n";
        let mut written = Written::of(text, "rollbook.toml");
        assert_eq!(written.source("server.listen", None), Source::File(None));
        assert_eq!(written.source("server.tls.key", None), Source::File(None));
        assert_eq!(written.source("server.behind_proxy", None), Source::Default);
        let pointer = |key| written.source(key, None);
        assert_eq!(pointer("spool.secret_access_key"), Source::File(Some(Pointer::Env("SESAME".to_owned()))));
        assert_eq!(pointer("spool.session_token"), Source::File(Some(Pointer::File("token".to_owned()))));
        assert_eq!(pointer("spool.access_key_id"), Source::File(None));
        assert_eq!(written.source("server.listen", Some("LISTEN")), Source::Environment("LISTEN"));
        written.by_option("server.listen", "--listen");
        assert_eq!(written.source("server.listen", Some("LISTEN")), Source::CommandLine("--listen"));
        assert!(!format!("{written:?}").contains("open"));
    }
}
