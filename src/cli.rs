//! The command line: what can be typed, and which file answers it.
//!
//! One file per command. Each turns its arguments into calls of the library and prints what comes back, for people or,
//! with `--json`, for programs; none of them decides anything about data. Names and exit codes are a contract: scripts
//! use them.
#![expect(clippy::disallowed_methods, reason = "the environment is read here and nowhere below")]

mod check;
mod context;
mod definitions;
mod drop_folder;
mod export;
mod failures_file;
mod groups;
mod import;
mod imports;
mod log;
mod migrate;
mod new_file;
mod objects;
pub(crate) mod output;
mod plan;
mod progress;
mod report;
mod running;
mod serve;
mod table;
mod template;
mod token;
mod types;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use rollbook::error::Result;

use self::context::Context;

const EXAMPLES: &str = "\
Examples:
  rollbook template managed/user > users.csv               Get the header, to be filled in
  rollbook check users.csv --against managed/user          See what is wrong with the file
  rollbook import users.csv --into managed/user --unique userName
  rollbook imports failures ID --out failed.csv            Get the failed records
  rollbook objects list managed/user                       See what is stored

Exit code: 0, all records are in; 1, data was refused, in whole or part; 2, anything else.";

/// Imports people and accounts from CSV files, with an exact account of every record.
///
/// Every record of a file is created, updated, unchanged or failed with a reason, exactly once. What is stored, and
/// what an import did, is kept in a data directory, which is made when it is first needed.
#[derive(Debug, Parser)]
#[command(version, after_help = EXAMPLES)]
pub(crate) struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Global options")]
struct GlobalArgs {
    /// The directory that everything is kept in
    #[arg(long, global = true, value_name = "DIR", env = "ROLLBOOK_DATA", hide_env_values = true)]
    #[arg(default_value = context::DEFAULT_DATA)]
    data: PathBuf,
    /// The settings [default: rollbook.toml in the data directory, if there is one]
    #[arg(long, global = true, value_name = "FILE", env = "ROLLBOOK_CONFIG", hide_env_values = true)]
    config: Option<PathBuf>,
    /// Print JSON for programs, one object per line
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::ServeArgs),
    Import(import::ImportArgs),
    Check(check::CheckArgs),
    Template(template::TemplateArgs),
    #[command(subcommand)]
    Imports(imports::ImportsCommand),
    #[command(subcommand)]
    Types(types::TypesCommand),
    #[command(subcommand)]
    Objects(objects::ObjectsCommand),
    #[command(subcommand)]
    DropFolder(drop_folder::DropFolderCommand),
    #[command(subcommand)]
    Token(token::TokenCommand),
    Migrate(migrate::MigrateArgs),
}

/// How a command that did not fail ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// All records are in; or, where there was none to be imported, all went well.
    Good,
    /// Records, or whole files, were refused.
    Refused,
    /// Somebody cancelled the import.
    Cancelled,
    /// What was to be done could not be.
    Failed,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> ExitCode {
        ExitCode::from(match verdict {
            Verdict::Good => 0,
            Verdict::Refused => 1,
            Verdict::Cancelled | Verdict::Failed => 2,
        })
    }
}

/// Does what was typed.
pub(crate) fn run(cli: Cli) -> Result<Verdict> {
    let GlobalArgs { data, config, json } = cli.global;
    let mut context = Context::new(&data, config.as_deref(), json)?;
    let verdict = match cli.command {
        Command::Serve(args) => serve::run(&mut context, args)?,
        Command::Import(args) => import::run(&mut context, args)?,
        Command::Check(args) => check::run(&mut context, args)?,
        Command::Template(args) => template::run(&mut context, &args)?,
        Command::Imports(command) => imports::run(&mut context, command)?,
        Command::Types(command) => types::run(&mut context, command)?,
        Command::Objects(command) => objects::run(&mut context, command)?,
        Command::DropFolder(command) => drop_folder::run(&mut context, command)?,
        Command::Token(command) => token::run(&mut context, command)?,
        Command::Migrate(args) => migrate::run(&mut context, args)?,
    };
    context.out.flush()?;
    Ok(verdict)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::Cli;

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }
}
