//! What a client knows of the thing that it writes, and whether it is so.

use crate::error::{Error, Kind, Result};

/// What the client knows of the object, or of the object type, that it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    None,
    /// That there is none.
    Absent,
    /// That there is one.
    Present,
    /// That it is of this revision, as clients see revisions.
    Revision(String),
}

impl Condition {
    /// Holds the condition against the revision that was `seen`, if there is anything. `what` it is about is for the
    /// sentences, such as `object 'bjensen'`.
    ///
    /// # Errors
    /// `Outdated` if it does not hold; what `missing` makes if it speaks of something that is nowhere.
    pub(crate) fn check(&self, what: &str, seen: Option<String>, missing: impl FnOnce() -> Error) -> Result<()> {
        match (self, seen) {
            (Condition::None, _) | (Condition::Absent, None) | (Condition::Present, Some(_)) => Ok(()),
            (Condition::Absent, Some(_)) => {
                let article = if what.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
                Err(Error::new(Kind::Outdated, format!("there is {article} {what} already")))
            }
            (Condition::Present | Condition::Revision(_), None) => Err(missing()),
            (Condition::Revision(known), Some(seen)) if *known == seen => Ok(()),
            (Condition::Revision(known), Some(seen)) => {
                let said = format!(
                    "the current revision of {what} is '{seen}' and not '{known}': it has changed since it was read"
                );
                Err(Error::new(Kind::Outdated, said))
            }
        }
    }
}
