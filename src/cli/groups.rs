//! The failures of an import, grouped by what was not met, so that a thousand of them are read at a glance.

use std::collections::HashMap;
use std::fmt;

use rollbook::app::App;
use rollbook::error::{Result, shown};
use rollbook::failure::Failure;
use rollbook::import::Import;

use super::table::{Column, Table};
use rollbook::figures::{counted, grouped};

/// More kinds of failure are counted, not listed.
const LISTED: usize = 10;

/// Reading failures costs time; so many show what is wrong with a file.
const READ: u64 = 100_000;

/// How much of an example is shown.
const EXAMPLE: usize = 100;

/// Failures by kind, in the order in which the kinds first came.
#[derive(Debug, Default)]
pub(crate) struct Groups {
    groups: Vec<Group>,
    by_kind: HashMap<(String, String), usize>,
    read: u64,
    total: u64,
}

#[derive(Debug)]
struct Group {
    requirement: String,
    property: String,
    records: u64,
    last_row: u64,
    example: String,
}

impl Groups {
    /// Groups the failures that an import has stored.
    pub(crate) fn of(app: &App, import: &Import) -> Result<Groups> {
        let mut groups = Groups { total: import.counts.failure, ..Groups::default() };
        app.repository.each_failure(import.id, READ, |failure| {
            groups.add(&failure);
            Ok(())
        })?;
        Ok(groups)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    fn add(&mut self, failure: &Failure) {
        self.read += 1;
        let violations = failure.problem["violations"].as_array().map_or(&[][..], Vec::as_slice);
        if violations.is_empty() {
            let message = failure.problem["message"].as_str().unwrap_or_default();
            // Failures of one kind differ in their numbers and values.
            let kind: String =
                message.split('\'').step_by(2).flat_map(str::chars).filter(|c| !c.is_numeric()).collect();
            self.count("", "", kind, failure.row, message);
        }
        for violation in violations {
            let text = |name: &str| violation[name].as_str().unwrap_or_default();
            self.count(text("requirement"), text("property"), String::new(), failure.row, text("message"));
        }
    }

    fn count(&mut self, requirement: &str, property: &str, kind: String, row: u64, message: &str) {
        let kind = (format!("{requirement} {kind}"), property.to_owned());
        let at = *self.by_kind.entry(kind).or_insert_with(|| {
            let example = format!("row {}: {}", grouped(row), shown(message, EXAMPLE));
            let (requirement, property) = (requirement.to_owned(), property.to_owned());
            self.groups.push(Group { requirement, property, records: 0, last_row: 0, example });
            self.groups.len() - 1
        });
        let group = &mut self.groups[at];
        if group.last_row != row {
            group.last_row = row;
            group.records += 1;
        }
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<&Group> = self.groups.iter().collect();
        groups.sort_by_key(|group| std::cmp::Reverse(group.records));
        let columns = [
            Column::Text("  requirement"),
            Column::Text("property"),
            Column::Number("records"),
            Column::Text("example"),
        ];
        let mut table = Table::new(&columns);
        for group in groups.iter().take(LISTED) {
            let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
            let requirement = format!("  {}", or_dash(&group.requirement));
            table.row([requirement, or_dash(&group.property), grouped(group.records), group.example.clone()]);
        }
        write!(f, "{table}")?;
        if groups.len() > LISTED {
            write!(f, "\n  and {} of failure", counted((groups.len() - LISTED) as u64, "more kind"))?;
        }
        if self.read < self.total {
            write!(f, "\n  (counted in the first {} failures)", grouped(self.read))?;
        }
        Ok(())
    }
}
