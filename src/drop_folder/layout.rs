//! Which files and folders of a drop folder are what, and how they are called. Pure.
//!
//! Names are Gainsight PX's: `current`, `processed`, `dt=YYYYMMDD`, `_SUCCESS` and `status.txt`. Names that start with
//! `_` or `.` are how other programs mark what is no data (`_temporary`, `.DS_Store`, `.users.csv.gz.crc`): they are never
//! looked at and never reported.

use jiff::civil::Date;

use crate::bucket::{Listed, Listing};
use crate::error::shown;
use crate::run::{RunFile, Version};

/// Where partitions are dropped.
pub(super) const CURRENT: &str = "current";

/// Where they lie once they were imported.
pub(super) const PROCESSED: &str = "processed";

/// The success marker: it says that a partition is whole.
pub(super) const MARKER: &str = "_SUCCESS";

/// What became of a partition, for people and for the scripts of Gainsight PX's customers.
pub(super) const STATUS: &str = "status.txt";

/// The same for programs.
pub(super) const STATUS_JSON: &str = "status.json";

/// Where earlier runs of a date lie, below that date.
const RUNS: &str = "_runs";

/// Longer names leave no room for the names that are made of them, in some bucket or other.
const LONGEST_NAME: usize = 200;

/// How much of a name that is left alone is shown.
const SHOWN: usize = 80;

/// Where the files of a date are dropped.
pub(super) fn current(partition: &str) -> String {
    format!("{CURRENT}/dt={partition}")
}

/// Where the files of a date lie once they were imported. Gainsight PX drops the `dt=`.
pub(super) fn processed(partition: &str) -> String {
    format!("{PROCESSED}/{partition}")
}

/// Where all earlier runs of a date lie.
pub(super) fn earlier_runs(partition: &str) -> String {
    format!("{PROCESSED}/{partition}/{RUNS}")
}

/// A file in a folder.
pub(super) fn key(folder: &str, name: &str) -> String {
    format!("{folder}/{name}")
}

/// The last part of a key.
pub(super) fn name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or(key)
}

/// The file beside a refused one that has its failed records.
pub(super) fn errors_file(name: &str) -> String {
    format!("{name}.errors.csv")
}

/// The number behind those of the earlier runs that lie there.
pub(super) fn next_number(folders: &[String]) -> u32 {
    folders.iter().filter_map(|name| name.parse::<u32>().ok()?.checked_add(1)).max().unwrap_or(1)
}

/// What a folder in `current` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Folder {
    /// The partition of this date.
    Partition(String),
    /// Somebody else's business.
    Hidden,
    /// It is left alone, and people should know why.
    Odd(String),
}

impl Folder {
    /// The folder of this name.
    pub(super) fn of(name: &str) -> Folder {
        if is_hidden(name) {
            return Folder::Hidden;
        }
        let odd = |why: &str| Folder::Odd(format!("'{}' in '{CURRENT}' is left alone: {why}", shown(name, SHOWN)));
        match name.strip_prefix("dt=") {
            Some(date) if is_real(date) => Folder::Partition(date.to_owned()),
            Some(date) if date.len() == 8 && is_number(date) => odd("there is no such date"),
            _ => odd("a partition is called dt=YYYYMMDD"),
        }
    }
}

/// Whether this is a day of the calendar, as `20210228`.
pub(super) fn is_real(date: &str) -> bool {
    let number = |part: Option<&str>| part.and_then(|part| part.parse::<i16>().ok()).unwrap_or(0);
    let [year, month, day] = [0..4, 4..6, 6..8].map(|part| number(date.get(part)));
    let day = i8::try_from(month).and_then(|month| Ok(Date::new(year, month, i8::try_from(day)?)));
    date.len() == 8 && is_number(date) && year > 0 && day.is_ok_and(|day| day.is_ok())
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

/// What lies in a partition.
#[derive(Clone, Debug, Default)]
pub(super) struct Contents {
    /// Its marker, if it has one. What is in it does not matter: some programs put bytes there.
    pub(super) marker: Option<Version>,
    /// Data files, and files that are none and are moved along; in byte order of their names.
    pub(super) files: Vec<RunFile>,
    /// What is left alone, each in a sentence.
    pub(super) notices: Vec<String>,
}

impl Contents {
    /// What was listed of a partition.
    pub(super) fn of(partition: &str, listing: Listing) -> Contents {
        let mut contents = Contents::default();
        let mut notice = |sentence: String| contents.notices.push(format!("partition {partition}: {sentence}"));
        listing.notices.into_iter().for_each(&mut notice);
        for name in listing.folders.iter().filter(|name| !is_hidden(name)) {
            notice(format!("'{}' is a folder, and is left alone", shown(name, SHOWN)));
        }
        for Listed { key, version } in listing.files {
            let name = name(&key).to_owned();
            match File::of(&name) {
                File::Marker => contents.marker = Some(version),
                File::Hidden => {}
                File::Odd(why) => notice(format!("'{}' is left alone: {why}", shown(&name, SHOWN))),
                File::Taken { ignored } => {
                    contents.files.push(RunFile { name, version, ignored, import: None, digest: None, outcome: None })
                }
            }
        }
        contents.files.sort_by(|one, other| one.name.cmp(&other.name));
        contents
    }

    /// Its data files.
    pub(super) fn data(&self) -> impl Iterator<Item = &RunFile> {
        self.files.iter().filter(|file| file.ignored.is_none())
    }

    /// Whether nothing has changed since.
    pub(super) fn is_as(&self, earlier: &Contents) -> bool {
        (&self.marker, &self.files) == (&earlier.marker, &earlier.files)
    }
}

/// What a file in a partition is.
#[derive(Clone, Debug, PartialEq, Eq)]
enum File {
    Marker,
    Hidden,
    /// It is left alone, for this reason.
    Odd(String),
    /// It is part of the run; a data file unless there is a reason why not.
    Taken {
        ignored: Option<String>,
    },
}

impl File {
    fn of(name: &str) -> File {
        let lower = name.to_ascii_lowercase();
        let is_ours = [STATUS, STATUS_JSON].contains(&name) || lower.ends_with(&errors_file(".csv.gz"));
        match name {
            MARKER => File::Marker,
            _ if is_hidden(name) => File::Hidden,
            _ if name.len() > LONGEST_NAME => File::Odd(format!("its name is longer than {LONGEST_NAME} bytes")),
            _ if is_ours => File::Odd(format!("a file of this name is written to '{PROCESSED}'")),
            _ if lower.ends_with(".csv.gz") => File::Taken { ignored: None },
            _ => File::Taken { ignored: Some("only *.csv.gz files are imported".to_owned()) },
        }
    }
}

fn is_hidden(name: &str) -> bool {
    name.is_empty() || name.starts_with(['_', '.'])
}

/// What is said of files that lie in `current` itself.
pub(super) fn strays(files: &[Listed]) -> Vec<String> {
    let names = files.iter().map(|file| name(&file.key)).filter(|name| *name == MARKER || !is_hidden(name));
    names
        .map(|name| {
            format!("'{}' lies in '{CURRENT}' itself and is left alone: files lie in dt=YYYYMMDD", shown(name, SHOWN))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Contents, File, Folder, errors_file, next_number, strays};
    use crate::bucket::{Listed, Listing};
    use crate::run::Version;

    #[test]
    fn folders() {
        let partition = |date: &str| Folder::Partition(date.to_owned());
        for (name, folder) in [
            ("dt=20210228", partition("20210228")),
            ("dt=20240229", partition("20240229")),
            ("dt=99991231", partition("99991231")),
            ("_temporary", Folder::Hidden),
            (".snapshot", Folder::Hidden),
            ("", Folder::Hidden),
        ] {
            assert_eq!(Folder::of(name), folder, "{name}");
        }
        for (names, why) in [
            (["dt=20210231", "dt=20210229", "dt=00000101", "dt=20211301"].as_slice(), "there is no such date"),
            (
                &["dt=2021-02-28", "DT=20210228", "dt=2021022", "dt=202102281", "dt=2021022８", "20210228", "dt="],
                "a partition is called dt=YYYYMMDD",
            ),
        ] {
            for name in names {
                let sentence = format!("'{name}' in 'current' is left alone: {why}");
                assert_eq!(Folder::of(name), Folder::Odd(sentence));
            }
        }
    }

    #[test]
    fn files() {
        let data = File::Taken { ignored: None };
        let other = File::Taken { ignored: Some("only *.csv.gz files are imported".to_owned()) };
        for (name, file) in [
            ("_SUCCESS", File::Marker),
            ("_success", File::Hidden),
            ("_users.csv.gz", File::Hidden),
            (".users.csv.gz.crc", File::Hidden),
            ("users.csv.gz", data.clone()),
            ("USERS.CSV.GZ", data.clone()),
            ("Benutzer für März ☃.csv.gz", data.clone()),
            ("users.csv", other.clone()),
            ("users.csv.zip", other.clone()),
            ("users.csv.gz.tmp", other.clone()),
            ("users.gz", other.clone()),
            ("csv.gz", other),
            (&format!("{}.csv.gz", "u".repeat(193)), data),
            (&format!("{}.csv.gz", "u".repeat(194)), File::Odd("its name is longer than 200 bytes".to_owned())),
        ] {
            assert_eq!(File::of(name), file, "{name}");
        }
        for name in ["status.txt", "status.json", "users.csv.gz.errors.csv", &errors_file("USERS.csv.GZ")] {
            assert_eq!(File::of(name), File::Odd("a file of this name is written to 'processed'".to_owned()), "{name}");
        }
    }

    fn listed(keys: &[&str]) -> Vec<Listed> {
        let version = Version { size: 7, tag: "t".to_owned(), modified: "2021-02-28T00:00:00Z".to_owned() };
        keys.iter().map(|key| Listed { key: (*key).to_owned(), version: version.clone() }).collect()
    }

    #[test]
    fn what_lies_in_a_partition() {
        let names = ["b.csv.gz", "_SUCCESS", "a.txt", "B.csv.gz", "status.txt", ".hidden"];
        let listing = Listing {
            files: listed(&names.map(|name| format!("current/dt=20210228/{name}")).each_ref().map(String::as_str)),
            folders: vec!["_temporary".to_owned(), "users.csv.gz".to_owned()],
            notices: vec!["'c.csv.gz' is a symbolic link, and is left alone".to_owned()],
        };
        let contents = Contents::of("20210228", listing.clone());
        assert!(contents.marker.is_some());
        let names: Vec<&str> = contents.files.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(names, ["B.csv.gz", "a.txt", "b.csv.gz"]);
        assert_eq!(contents.data().count(), 2);
        insta::assert_snapshot!(contents.notices.join("\n"), @r"
        partition 20210228: 'c.csv.gz' is a symbolic link, and is left alone
        partition 20210228: 'users.csv.gz' is a folder, and is left alone
        partition 20210228: 'status.txt' is left alone: a file of this name is written to 'processed'
        ");
        let mut changed = listing.clone();
        assert!(contents.is_as(&Contents::of("20210228", changed.clone())));
        changed.files[0].version.size = 8;
        assert!(!contents.is_as(&Contents::of("20210228", changed)));
        let unmarked = listing.files.into_iter().filter(|file| !file.key.ends_with("_SUCCESS")).collect();
        let unmarked = Contents::of("20210228", Listing { files: unmarked, ..Listing::default() });
        assert!(unmarked.marker.is_none() && !contents.is_as(&unmarked));
    }

    #[test]
    fn what_lies_beside_the_partitions() {
        let sentences = strays(&listed(&["current/_SUCCESS", "current/.keep", "current/users.csv.gz"]));
        insta::assert_snapshot!(sentences.join("\n"), @r"
        '_SUCCESS' lies in 'current' itself and is left alone: files lie in dt=YYYYMMDD
        'users.csv.gz' lies in 'current' itself and is left alone: files lie in dt=YYYYMMDD
        ");
    }

    #[test]
    fn earlier_runs_are_numbered() {
        let next = |names: &[&str]| next_number(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
        assert_eq!([next(&[]), next(&["1"]), next(&["9", "10", "kept"]), next(&["4294967295", "3"])], [1, 2, 11, 4]);
    }
}
