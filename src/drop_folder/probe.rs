//! Whether a drop folder can be worked with: each right is tried on its own.
//!
//! What is written for it is a small file under `processed` that is no data file, and it is removed again.

use serde_json::{Value, json};
use uuid::Uuid;

use super::DropFolders;
use crate::bucket::credentials::Role;
use crate::bucket::{Bucket, LOOKED_INTO, UNFINISHED};
use crate::config::{Authorization, DropFolder};
use crate::error::{Error, Kind, Result};

/// What a drop folder needs to be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// The role can be assumed with the ExternalId.
    Assume,
    /// The role cannot be assumed without the ExternalId, or with another one.
    Guard,
    /// Listing `current` and `processed`.
    List,
    /// Reading a file.
    Read,
    /// Writing under `processed`.
    Write,
    /// Deleting in `current` and `processed`.
    Delete,
}

impl Right {
    /// The word for it, as it is shown.
    pub fn name(self) -> &'static str {
        match self {
            Right::Assume => "assume",
            Right::Guard => "guard",
            Right::List => "list",
            Right::Read => "read",
            Right::Write => "write",
            Right::Delete => "delete",
        }
    }
}

/// What trying one right showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Probed {
    /// The right.
    pub right: Right,
    /// What is wrong and what would help, if anything is; of what was not tried because of another, that.
    pub problem: Option<String>,
}

/// What trying a drop folder showed.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// Where it looks: `s3://ABC123/export/users_import`.
    pub place: String,
    /// Each right that was tried.
    pub rights: Vec<Probed>,
}

impl Probe {
    /// Whether the drop folder can be worked with.
    pub fn is_good(&self) -> bool {
        self.rights.iter().all(|tried| tried.problem.is_none())
    }

    /// What trying the drop folder of this name showed, as it is shown.
    pub fn to_json(&self, name: &str) -> Value {
        let right = |Probed { right, problem }: &Probed| match problem {
            None => json!({ "right": right.name(), "ok": true }),
            Some(problem) => json!({ "right": right.name(), "ok": false, "problem": problem }),
        };
        let rights: Vec<Value> = self.rights.iter().map(right).collect();
        json!({ "_id": name, "place": self.place, "ok": self.is_good(), "rights": rights })
    }
}

impl DropFolders {
    /// Tries each right that a drop folder needs.
    ///
    /// # Errors
    /// `NotFound` if there is no drop folder of this name. What is wrong with its bucket is told in the answer.
    pub fn test(&self, name: &str) -> Result<Probe> {
        let folder = self.get(name)?;
        let state = self.state(&folder)?;
        let rights = match self.bucket(&folder, &state) {
            Ok(bucket) => self.try_rights(&bucket),
            Err(error) => useless(needed(&folder), &error),
        };
        Ok(Probe { place: place(&folder), rights })
    }

    fn try_rights(&self, bucket: &Bucket) -> Vec<Probed> {
        let mut rights = Vec::new();
        if let Some(role) = bucket.role() {
            if let Err(error) = self.assume(role, Some(role.external_id())) {
                return useless(&ALL, &error);
            }
            rights.push(Probed { right: Right::Assume, problem: None });
            rights.push(probed(Right::Guard, self.try_guard(role)));
        }
        rights.extend(try_files(bucket));
        rights
    }

    /// Tries to get in as somebody could who has learnt the role's ARN, but is not this drop folder.
    fn try_guard(&self, role: &Role) -> Result<()> {
        let other = Uuid::new_v4().to_string();
        for (external_id, with) in [(None, "without an ExternalId"), (Some(other.as_str()), "with any ExternalId")] {
            match self.assume(role, external_id) {
                Ok(()) => {
                    return Err(Error::new(
                        Kind::Forbidden,
                        format!(
                            "the role can be assumed {with}: give its trust policy the condition StringEquals \
                             sts:ExternalId '{}', as the policies of the drop folder have it",
                            role.external_id()
                        ),
                    ));
                }
                Err(error) if error.kind() == Kind::Forbidden => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn assume(&self, role: &Role, external_id: Option<&str>) -> Result<()> {
        self.outbound.runtime.block_on(role.assume(external_id)).map(|_| ())
    }
}

/// What there is to be tried with a role, in its order.
const ALL: [Right; 6] = [Right::Assume, Right::Guard, Right::List, Right::Read, Right::Write, Right::Delete];

fn needed(folder: &DropFolder) -> &'static [Right] {
    match folder.authorization {
        Authorization::Role { .. } => &ALL,
        _ => &ALL[2..],
    }
}

/// Where it looks, as people write it.
fn place(folder: &DropFolder) -> String {
    let place = folder.place();
    match (place.strip_prefix("file:"), place.split_once('/')) {
        (Some(path), _) => path.to_owned(),
        (None, Some((_, path))) => format!("s3://{path}"),
        (None, None) => place,
    }
}

fn probed(right: Right, tried: Result<()>) -> Probed {
    Probed { right, problem: tried.err().map(|error| error.to_string()) }
}

/// Without the first of these rights none of them can be tried.
fn useless(rights: &[Right], error: &Error) -> Vec<Probed> {
    let untried = || Some("not tried, because of the first problem".to_owned());
    let problem = |place| if place == 0 { Some(error.to_string()) } else { untried() };
    rights.iter().enumerate().map(|(place, right)| Probed { right: *right, problem: problem(place) }).collect()
}

fn try_files(bucket: &Bucket) -> Vec<Probed> {
    let probe = format!("{UNFINISHED}probe-{}", Uuid::new_v4());
    let (ours, theirs) = (format!("processed/{probe}"), format!("current/{probe}"));
    let had_processed = bucket.has_folder("processed");
    let listed = bucket.list("current").and_then(|_| bucket.list("processed")).map(|_| ());
    if let Err(error) = &listed
        && error.kind() == Kind::Request
    {
        // There is no bucket. Of what is not there for that reason some servers say that it is deleted.
        return useless(&ALL[2..], error);
    }
    let written = bucket.try_write(&ours);
    let read =
        if written.is_ok() { bucket.try_read(&ours).and(try_read_theirs(bucket)) } else { try_read_theirs(bucket) };
    let read = read.and_then(|was_read| match was_read || written.is_ok() {
        true => Ok(()),
        false => Err(Error::conflict("not tried: no file is there, and none could be written")),
    });
    let deleted = bucket.try_delete(&theirs).and(bucket.try_delete(&ours));
    if matches!(had_processed, Ok(false)) {
        // A folder that is left over does no harm.
        let _ = bucket.remove_empty_folder("processed");
    }
    vec![
        probed(Right::List, listed),
        probed(Right::Read, read),
        probed(Right::Write, written),
        probed(Right::Delete, deleted),
    ]
}

/// Reads the beginning of a file that waits in a partition. Returns whether there is one that can be found.
fn try_read_theirs(bucket: &Bucket) -> Result<bool> {
    let Ok(current) = bucket.list("current") else { return Ok(false) };
    for folder in current.folders.iter().take(LOOKED_INTO) {
        let listing = bucket.list(&format!("current/{folder}")).unwrap_or_default();
        if let Some(file) = listing.files.first() {
            return bucket.try_read(&file.key).map(|()| true);
        }
    }
    Ok(false)
}
