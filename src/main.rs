//! The `rollbook` program: parses what was typed, has it done, and says with its exit code how that went.

mod cli;

use std::error::Error as StdError;
use std::io;
use std::process::ExitCode;

use clap::Parser;
use rollbook::error::Error;

use crate::cli::Cli;

/// 0: all records are in; 1: the data was refused, in whole or part; 2: the operator or we failed.
fn main() -> ExitCode {
    match cli::run(Cli::parse()) {
        Ok(verdict) => verdict.into(),
        // Whoever reads our output has seen enough, as in `rollbook objects export managed/user | head`.
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            cli::output::complain(&error);
            ExitCode::from(if error.kind().is_data() { 1 } else { 2 })
        }
    }
}

fn is_broken_pipe(error: &Error) -> bool {
    let mut source = error.source();
    while let Some(cause) = source {
        if cause.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            return true;
        }
        source = cause.source();
    }
    false
}
