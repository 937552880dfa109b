//! What was said of drop folders, so that the log says it once and not at every look.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, PoisonError};

/// What this process has said, by drop folder.
#[derive(Debug, Default)]
pub(crate) struct Said(Mutex<BTreeMap<String, BTreeSet<String>>>);

impl Said {
    /// Says what is new since the last time. What is not so any more may be said again.
    pub(super) fn say(&self, drop_folder: &str, notices: &[String]) {
        for notice in self.news(drop_folder, notices) {
            tracing::warn!(drop_folder, notice, "something is left alone");
        }
    }

    fn news<'a>(&self, drop_folder: &str, notices: &'a [String]) -> Vec<&'a String> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said = all.insert(drop_folder.to_owned(), notices.iter().cloned().collect()).unwrap_or_default();
        notices.iter().filter(|notice| !said.contains(*notice)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Said;

    #[test]
    fn what_is_said_once_is_said_again_only_if_it_was_otherwise() {
        let said = Said::default();
        let news = |folder: &str, notices: &[&str]| {
            let notices: Vec<String> = notices.iter().map(|notice| (*notice).to_owned()).collect();
            said.news(folder, &notices).into_iter().cloned().collect::<Vec<_>>()
        };
        assert_eq!(news("a", &["late", "odd"]), ["late", "odd"]);
        assert!(news("a", &["late", "odd"]).is_empty());
        assert_eq!(news("b", &["late"]), ["late"]);
        assert!(news("a", &["odd"]).is_empty());
        assert_eq!(news("a", &["late", "odd"]), ["late"]);
    }
}
