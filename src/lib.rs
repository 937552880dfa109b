//! Rollbook: bulk import of people and accounts from CSV, with an exact account of every record.
//!
//! Doors, one engine, one repository, over one schema. The doors are the command line, [`http`] with the pages of the
//! [`console`] in front of it, and [`drop_folder`]. Upper
//! layers import lower ones, never the other way round, and below level 4 everything is synchronous:
//!
//! ```text
//! 5  main  cli  scheduler                              composition
//! 4  http  console                                     what programs ask over the network, and what people look at
//! 3  app  worker  access  drop_folder  transfer        the entrance: submit, run, cancel; who may what; partitions
//! 2  engine  spool                                     from bytes to outcomes
//! 1  repository  bucket  outbound                      storage
//! 0  schema  object  plan  import  failure  fault      pure
//!    filter  token  run  secret  address  csv_writer  error
//!    config  clock  json  figures  sign_in  report
//! ```

pub mod access;
pub mod address;
pub mod app;
mod bucket;
pub mod clock;
pub mod config;
pub mod console;
pub mod csv_writer;
pub mod drop_folder;
pub mod engine;
pub mod error;
pub mod failure;
pub mod fault;
pub mod figures;
pub mod filter;
pub mod http;
pub mod import;
mod json;
pub mod object;
mod outbound;
pub mod plan;
pub mod report;
pub mod repository;
pub mod run;
pub mod scheduler;
pub mod schema;
pub mod secret;
pub mod sign_in;
pub mod spool;
pub mod token;
pub mod transfer;
pub mod worker;
