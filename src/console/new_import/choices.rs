//! What somebody chooses about a file that is to be imported.
//!
//! Forms and addresses have it in the same words, so that what was chosen once can be chosen again.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::access::Principal;
use crate::config::Config;
use crate::error::Result;
use crate::http::params::Params;
use crate::import::ImportId;
use crate::plan::{BlankCells, ColumnRules, DuplicateKeys, OnFailure, Origin, Plan};
use crate::schema::{ObjectType, PropertyKind};

/// What stands in addresses as it is, besides letters and digits.
pub(super) const IN_ADDRESSES: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_');

/// The names of the fields.
const UNIQUE: &str = "unique";
const BLANK: &str = "blank";
const ATOMIC: &str = "atomic";
const LENIENT: &str = "lenient";
const PASS_OVER: &str = "passOver";
const DATES: &str = "dates";
const ZONE: &str = "zone";

/// The name of the parameter that has the import whose choices these were.
pub(super) const AFTER: &str = "after";

/// What was chosen.
#[derive(Clone, Debug)]
pub(super) struct Choices {
    /// The properties that find the existing object.
    pub(super) unique: Vec<String>,
    pub(super) blank: BlankCells,
    /// Whether nothing is imported if a record fails.
    pub(super) atomic: bool,
    /// Whether names of columns may be written otherwise, and may be titles.
    pub(super) lenient: bool,
    /// Whether columns that nobody may import are passed over.
    pub(super) pass_over: bool,
    /// How dates are written; nothing means ISO 8601.
    pub(super) date_formats: Vec<String>,
    pub(super) time_zone: String,
    usual_time_zone: String,
}

impl Choices {
    /// What is chosen as long as nobody does.
    pub(super) fn preset(object_type: &ObjectType, config: &Config) -> Choices {
        let unique = usual_unique(object_type).map(str::to_owned);
        Choices { unique: unique.into_iter().collect(), ..Choices::none(config) }
    }

    fn none(config: &Config) -> Choices {
        Choices {
            unique: Vec::new(),
            blank: BlankCells::Clear,
            atomic: false,
            lenient: false,
            pass_over: false,
            date_formats: Vec::new(),
            time_zone: config.time_zone.clone(),
            usual_time_zone: config.time_zone.clone(),
        }
    }

    /// What an address asks for.
    ///
    /// # Errors
    /// `Request` if a word is none of those that there are.
    pub(super) fn asked(params: &Params, object_type: &ObjectType, config: &Config) -> Result<Choices> {
        let mut choices = Choices::sent(params, object_type, config)?;
        if params.all(UNIQUE).next().is_none() {
            choices.unique = Choices::preset(object_type, config).unique;
        }
        Ok(choices)
    }

    /// What a form has sent.
    ///
    /// # Errors
    /// See [`Choices::asked`].
    pub(super) fn sent(fields: &Params, object_type: &ObjectType, config: &Config) -> Result<Choices> {
        let listed = |name, separators: &'static [char]| {
            let parts = fields.all(name).flat_map(move |list| list.split(separators)).map(str::trim);
            parts.filter(|part| !part.is_empty()).map(str::to_owned).collect::<Vec<String>>()
        };
        let usual = Choices::none(config);
        Ok(Choices {
            // Those of an open type are typed, all others ticked.
            unique: listed(UNIQUE, if object_type.is_open() { &[','] } else { &[] }),
            blank: fields.one(BLANK)?.map_or(Ok(usual.blank), str::parse)?,
            atomic: fields.flag(ATOMIC)?,
            lenient: fields.flag(LENIENT)?,
            pass_over: fields.flag(PASS_OVER)?,
            date_formats: listed(DATES, &['\n']),
            time_zone: listed(ZONE, &[]).into_iter().next().unwrap_or(usual.time_zone),
            usual_time_zone: usual.usual_time_zone,
        })
    }

    /// A dry run by these choices.
    pub(super) fn plan(&self, object_type: &ObjectType, principal: &Principal, config: &Config) -> Plan {
        Plan {
            object_type: object_type.name().clone(),
            correlation: self.unique.clone(),
            on_failure: if self.atomic { OnFailure::RejectFile } else { OnFailure::SkipRecord },
            blank_cells: self.blank,
            duplicate_keys: DuplicateKeys::FailLater,
            date_formats: self.date_formats.clone(),
            time_zone: self.time_zone.clone(),
            max_records: config.upload.max_records,
            columns: ColumnRules {
                lenient: self.lenient,
                ignore_disabled: self.pass_over,
                ignore_read_only: self.pass_over,
            },
            null_token: None,
            create_missing: true,
            encoding: None,
            gzip_only: false,
            dropped: None,
            origin: Origin::Upload,
            caller: principal.caller(),
            dry_run: true,
        }
    }

    pub(super) fn is_unique(&self, path: &str) -> bool {
        self.unique.iter().any(|chosen| chosen == path)
    }

    pub(super) fn keeps_blank(&self) -> bool {
        self.blank == BlankCells::Keep
    }

    /// The formats of dates as the form has them.
    pub(super) fn dates(&self) -> String {
        self.date_formats.join("\n")
    }

    /// The unique properties as an open type's form has them.
    pub(super) fn unique_list(&self) -> String {
        self.unique.join(", ")
    }

    /// Whether something is chosen that not everybody chooses.
    pub(super) fn has_options(&self) -> bool {
        self.keeps_blank()
            || self.atomic
            || self.lenient
            || self.pass_over
            || !self.date_formats.is_empty()
            || self.time_zone != self.usual_time_zone
    }
}

/// The property by which objects are found as long as nobody says otherwise: one that every object must have for itself.
fn usual_unique(object_type: &ObjectType) -> Option<&str> {
    let importable = || object_type.unique_properties().filter(|property| property.importable().is_ok());
    let usual = importable().find(|property| property.required).or_else(|| importable().next());
    usual.map(|property| property.path.as_str())
}

/// The properties by which objects may be found: those with one value that a cell holds as it is.
pub(super) fn can_be_unique(kind: PropertyKind) -> bool {
    !matches!(kind, PropertyKind::Array | PropertyKind::Object | PropertyKind::Relationship | PropertyKind::Null)
}

/// The address of the form with the choices of a plan: for whoever wants to import a corrected file in the same way. The
/// form says which of its plan's settings it cannot ask for: those of the import that the plan is of.
pub(in crate::console) fn again(plan: &Plan, import: ImportId) -> String {
    let mut address = format!("/console/new/{}", plan.object_type.short());
    let mut separator = '?';
    let mut add = |name: &str, value: &str| {
        address.push(separator);
        separator = '&';
        address.push_str(name);
        address.push('=');
        address.extend(utf8_percent_encode(value, IN_ADDRESSES));
    };
    plan.correlation.iter().for_each(|path| add(UNIQUE, path));
    if plan.blank_cells == BlankCells::Keep {
        add(BLANK, "keep");
    }
    for (name, is_chosen) in [
        (ATOMIC, plan.on_failure == OnFailure::RejectFile),
        (LENIENT, plan.columns.lenient),
        (PASS_OVER, plan.columns.ignore_read_only),
    ] {
        if is_chosen {
            add(name, "true");
        }
    }
    plan.date_formats.iter().for_each(|format| add(DATES, format));
    add(ZONE, &plan.time_zone);
    add(AFTER, &import.to_string());
    address
}
