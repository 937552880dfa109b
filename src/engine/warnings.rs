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
