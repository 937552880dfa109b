//! A look at a drop folder.

use super::{DropFolders, Imports};
use crate::error::Result;
use crate::run::{Run, Trouble};

/// What a look at a drop folder came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Polled {
    /// The runs that went on, as they are now, by partition.
    pub runs: Vec<Run>,
    /// What was seen and left alone, each in a sentence: partitions without a marker, late files, names that are no dates.
    pub notices: Vec<String>,
    /// What kept the look from its end.
    pub trouble: Option<Trouble>,
}

impl Polled {
    /// All trouble that there was.
    pub fn troubles(&self) -> impl Iterator<Item = &Trouble> {
        self.trouble.iter().chain(self.runs.iter().filter_map(|run| run.trouble.as_ref()))
    }
}

impl DropFolders {
    /// Looks at a drop folder and does what can be done, the oldest partition first, its files by name.
    ///
    /// # Errors
    /// `NotFound` if there is no drop folder of this name; `Busy` while another process looks at it. What is wrong with
    /// the bucket is no error: it is noted, and told in [`Polled::trouble`].
    pub fn poll(&self, _name: &str, _imports: &dyn Imports) -> Result<Polled> {
        todo!()
    }
}
