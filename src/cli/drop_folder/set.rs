//! `rollbook drop-folder set`, `pause`, `resume` and `remove`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use rollbook::app::Condition;
use rollbook::config::{Authorization, SetBy, WrittenDropFolder};
use rollbook::drop_folder::{DropFolders, Registered};
use rollbook::error::{Error, Result};

use crate::cli::Verdict;
use crate::cli::context::Context;

const EXAMPLES: &str = "\
Example of a file:
  name = \"px-users\"
  object_type = \"managed/px_user\"
  bucket = \"file:drop\"
  base_folder = \"users_import\"

The settings are those of [[drop_folder]] in rollbook.toml.";

/// Set drop folders, new or changed
///
/// Everything is checked before anything is set. A drop folder that is there already gets the settings of the file, and
/// its defaults for what is not there; secrets that are not there stay as they are. Secrets that the file has elsewhere,
/// as { env = \"NAME\" } or { file = \"PATH\" }, are read now, and stored sealed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct SetArgs {
    /// A TOML file with one drop folder, or with several [[drop_folder]]; or - for standard input
    #[arg(value_name = "FILE.toml")]
    file: PathBuf,
}

pub(crate) fn set(context: &mut Context, folders: &DropFolders, args: &SetArgs) -> Result<Verdict> {
    let in_file = |error: Error| error.in_file(args.file.display().to_string());
    let written = read(&args.file).and_then(|text| WrittenDropFolder::all_in_toml(&text)).map_err(in_file)?;
    let names: Vec<String> = written.iter().filter_map(|written| written.name().map(str::to_owned)).collect();
    let new = folders.put_all(written, SetBy::Operator, &Condition::None).map_err(in_file)?;
    for name in &names {
        let registered = folders.find(name)?;
        if context.out.json {
            context.out.json(&folders.shown(&registered)?)?;
            continue;
        }
        let done = if new.contains(name) { "is set" } else { "is changed" };
        context.out.line(format!("drop folder '{name}' {done}"))?;
        next(context, &registered)?;
    }
    Ok(Verdict::Good)
}

/// What is to be done before the drop folder can be worked with.
fn next(context: &mut Context, registered: &Registered) -> Result<()> {
    let folder = registered.folder.as_ref().ok();
    let Some(Authorization::Role { .. }) = folder.map(|folder| &folder.authorization) else { return Ok(()) };
    let (program, name) = (&context.program, &registered.name);
    context
        .out
        .line(format!("Next: {program} drop-folder policy {name}\n      The role needs the policies that it prints."))
}

fn read(path: &Path) -> Result<String> {
    let text = match path == Path::new("-") {
        true => io::read_to_string(io::stdin().lock()),
        false => fs::read_to_string(path),
    };
    text.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::request("there is no such file"),
        _ => Error::storage("the file could not be read", error),
    })
}

pub(crate) fn pause(context: &mut Context, folders: &DropFolders, name: &str, paused: bool) -> Result<Verdict> {
    let registered = folders.pause(name, paused)?;
    let sentence = match paused {
        true => format!("drop folder '{name}' is paused: it is looked at when somebody asks"),
        false => format!("drop folder '{name}' is looked at by its schedule"),
    };
    answer(context, folders, &registered, sentence)
}

pub(crate) fn remove(context: &mut Context, folders: &DropFolders, name: &str) -> Result<Verdict> {
    let registered = folders.remove(name, &Condition::None)?;
    let sentence = format!("drop folder '{name}' is removed; the ledger of its runs stays");
    match context.out.json {
        true => context.out.json(&registered.settings)?,
        false => context.out.line(sentence)?,
    }
    Ok(Verdict::Good)
}

fn answer(context: &mut Context, folders: &DropFolders, of: &Registered, sentence: String) -> Result<Verdict> {
    match context.out.json {
        true => context.out.json(&folders.shown(of)?)?,
        false => context.out.line(sentence)?,
    }
    Ok(Verdict::Good)
}
