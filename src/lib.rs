//! Rollbook: bulk import of people and accounts from CSV, with an exact account of every record.
//!
//! Doors, one engine, one repository, over one schema. The command line is the door there is; more find room on level 4.
//! Upper layers import lower ones, never the other way round:
//!
//! ```text
//! 5  main  cli                                         composition
//! 3  app  worker                                       the entrance: submit, run, cancel
//! 2  engine  spool                                     from bytes to outcomes (synchronous)
//! 1  repository                                        storage
//! 0  schema  object  plan  import  failure  filter     pure
//!    csv_writer  token  error  config  clock
//! ```

pub mod access;
pub mod app;
pub mod clock;
pub mod config;
pub mod csv_writer;
pub mod engine;
pub mod error;
pub mod failure;
pub mod filter;
pub mod http;
pub mod import;
pub mod object;
pub mod plan;
pub mod repository;
pub mod scheduler;
pub mod schema;
pub mod spool;
pub mod token;
pub mod worker;
