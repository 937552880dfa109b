//! The failures of an import, grouped by what was not met, so that a thousand of them are read at a glance.

use std::fmt;

use rollbook::app::App;
use rollbook::error::{Result, shown};
use rollbook::import::Import;
use rollbook::report::FailureGroup;

use super::table::{Column, Table};
use rollbook::figures::{counted, grouped};

/// More kinds of failure are counted, not listed.
const LISTED: usize = 10;

/// How much of an example is shown.
const EXAMPLE: usize = 100;

/// Failures by kind, the most frequent first.
#[derive(Debug)]
pub(crate) struct Groups(Vec<FailureGroup>);

impl Groups {
    /// The groups of the failures that an import has stored.
    pub(crate) fn of(app: &App, import: &Import) -> Result<Groups> {
        app.repository.failure_groups(import.id).map(Groups)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Groups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = [
            Column::Text("  requirement"),
            Column::Text("property"),
            Column::Number("records"),
            Column::Text("example"),
        ];
        let mut table = Table::new(&columns);
        for group in self.0.iter().take(LISTED) {
            // What is wrong with a whole record is said by the example.
            let (requirement, property) = match &group.property {
                Some(property) => (group.requirement.as_str(), property.as_str()),
                None => ("-", "-"),
            };
            let example = format!("row {}: {}", grouped(group.first_row), shown(&group.example, EXAMPLE));
            table.row([format!("  {requirement}"), property.to_owned(), grouped(group.failures), example]);
        }
        write!(f, "{table}")?;
        if self.0.len() > LISTED {
            write!(f, "\n  and {} of failure", counted((self.0.len() - LISTED) as u64, "more kind"))?;
        }
        Ok(())
    }
}
