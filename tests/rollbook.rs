//! All tests from outside, in one binary.
//!
//! * `cli`: what people type, and what they get. Something new that a user can see belongs there, in the user's words.
//! * `conformance`: what a repository is, whatever it is made of.
//! * `console`: the pages of the console, as a person sees them.
//! * `content`: what becomes of files as people, spreadsheets, programs and accidents make them.
//! * `corpora`: the reader against other people's test data.
//! * `correlation`: which object a record is about, and values that only one may have.
//! * `crash`: what becomes of imports that are killed, cancelled, starved of disk, or not alone.
//! * `database`: what installations of tests keep everything in: SQLite, or PostgreSQL, on which all of it runs once more.
//! * `documents`: README and the others say what is so.
//! * `drop_folder`: the drop-folder door.
//! * `dropping`: files that are dropped; start there for anything that comes through a drop folder.
//! * `failures`: exported, corrected, imported.
//! * `harness`: an installation in a temporary directory; start there.
//! * `issuer`: an OpenID Connect issuer.
//! * `moving`: installations that move from SQLite into a PostgreSQL database.
//! * `plan`: empty cells, all or nothing, equal keys, dry runs.
//! * `postgres`: what is only of PostgreSQL, and that nobody sees the difference.
//! * `reports`: what an import tells besides its counts.
//! * `rest`: the REST door, asked with curl.
//! * `s3`: an S3 server and an STS, which fail when they are told to; start there for anything that lies in S3.
//! * `service`: a running service; start there for anything that is asked over HTTP.
//! * `spool`: the bytes of imports on a shared directory and in a bucket, and whose spool it is.
//! * `together`: imports and other writes of objects in any order, against an oracle.
//! * `types`: object types as they change.
//! * `values`: which cells each type of property takes, and what they are stored as.
//! * `visitor`: somebody with a browser; start there for anything that is of the console.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "a test stands for the machine and for whoever uses it")]

mod cli;
mod conformance;
mod console;
mod content;
mod corpora;
mod correlation;
mod crash;
mod database;
mod documents;
mod drop_folder;
mod dropping;
mod failures;
mod harness;
mod issuer;
mod moving;
mod plan;
mod postgres;
mod reports;
mod rest;
mod s3;
mod service;
mod spool;
mod together;
mod types;
mod values;
mod visitor;
