//! What is odd about a file and no error.

/// Warnings are listed up to here, then counted.
const MAX_WARNINGS: usize = 100;

/// Warnings, of which only the first are kept.
pub(super) struct Warnings {
    list: Vec<String>,
    more: usize,
}

impl Warnings {
    /// Goes on with those of an earlier run.
    pub(super) fn new(list: Vec<String>) -> Warnings {
        Warnings { list, more: 0 }
    }

    pub(super) fn add(&mut self, warning: String) {
        if self.list.len() < MAX_WARNINGS { self.list.push(warning) } else { self.more += 1 }
    }

    /// For what a restart or a second pass finds again.
    pub(super) fn add_once(&mut self, warning: String) {
        if !self.list.contains(&warning) {
            self.add(warning);
        }
    }

    pub(super) fn all(&self) -> Vec<String> {
        let mut all = self.list.clone();
        if self.more > 0 {
            all.push(format!("... and {} more", self.more));
        }
        all
    }
}

/// Records of which one warning tells: how many there are, and where the first ones stand.
#[derive(Default)]
pub(super) struct Rows {
    count: u64,
    first: Vec<u64>,
}

/// So many rows are named.
const MAX_NAMED: usize = 10;

impl Rows {
    pub(super) fn add(&mut self, row: u64) {
        self.count += 1;
        if self.first.len() < MAX_NAMED {
            self.first.push(row);
        }
    }

    /// `2 records have no object and were left out: rows 3 and 7`, if there are any.
    pub(super) fn warning(&self, one: &str, many: &str) -> Option<String> {
        let rows: Vec<String> = self.first.iter().map(u64::to_string).collect();
        let more = self.count - rows.len() as u64;
        match rows.as_slice() {
            [] => None,
            [row] => Some(format!("1 record {one}: row {row}")),
            rows if more > 0 => {
                Some(format!("{} records {many}: rows {} and {more} more", self.count, rows.join(", ")))
            }
            [rows @ .., last] => Some(format!("{} records {many}: rows {} and {last}", self.count, rows.join(", "))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;

    #[test]
    fn the_first_rows_are_named() {
        let told = |count: u64| {
            let mut rows = Rows::default();
            (2..2 + count).for_each(|row| rows.add(row));
            rows.warning("is odd", "are odd").unwrap_or_default()
        };
        let told: Vec<String> = [0, 1, 2, 10, 12].map(told).into();
        insta::assert_snapshot!(told.join("\n"), @"
        1 record is odd: row 2
        2 records are odd: rows 2 and 3
        10 records are odd: rows 2, 3, 4, 5, 6, 7, 8, 9, 10 and 11
        12 records are odd: rows 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 and 2 more
        ");
    }
}
