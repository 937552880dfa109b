//! Patches: changes of single members of an object, as PingIDM words them.
//!
//! A [`Patch`] is read from a JSON array of operations and applied to an object as clients see it, all operations or
//! none. What the result may hold is for its type to say, not for this module.

mod operation;
mod target;

use serde_json::{Map, Value as Json};

use self::operation::Operation;
use crate::error::{Error, Result};

/// Operations of one patch at most.
const MAX_OPERATIONS: usize = 1000;

/// Bytes that the copies of one patch may add at most: copying into itself, an object would double each time.
const MAX_COPIED: usize = 5 << 20;

/// Operations in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Patch(Vec<Operation>);

impl Patch {
    /// Reads an array of operations.
    ///
    /// # Errors
    /// `Request`: what is wrong with the first operation that cannot be one, by its number.
    pub fn parse(json: &Json) -> Result<Patch> {
        let Json::Array(operations) = json else {
            return Err(Error::request(
                "a patch is a JSON array of operations, such as [{\"operation\": \"replace\", \"field\": \"/mail\", \
                 \"value\": \"bjensen@example.com\"}]",
            ));
        };
        if operations.len() > MAX_OPERATIONS {
            return Err(Error::request(format!("a patch has at most {MAX_OPERATIONS} operations")));
        }
        let read = |(json, number): (&Json, usize)| Operation::parse(json).map_err(|fault| numbered(number, &fault));
        operations.iter().zip(1..).map(read).collect::<Result<_>>().map(Patch)
    }

    /// Changes the members of an object.
    ///
    /// # Errors
    /// `Request`: what is wrong with the first operation that cannot be done, by its number.
    pub fn apply(&self, members: Map<String, Json>) -> Result<Map<String, Json>> {
        let mut object = Json::Object(members);
        let mut copied = 0;
        for (operation, number) in self.0.iter().zip(1..) {
            copied += operation.apply(&mut object).map_err(|fault| numbered(number, &fault))?;
            if copied > MAX_COPIED {
                return Err(numbered(number, "what the patch copies is larger than 5 MB"));
            }
        }
        match object {
            Json::Object(members) => Ok(members),
            _ => Err(Error::request("a patch cannot make something else of an object")),
        }
    }

    /// The paths of the members that the patch takes away, each with the number of its operation.
    pub fn removed(&self) -> impl Iterator<Item = (usize, String)> {
        let removed =
            |(operation, number): (&Operation, usize)| Some((number, operation.removed()?.segments().join("/")));
        self.0.iter().zip(1..).filter_map(removed)
    }
}

/// The number comes last, so that PingIDM's own words come first.
fn numbered(number: usize, fault: &str) -> Error {
    Error::request(format!("{fault} (operation {number})"))
}
