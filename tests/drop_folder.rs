//! The drop-folder door, from outside: what is dropped, and what then lies where.
//!
//! * `article`: every example and promise of the Gainsight PX article, in its order.
//! * `callback`: who is told that a run is over, and how.
//! * `chaos`: stores that fail, rights that are missing, files that change meanwhile, and company.
//! * `files`: what the import of a dropped file finds and does, whatever else lies in its drop folder.
//! * `kills`: processes that are killed, at every request and at random moments.
//! * `partitions`: which partitions and files are taken, when, and what becomes of them.
//! * `receiver`: an endpoint that is told of runs.
//! * `refusals`: what is wrong with a file, in the words of `status.txt`.
//! * `s3`: the same on S3 and what speaks its protocol; roles.
//! * `settings`: `rollbook.toml`, `drop-folder set` and the other commands.
//! * `stage`: two drop folders and what must have become of them; start there for what may go wrong.

mod article;
mod callback;
mod chaos;
mod files;
mod kills;
mod partitions;
pub(crate) mod receiver;
mod refusals;
mod s3;
mod settings;
mod stage;
