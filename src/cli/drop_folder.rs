//! `rollbook drop-folder`: places where others put files, which are imported and then moved.

mod poll;
mod runs;

use std::path::PathBuf;

use clap::{Args, Subcommand};
use rollbook::error::Result;

use super::Verdict;
use super::context::Context;

/// Set drop folders, look at them, and see what became of what was dropped
///
/// A drop folder is a bucket in S3, or a directory, in which others put files (Gainsight PX's S3 import). In its base
/// folder, current/dt=20210228/ is taken once a file _SUCCESS lies there: every .csv.gz file of it is imported completely
/// or not at all, and all of it is then found in processed/20210228/, with a status.txt. 'rollbook serve' looks at drop
/// folders by their schedules.
#[derive(Debug, Subcommand)]
pub(crate) enum DropFolderCommand {
    Poll(poll::PollArgs),
}

pub(crate) fn run(context: &mut Context, command: DropFolderCommand) -> Result<Verdict> {
    match command {
        DropFolderCommand::Poll(args) => poll::run(context, &args),
    }
}
