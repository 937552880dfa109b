//! What is said of a run in `status.txt`, `status.json` and its callback. Pure.

use serde_json::Value;

use crate::failure::Failure;
use crate::import::Import;
use crate::run::{FileOutcome, Run};

/// What became of a file, from the record of its import, which is over, and its first failures.
pub(super) fn outcome(_import: &Import, _failures: &[Failure]) -> FileOutcome {
    todo!()
}

/// What became of a file that no import was made of.
pub(super) fn refused(_error: &crate::error::Error) -> FileOutcome {
    todo!()
}

/// The text of `status.txt`; every data file of the run has its outcome.
pub(super) fn text(_run: &Run) -> String {
    todo!()
}

/// The content of `status.json`.
pub(super) fn json(_run: &Run) -> Value {
    todo!()
}

/// Whether the run is a success: every data file is, and there is one.
pub(super) fn is_success(_run: &Run) -> bool {
    todo!()
}

/// What the callback says in `message`.
pub(super) fn message(_run: &Run) -> String {
    todo!()
}
