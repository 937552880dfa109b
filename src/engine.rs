//! The engine: turns the bytes of one file into typed, validated, correlated objects, and accounts for every record.
//!
//! ```text
//! reader -> round -> entries -> decide -> session
//! cells     keys     typed      outcome   put, fail, commit
//! ```
//!
//! The engine is synchronous and knows no door: it gets a file, a [`Plan`](crate::plan::Plan) and a session of the
//! repository. A reading thread decompresses, parses, hashes and validates rounds of records while the calling thread
//! looks up, decides and puts the round before ([`pass`]).

mod applier;
mod apply;
pub(crate) mod binding;
pub(crate) mod columns;
mod decision;
mod entry;
mod failing;
mod fold;
pub(crate) mod inspect;
pub(crate) mod layout;
mod milestones;
pub(crate) mod pass;
pub mod progress;
pub mod reader;
pub(crate) mod references;
mod refuse;
mod round;
mod samples;
pub(crate) mod scan;
mod survey;
pub(crate) mod tempo;
mod touched;
mod warnings;
