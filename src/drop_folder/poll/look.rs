//! What lies in `current`: which partitions are ready to be taken, and what people should know of the rest.

use std::collections::{BTreeMap, BTreeSet};

use super::Look;
use crate::clock;
use crate::drop_folder::layout::{self, Contents, Folder, MARKER};
use crate::error::Result;
use crate::run::RunFile;

/// Partitions by date, with what is in them.
pub(super) type Ready = BTreeMap<String, Contents>;

impl Look<'_> {
    /// Lists everything in `current`, and gives the partitions whose marker was never seen and in which nothing has
    /// changed for the settle time. What is wrong with others replaces the `notices`.
    pub(super) fn look(&self, notices: &mut Vec<String>) -> Result<Ready> {
        let current = self.bucket.list(layout::CURRENT)?;
        let mut odd = current.notices;
        odd.extend(layout::strays(&current.files));
        let mut partitions = Vec::new();
        for folder in current.folders.iter().map(|name| Folder::of(name)) {
            match folder {
                Folder::Partition(date) => partitions.push(date),
                Folder::Odd(sentence) => odd.push(sentence),
                Folder::Hidden => {}
            }
        }
        let open = self.app.repository.open_runs(self.place)?;
        let open: BTreeSet<&str> = open.iter().map(|run| run.partition.as_str()).collect();
        let (mut marked, mut fresh) = (Ready::new(), Vec::new());
        for partition in partitions {
            let mut contents = self.contents(&partition)?;
            odd.append(&mut contents.notices);
            if open.contains(partition.as_str()) {
                continue;
            }
            match &contents.marker {
                None => self.unmarked(&partition, &contents.files, &mut odd, &mut fresh),
                Some(marker) => match self.app.repository.run_of_marker(self.place, &partition, marker)? {
                    None => drop(marked.insert(partition, contents)),
                    Some(_) => odd.extend(contents.data().map(|file| late(&partition, file))),
                },
            }
        }
        self.said.say(&self.folder.name, &odd);
        *notices = odd;
        notices.append(&mut fresh);
        self.settled(marked, notices)
    }

    /// What lies in a partition now.
    pub(super) fn contents(&self, partition: &str) -> Result<Contents> {
        Ok(Contents::of(partition, self.bucket.list(&layout::current(partition))?))
    }

    /// Of a partition without a marker people should know if it is being forgotten.
    fn unmarked(&self, partition: &str, files: &[RunFile], odd: &mut Vec<String>, fresh: &mut Vec<String>) {
        let Some(last) = files.iter().map(|file| file.version.modified.as_str()).max() else { return };
        if clock::since(last) < self.folder.stale_after {
            fresh.push(format!("partition {partition} waits for its marker '{MARKER}'"));
        } else {
            odd.push(format!("partition {partition} has no marker '{MARKER}', and nothing new since {last}"));
        }
    }

    /// Those in which nothing has changed for the settle time.
    fn settled(&self, marked: Ready, notices: &mut Vec<String>) -> Result<Ready> {
        if marked.is_empty() {
            return Ok(marked);
        }
        self.settle();
        let mut settled = Ready::new();
        for (partition, before) in marked {
            if self.is_stopping() {
                break;
            }
            if self.contents(&partition)?.is_as(&before) {
                settled.insert(partition, before);
            } else {
                notices.push(changing(&partition));
            }
        }
        Ok(settled)
    }
}

/// What is said of a partition that cannot be taken yet.
pub(super) fn changing(partition: &str) -> String {
    format!("partition {partition} is still being written, although it has its marker '{MARKER}'")
}

fn late(partition: &str, file: &RunFile) -> String {
    format!("late file '{}' in partition {partition}: it needs a new {MARKER}", file.name)
}
