//! `rollbook types`: the object types and their definitions.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use rollbook::error::{Error, Result};
use rollbook::repository::StoredType;
use rollbook::schema::{ObjectType, Positions, TypeName};
use serde_json::{Value, json};

use super::Verdict;
use super::context::Context;
use super::definitions::{object_type, read_definitions, starter_types};
use super::output::note;
use super::table::{Column, Table};
use rollbook::figures::grouped;

const APPLY_EXAMPLES: &str = "\
Examples:
  rollbook types apply managed.json
  rollbook types show managed/user > user.json
  rollbook types apply user.json
  rollbook types apply definitions/";

/// List, show and change object types
///
/// An object type says which properties its objects have and which rules their values must meet, in PingIDM's
/// managed-object format. Every installation starts with managed/user, managed/role, managed/assignment,
/// managed/px_user and managed/px_account.
#[derive(Debug, Subcommand)]
pub(crate) enum TypesCommand {
    /// List the object types
    List,
    /// Print the definition of an object type as JSON
    Show(ShowArgs),
    Apply(ApplyArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The object type, such as managed/user
    #[arg(value_name = "TYPE")]
    object_type: TypeName,
}

/// Store definitions, new or changed
///
/// All definitions are read before any is stored. A property that objects have values of cannot change its type, and
/// one whose values are shared cannot become unique. Objects keep their values of properties that a definition no
/// longer has.
#[derive(Debug, Args)]
#[command(after_help = APPLY_EXAMPLES)]
pub(crate) struct ApplyArgs {
    /// A whole managed.json, a file with one object of it, a folder of such files, or - for standard input
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
}

pub(crate) fn run(context: &mut Context, command: TypesCommand) -> Result<Verdict> {
    match command {
        TypesCommand::List => list(context),
        TypesCommand::Show(args) => show(context, &args.object_type),
        TypesCommand::Apply(args) => apply(context, &args.files),
    }
}

/// An object type as listed.
struct Listed {
    object_type: ObjectType,
    version: u64,
    objects: u64,
}

fn list(context: &mut Context) -> Result<Verdict> {
    let listed = match context.installation_if_any()? {
        None => {
            // As they will be in the installation that is yet to be made.
            let mut types = starter_types()?;
            types.sort_by(|a, b| a.name().cmp(b.name()));
            types.into_iter().map(|object_type| Listed { object_type, version: 1, objects: 0 }).collect()
        }
        Some(app) => {
            let stored = app.repository.object_types()?;
            let counted = stored.into_iter().map(|stored| {
                let objects = app.repository.object_count(&stored)?;
                Ok(Listed { version: stored.version, object_type: stored.object_type, objects })
            });
            counted.collect::<Result<Vec<_>>>()?
        }
    };
    let mut table = Table::new(&[
        Column::Text("type"),
        Column::Number("version"),
        Column::Number("properties"),
        Column::Number("objects"),
        Column::Text("unique"),
    ]);
    for Listed { object_type, version, objects } in listed {
        let (name, properties) = (object_type.name().to_string(), object_type.properties().len() as u64);
        let unique: Vec<&str> = object_type.unique_properties().map(|property| property.path.as_str()).collect();
        if context.out.json {
            let json = json!({
                "name": name, "version": version, "properties": properties, "objects": objects, "unique": unique
            });
            context.out.json(&json)?;
        } else {
            table.row([name, grouped(version), grouped(properties), grouped(objects), unique.join(", ")]);
        }
    }
    if !context.out.json {
        context.out.line(table)?;
    }
    Ok(Verdict::Good)
}

fn show(context: &mut Context, name: &TypeName) -> Result<Verdict> {
    let object_type = object_type(context, name)?;
    match context.out.json {
        true => context.out.json(object_type.definition())?,
        false => context.out.pretty_json(object_type.definition())?,
    }
    Ok(Verdict::Good)
}

fn apply(context: &mut Context, files: &[PathBuf]) -> Result<Verdict> {
    let definitions = definitions_in(files)?;
    let app = context.installation()?;
    let mut table = Table::new(&[Column::Text("type"), Column::Number("version"), Column::Number("properties")]);
    for (StoredType { version, object_type, .. }, warnings) in app.repository.apply_types(&definitions)? {
        let (name, properties) = (object_type.name().to_string(), object_type.properties().len() as u64);
        if context.out.json {
            let json = json!({
                "name": name, "version": version, "properties": properties, "warnings": warnings
            });
            context.out.json(&json)?;
        } else {
            warnings.iter().for_each(|warning| note(format!("warning: {name}: {warning}")));
            table.row([name, grouped(version), grouped(properties)]);
        }
    }
    if !context.out.json {
        context.out.line(table)?;
    }
    Ok(Verdict::Good)
}

/// Reads and compiles everything before anything is stored.
fn definitions_in(files: &[PathBuf]) -> Result<Vec<Value>> {
    let mut definitions = Vec::new();
    let mut defined_in: HashMap<TypeName, String> = HashMap::new();
    for path in files_in(files)? {
        let file = path.display().to_string();
        for definition in read_definitions(&path)? {
            let parsed = ObjectType::parse(&definition, &Positions::default());
            let (object_type, _) = parsed.map_err(|error| error.in_file(&file))?;
            let name = object_type.name().clone();
            if let Some(other) = defined_in.insert(name.clone(), file.clone()) {
                return Err(Error::request(format!("{name} is defined here and in {other}")).in_file(file));
            }
            definitions.push(definition);
        }
    }
    Ok(definitions)
}

/// The files, with those in a folder in place of the folder.
fn files_in(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in paths {
        match path.is_dir() {
            true => files.extend(files_in_folder(path)?),
            false => files.push(path.clone()),
        }
    }
    Ok(files)
}

/// The `.json` files of a folder, by name.
fn files_in_folder(folder: &Path) -> Result<Vec<PathBuf>> {
    let doing = || format!("the folder '{}' could not be read", folder.display());
    let failed = |error| Error::storage(doing(), error);
    let mut files = Vec::new();
    for file in fs::read_dir(folder).map_err(failed)? {
        let path = file.map_err(failed)?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    match files.is_empty() {
        true => Err(Error::request("there are no .json files in this folder").in_file(folder.display().to_string())),
        false => Ok(files),
    }
}
