//! Failures that are alike, as they are shown together.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::requirements::title;
use crate::app::App;
use crate::error::{Result, shown};
use crate::failure::{Failure, column_of};
use crate::figures::{counted, grouped};
use crate::import::Import;
use crate::report::FailureGroup;

/// Groups that are shown with an example. A file that is wrong in more ways is another file.
const SHOWN: usize = 20;

/// How much of a cell an example shows.
const CELL: usize = 60;

/// A group of failures.
#[derive(Clone, Debug)]
pub(super) struct Group {
    pub(super) requirement: String,
    pub(super) property: Option<String>,
    pub(super) title: String,
    /// `4,211 records`.
    pub(super) counted: String,
    /// `e.g. row 17: '31.02.2021'`, with what is wrong with it.
    pub(super) example: Option<Example>,
    /// Its failures.
    pub(super) address: String,
}

#[derive(Clone, Debug)]
pub(super) struct Example {
    pub(super) row: String,
    /// The offending cell, if there is one.
    pub(super) cell: Option<String>,
    pub(super) reason: String,
}

/// The groups of an import's failures, the largest first, and how many there are beside those.
pub(super) fn groups(app: &App, import: &Import) -> Result<(Vec<Group>, usize)> {
    let all = app.repository.failure_groups(import.id)?;
    let more = all.len().saturating_sub(SHOWN);
    let groups = all.into_iter().take(SHOWN).map(|group| Group::of(app, import, group)).collect::<Result<_>>()?;
    Ok((groups, more))
}

impl Group {
    fn of(app: &App, import: &Import, group: FailureGroup) -> Result<Group> {
        let first = app.repository.failures(import.id, group.first_row.saturating_sub(1), 1)?;
        let first = first.first().filter(|first| first.row == group.first_row);
        let violation = first.and_then(|first| {
            first.violations().iter().find(|violation| {
                violation["requirement"] == group.requirement.as_str() && is_about(violation, group.property.as_deref())
            })
        });
        let wanted = violation.and_then(|violation| violation["type"].as_str());
        Ok(Group {
            title: title(&group.requirement, group.property.as_deref(), wanted),
            counted: counted(group.failures, "record"),
            example: first.map(|first| example(first, violation, import)),
            address: address(import, &group.requirement, group.property.as_deref()),
            requirement: group.requirement,
            property: group.property,
        })
    }
}

/// Whether a violation is about this property, or an element of it.
fn is_about(violation: &serde_json::Value, property: Option<&str>) -> bool {
    let found = violation["property"].as_str();
    found == property || found.and_then(|found| found.split_once('[')).map(|(array, _)| array) == property
}

fn example(failure: &Failure, violation: Option<&serde_json::Value>, import: &Import) -> Example {
    let column = violation.and_then(|violation| column_of(violation, &import.header));
    let cell = column.and_then(|column| failure.cells.get(column));
    let reason = violation.map_or(&failure.problem["message"], |violation| &violation["message"]);
    Example {
        row: grouped(failure.row),
        cell: cell.filter(|cell| !cell.is_empty()).map(|cell| shown(cell, CELL).into_owned()),
        reason: reason.as_str().unwrap_or_default().to_owned(),
    }
}

/// Where the failures of a group are.
pub(super) fn address(import: &Import, requirement: &str, property: Option<&str>) -> String {
    let encoded = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let property = property.map(|property| format!("&property={}", encoded(property))).unwrap_or_default();
    format!("/console/imports/{}/failures?requirement={}{property}", import.id, encoded(requirement))
}
