//! What an import tells besides its counts: which failures are alike, what a dry run would change, how fast it went. Pure.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::failure::Failure;
use crate::import::Import;
use crate::plan::Origin;
use crate::schema::TypeName;

/// Failures of an import that are alike: a requirement that values of one property do not meet. A failure with several
/// violations is in several groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailureGroup {
    /// What is not met: `REQUIRED`, `VALID_DATE`.
    pub requirement: String,
    /// The property, as a path; none where the whole record is refused.
    pub property: Option<String>,
    /// The column of the file that is for the property, if there is one.
    pub column: Option<String>,
    /// How many records it concerns.
    pub failures: u64,
    /// The first of them, by its row.
    pub first_row: u64,
    /// What is said of the first of them.
    pub example: String,
}

/// Which failures of an import are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailureFilter {
    /// Those in groups of this requirement.
    pub requirement: Option<String>,
    /// Those in groups of this property.
    pub property: Option<String>,
    /// Those with this text in a cell or in what is said of them, or in this row, whatever the case.
    pub text: Option<String>,
}

/// Failures that were looked for, in the file's order.
#[derive(Clone, Debug)]
pub struct FailuresPage {
    /// At most as many as asked for.
    pub failures: Vec<Failure>,
    /// Behind which row to look further, if there may be more. That may be so although fewer were found than were asked
    /// for: a look takes only so long.
    pub next: Option<u64>,
}

/// A record of a dry run that would change an object or make one. What is private is not in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// The record's row.
    pub row: u64,
    /// The id of the object; none of one that would be created.
    pub object: Option<String>,
    /// What would be different.
    pub changes: Vec<Change>,
}

/// A property that would have another value. Texts are cut when long.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// The property, as a path.
    pub property: String,
    /// What it is; none if it is not there.
    pub old: Option<Value>,
    /// What it would be; none if it would be removed.
    pub new: Option<Value>,
}

/// How far an import was at some moment; as JSON, an array of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, u64)", into = "(u64, u64)")]
pub struct Milestone {
    /// Milliseconds since it was started.
    pub millis: u64,
    /// Records that had their outcome.
    pub records: u64,
}

impl From<(u64, u64)> for Milestone {
    fn from((millis, records): (u64, u64)) -> Milestone {
        Milestone { millis, records }
    }
}

impl From<Milestone> for (u64, u64) {
    fn from(Milestone { millis, records }: Milestone) -> (u64, u64) {
        (millis, records)
    }
}

/// Which imports are looked for.
#[derive(Clone, Debug, Default)]
pub struct ImportFilter {
    /// Of these object types; none means of any.
    pub object_types: Option<BTreeSet<TypeName>>,
    /// In this state, by its word.
    pub state: Option<String>,
    /// Through this door.
    pub origin: Option<Origin>,
    /// Queued at this moment or later, in RFC 3339 UTC with milliseconds.
    pub from: Option<String>,
    /// Queued before this moment.
    pub until: Option<String>,
}

impl ImportFilter {
    /// Whether an import is looked for.
    pub fn matches(&self, import: &Import) -> bool {
        self.object_types.as_ref().is_none_or(|types| types.contains(&import.plan.object_type))
            && self.state.as_ref().is_none_or(|state| state == import.state.name())
            && self.origin.is_none_or(|origin| origin == import.plan.origin)
            && self.from.as_ref().is_none_or(|from| import.begin >= *from)
            && self.until.as_ref().is_none_or(|until| import.begin < *until)
    }
}

/// Imports that were looked for, the latest first.
#[derive(Clone, Debug)]
pub struct ImportsPage {
    /// Each with its position.
    pub imports: Vec<(i64, Import)>,
    /// In front of which position to look further, if there may be more. That may be so although fewer were found than
    /// were asked for: a look takes only so long.
    pub next: Option<i64>,
}
