//! `rollbook drop-folder`: places where others put files, which are imported and then moved.

mod poll;
mod runs;
mod set;
mod show;
mod trying;

use std::sync::Arc;

use clap::{Args, Subcommand};
use rollbook::app::App;
use rollbook::drop_folder::DropFolders;
use rollbook::error::Result;

use super::Verdict;
use super::context::Context;

/// Set drop folders, look at them, and see what became of what was dropped
///
/// A drop folder is a bucket in S3, or a directory, in which others put files (Gainsight PX's S3 import). In its base
/// folder, current/dt=20210228/ is taken once a file _SUCCESS lies there: every .csv.gz file of it is imported completely
/// or not at all, and all of it is then found in processed/20210228/, with a status.txt. Drop folders are set in
/// rollbook.toml, or here. 'rollbook serve' looks at them by their schedules.
#[derive(Debug, Subcommand)]
pub(crate) enum DropFolderCommand {
    /// List the drop folders and how they stand
    List,
    Show(show::ShowArgs),
    Set(set::SetArgs),
    Poll(poll::PollArgs),
    /// Try each right that a drop folder needs
    ///
    /// Lists, reads, writes and deletes, one by one, and says which right is missing. Nothing that others have put there
    /// is touched. Of a role it is tried that it cannot be assumed without the ExternalId, too.
    ///
    /// Exit code: 0, all rights are there; 1, one is missing; 2, anything else.
    #[command(verbatim_doc_comment)]
    Test(NameArgs),
    /// Print the policies for the role, or the user, of a drop folder, filled in
    ///
    /// The trust policy says who may assume the role, and with which ExternalId. The other one says what the role may do,
    /// and is no more than is needed.
    Policy(NameArgs),
    /// Have a drop folder looked at only when somebody asks
    Pause(NameArgs),
    /// Have a drop folder looked at by its schedule again
    Resume(NameArgs),
    /// Remove a drop folder that is not in rollbook.toml
    ///
    /// Its settings, its secrets and its ExternalId are gone. The ledger of its runs stays, so that nothing is imported
    /// again should it come back; so do its files.
    Remove(NameArgs),
    Runs(runs::RunsArgs),
    SendCallback(runs::SendCallbackArgs),
}

#[derive(Debug, Args)]
pub(crate) struct NameArgs {
    /// The drop folder, as 'rollbook drop-folder list' shows it
    #[arg(value_name = "NAME")]
    name: String,
}

pub(crate) fn run(context: &mut Context, command: DropFolderCommand) -> Result<Verdict> {
    let app = installation(context, &command)?;
    let folders = DropFolders::new(Arc::clone(&app))?;
    // There may be no service yet that has done it.
    folders.make_up_all()?;
    match command {
        DropFolderCommand::List => show::list(context, &folders),
        DropFolderCommand::Show(args) => show::show(context, &app, &folders, &args),
        DropFolderCommand::Set(args) => set::set(context, &folders, &args),
        DropFolderCommand::Poll(args) => poll::run(context, &app, &folders, &args),
        DropFolderCommand::Test(args) => trying::test(context, &folders, &args.name),
        DropFolderCommand::Policy(args) => trying::policy(context, &folders, &args.name),
        DropFolderCommand::Pause(args) => set::pause(context, &folders, &args.name, true),
        DropFolderCommand::Resume(args) => set::pause(context, &folders, &args.name, false),
        DropFolderCommand::Remove(args) => set::remove(context, &folders, &args.name),
        DropFolderCommand::Runs(args) => runs::runs(context, &app, &folders, &args),
        DropFolderCommand::SendCallback(args) => runs::send_callback(context, &app, &folders, &args),
    }
}

/// The installation. It is made for whom something is to be stored or imported, and for the drop folders of
/// rollbook.toml; not by looking.
fn installation(context: &Context, command: &DropFolderCommand) -> Result<Arc<App>> {
    let makes_one = matches!(command, DropFolderCommand::Set(_) | DropFolderCommand::Poll(_));
    match makes_one || !context.config.drop_folders.all()?.is_empty() {
        true => context.installation(),
        false => context.existing_installation(),
    }
}
