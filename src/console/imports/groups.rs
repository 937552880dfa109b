//! Failures that are alike, as they are shown together.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::requirements::title;
use crate::app::App;
use crate::error::{Result, shown};
use crate::failure::Failure;
use crate::figures::{counted, grouped};
use crate::import::Import;
use crate::report::FailureGroup;

/// Groups that are shown with an example. A file that is wrong in more ways is another file.
const SHOWN: usize = 20;

/// How much of what is said of an example is shown.
const SENTENCE: usize = 200;

/// A group of failures.
#[derive(Clone, Debug)]
pub(in crate::console) struct Group {
    pub(in crate::console) requirement: String,
    pub(in crate::console) property: Option<String>,
    pub(in crate::console) title: String,
    /// `4,211 records`.
    pub(in crate::console) counted: String,
    /// The first of them: its row, and what is said of it.
    pub(in crate::console) first_row: String,
    pub(in crate::console) example: String,
    /// Where they are.
    pub(in crate::console) address: String,
}

/// The groups of an import's failures, the largest first, and how many there are beside those.
pub(in crate::console) fn groups(app: &App, import: &Import) -> Result<(Vec<Group>, usize)> {
    let all = app.repository.failure_groups(import.id)?;
    let more = all.len().saturating_sub(SHOWN);
    let groups = all.into_iter().take(SHOWN).map(|group| Group::of(app, import, group)).collect::<Result<_>>()?;
    Ok((groups, more))
}

impl Group {
    fn of(app: &App, import: &Import, group: FailureGroup) -> Result<Group> {
        let about = group.column.as_deref().or(group.property.as_deref());
        let wanted = wanted(app, import, &group)?;
        Ok(Group {
            title: title(&group.requirement, about, wanted.as_deref()),
            counted: counted(group.failures, "record"),
            first_row: grouped(group.first_row),
            example: shown(&group.example, SENTENCE).into_owned(),
            address: address(import, &group.requirement, group.property.as_deref()),
            requirement: group.requirement,
            property: group.property,
        })
    }
}

/// What the values should have been, where the name of the requirement does not tell it.
fn wanted(app: &App, import: &Import, group: &FailureGroup) -> Result<Option<String>> {
    if !group.requirement.starts_with("VALID_") {
        return Ok(None);
    }
    let first = app.repository.failures(import.id, group.first_row.saturating_sub(1), 1)?;
    let violations = first.first().filter(|first| first.row == group.first_row).map_or(&[][..], Failure::violations);
    let of_group = violations.iter().find(|violation| is_of(violation, group));
    Ok(of_group.and_then(|violation| violation["type"].as_str()).map(str::to_owned))
}

/// Whether a failure is in this group for this violation. Of an element of an array it is about the array.
fn is_of(violation: &Value, group: &FailureGroup) -> bool {
    let (property, wanted) = (violation["property"].as_str(), group.property.as_deref());
    let is_element =
        property.and_then(|property| property.split_once('[')).is_some_and(|(array, _)| Some(array) == wanted);
    violation["requirement"] == group.requirement.as_str() && (property == wanted || is_element)
}

/// Where the failures of a group are.
pub(in crate::console) fn address(import: &Import, requirement: &str, property: Option<&str>) -> String {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let property = property.map(|property| format!("&property={}", encoded(property))).unwrap_or_default();
    format!("/console/imports/{}/failures?requirement={}{property}", import.id, encoded(requirement))
}
