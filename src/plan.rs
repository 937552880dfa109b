//! Plans: what is to be made of a file.
//!
//! A [`Plan`] is everything the engine needs besides bytes. The doors make it, each in its own manner; it is stored with
//! the import and so outlives the process that asked. The engine cannot tell which door a plan came from: what makes
//! the ways of two products are these few choices and nothing else. Pure.

use std::str::FromStr;

use encoding_rs::Encoding;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::schema::{self, DateFormats, TypeName};

/// Everything the engine needs to know besides the bytes of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// What the records become.
    pub object_type: TypeName,
    /// The properties whose values together find the existing object; never empty.
    pub correlation: Vec<String>,
    /// What one failed record means for the file.
    pub on_failure: OnFailure,
    /// What an empty cell says.
    pub blank_cells: BlankCells,
    /// What happens when a key comes twice.
    pub duplicate_keys: DuplicateKeys,
    /// Java patterns tried in order; none means ISO 8601.
    pub date_formats: Vec<String>,
    /// The IANA time zone of dates that name none.
    #[serde(default = "utc")]
    pub time_zone: String,
    /// How many records the file may have; 0 is no limit.
    pub max_records: u64,
    /// What is taken for a column.
    #[serde(default)]
    pub columns: ColumnRules,
    /// A cell that holds exactly this removes its property, whatever an empty cell says.
    #[serde(default)]
    pub null_token: Option<String>,
    /// Whether a record whose key no object has makes one. If not, it is left out: it counts as unchanged, with one
    /// warning for all such records. Goes with [`OnFailure::RejectFile`] only.
    #[serde(default = "yes")]
    pub create_missing: bool,
    /// The file's encoding, by its name in the WHATWG standard; none means UTF-8.
    #[serde(default)]
    pub encoding: Option<String>,
    /// Whether the file must be compressed with gzip (Gainsight PX: "Gzipped, with extension '.csv.gz'").
    #[serde(default)]
    pub gzip_only: bool,
    /// Whence the file came, if it was taken from a drop folder.
    #[serde(default)]
    pub dropped: Option<Dropped>,
    /// The door the file came through.
    pub origin: Origin,
    /// Who asked.
    pub caller: Caller,
    /// Report what would happen and change nothing.
    pub dry_run: bool,
}

impl Plan {
    /// The plan with its property names as the object type has them, each once.
    pub fn normalised(mut self) -> Plan {
        let mut correlation: Vec<String> = Vec::with_capacity(self.correlation.len());
        for path in self.correlation.iter().map(|written| schema::path(written)) {
            if !path.is_empty() && !correlation.iter().any(|known| known == path) {
                correlation.push(path.to_owned());
            }
        }
        self.correlation = correlation;
        self
    }

    /// Checks what the parts cannot check alone.
    pub fn validate(&self) -> Result<()> {
        if self.correlation.is_empty() {
            return Err(Error::request("at least one unique property is needed to find existing objects"));
        }
        if self.duplicate_keys == DuplicateKeys::LastWins && self.on_failure != OnFailure::RejectFile {
            return Err(Error::request("'last wins' for duplicate keys goes with atomic imports only"));
        }
        if self.duplicate_keys == DuplicateKeys::LastWins && self.max_records == 0 {
            // The keys of the whole file are held in memory.
            return Err(Error::request("'last wins' for duplicate keys needs a limit of records"));
        }
        if !self.create_missing && self.on_failure != OnFailure::RejectFile {
            // What is left out is counted over the whole file.
            return Err(Error::request("leaving out records without an object goes with atomic imports only"));
        }
        self.text_encoding()?;
        self.dates().map(drop)
    }

    /// The encoding of the file's text, if the plan names one.
    ///
    /// # Errors
    /// `Request` if there is no such encoding.
    pub fn text_encoding(&self) -> Result<Option<&'static Encoding>> {
        self.encoding.as_deref().map(encoding_named).transpose()
    }

    /// The formats of the file's dates.
    pub fn dates(&self) -> Result<DateFormats> {
        let formats = match self.date_formats.as_slice() {
            [] => DateFormats::iso8601(),
            patterns => DateFormats::compile(patterns)?,
        };
        if self.time_zone == UTC { Ok(formats) } else { formats.with_time_zone(&self.time_zone) }
    }
}

/// The encoding of this name, or of one of its other names, in the WHATWG standard.
///
/// # Errors
/// `Request` if there is none.
pub fn encoding_named(name: &str) -> Result<&'static Encoding> {
    Encoding::for_label_no_replacement(name.as_bytes()).ok_or_else(|| {
        let names = "names look like utf-8, windows-1252, utf-16le or shift_jis";
        Error::request(format!("'{name}' is not an encoding: {names}"))
    })
}

/// The time zone of dates that name none, unless the settings have another.
pub const UTC: &str = "UTC";

fn utc() -> String {
    UTC.to_owned()
}

fn yes() -> bool {
    true
}

/// What is taken for a column. By default names are exact, and every column must be a property that may be imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnRules {
    /// Names are compared without case, blanks, hyphens and underscores, and titles of properties are names too.
    pub lenient: bool,
    /// A column of a property that is switched off is passed over; otherwise it refuses the file.
    pub ignore_disabled: bool,
    /// A column of a property that nobody may write is passed over; otherwise it refuses the file.
    pub ignore_read_only: bool,
}

/// Whence a file came that was taken from a drop folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// The name of the drop folder.
    pub drop_folder: String,
    /// The date of its partition, as `20210228`.
    pub partition: String,
    /// What the objects are for.
    pub destination: Option<Destination>,
}

/// Gainsight PX's "Import Destination": what the users or accounts of a drop folder are for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Destination {
    /// The product.
    pub product: String,
    /// Its channel.
    pub channel: String,
    /// Its environment.
    pub environment: String,
}

impl Destination {
    /// How it stands in the `propertyKeys` of an object: `product/channel/environment`.
    pub fn property_key(&self) -> String {
        format!("{}/{}/{}", self.product, self.channel, self.environment)
    }
}

/// What one failed record means for the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// Nothing of the file is applied (Gainsight PX: "the file is skipped").
    RejectFile,
    /// The record fails, the rest goes in (PingIDM).
    SkipRecord,
}

/// What an empty cell says about its property.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BlankCells {
    /// Nothing: the property stays as it is (Gainsight PX).
    Keep,
    /// The property is removed; on a new object its default applies (PingIDM).
    Clear,
}

impl FromStr for BlankCells {
    type Err = Error;

    /// Takes `keep` or `clear`; anything else is an error of kind `Request`.
    fn from_str(word: &str) -> Result<BlankCells> {
        match word {
            "keep" => Ok(BlankCells::Keep),
            "clear" => Ok(BlankCells::Clear),
            _ => Err(Error::request(format!("'{word}' is no meaning of empty cells: it is 'keep' or 'clear'"))),
        }
    }
}

/// What happens when a key comes twice in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DuplicateKeys {
    /// The records are folded in file order and decided once. Goes with [`OnFailure::RejectFile`] only.
    LastWins,
    /// The first valid record has the key; later ones fail with `UNIQUE`.
    FailLater,
}

impl FromStr for DuplicateKeys {
    type Err = Error;

    /// Takes `last-wins` or `fail-later`; anything else is an error of kind `Request`.
    fn from_str(word: &str) -> Result<DuplicateKeys> {
        match word {
            "last-wins" => Ok(DuplicateKeys::LastWins),
            "fail-later" => Ok(DuplicateKeys::FailLater),
            _ => Err(Error::request(format!("'{word}' is no way with equal keys: it is 'last-wins' or 'fail-later'"))),
        }
    }
}

/// The door an import came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// The command line.
    Cli,
    /// The REST upload.
    Upload,
    /// A drop folder.
    DropFolder,
}

impl Origin {
    /// All doors.
    pub const ALL: [Origin; 3] = [Origin::Cli, Origin::Upload, Origin::DropFolder];

    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Origin::Cli => "cli",
            Origin::Upload => "upload",
            Origin::DropFolder => "drop-folder",
        }
    }
}

/// Who asked for the import, in PingIDM's two words for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Caller {
    /// The name.
    pub auth_id: String,
    /// Where the name is known.
    pub authz_component: String,
}

#[cfg(test)]
mod tests {
    use super::{BlankCells, Caller, ColumnRules, DuplicateKeys, OnFailure, Origin, Plan, UTC};

    fn plan(correlation: &[&str]) -> Plan {
        Plan {
            object_type: "managed/user".parse().expect("a name"),
            correlation: correlation.iter().map(|path| (*path).to_owned()).collect(),
            on_failure: OnFailure::SkipRecord,
            blank_cells: BlankCells::Clear,
            duplicate_keys: DuplicateKeys::FailLater,
            date_formats: Vec::new(),
            time_zone: UTC.to_owned(),
            max_records: 0,
            columns: ColumnRules::default(),
            null_token: None,
            create_missing: true,
            encoding: None,
            gzip_only: false,
            dropped: None,
            origin: Origin::Cli,
            caller: Caller { auth_id: "cli".to_owned(), authz_component: "cli".to_owned() },
            dry_run: false,
        }
    }

    #[test]
    fn correlation_is_a_set_of_paths() {
        let plan = plan(&[" userName", "/mail", "mail ", "", "preferences/updates"]).normalised();
        assert_eq!(plan.correlation, ["userName", "mail", "preferences/updates"]);
    }

    #[test]
    fn a_plan_finds_objects_by_something() {
        assert!(plan(&["mail"]).normalised().validate().is_ok());
        assert!(plan(&["", " / "]).normalised().validate().is_err());
    }

    #[test]
    fn doors_have_words() {
        for origin in Origin::ALL {
            assert_eq!(serde_json::to_value(origin).expect("a word"), origin.name());
        }
    }

    #[test]
    fn encodings_have_their_names_in_the_web() {
        for (name, known) in
            [("utf-8", true), ("Latin1", true), ("utf-16", true), ("ebcdic", false), ("iso-2022-cn", false)]
        {
            let plan = Plan { encoding: Some(name.to_owned()), ..plan(&["id"]) };
            assert_eq!(plan.validate().is_ok(), known, "{name}");
        }
    }
}
