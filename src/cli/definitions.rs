//! Finding object types without making an installation: those of the one there is, else the starter types.

use std::fs;
use std::io;
use std::path::Path;

use rollbook::error::{Error, Result};
use rollbook::schema::{ObjectType, Positions, TypeName, parse_definitions, starter_definitions};
use serde_json::Value;

use super::context::Context;

/// The object type of this name.
///
/// # Errors
/// `NotFound`, with the names there are.
pub(crate) fn object_type(context: &Context, name: &TypeName) -> Result<ObjectType> {
    if let Some(app) = context.installation_if_any()? {
        return Ok(app.object_type(name)?.object_type);
    }
    let types = starter_types()?;
    let found = types.iter().find(|object_type| object_type.name() == name).cloned();
    found.ok_or_else(|| name.unknown(types.iter().map(ObjectType::name)))
}

/// The types that a new installation starts with.
pub(crate) fn starter_types() -> Result<Vec<ObjectType>> {
    starter_definitions().iter().map(compile).collect()
}

/// Compiles a definition that nothing is stored of.
pub(crate) fn compile(definition: &Value) -> Result<ObjectType> {
    ObjectType::parse(definition, &Positions::default()).map(|(object_type, _)| object_type)
}

/// Reads the definitions in a file: a whole managed.json, or one object of it. `-` is standard input.
///
/// # Errors
/// `Request` if there is no such file or it holds no definitions.
pub(crate) fn read_definitions(path: &Path) -> Result<Vec<Value>> {
    let text = match path == Path::new("-") {
        true => io::read_to_string(io::stdin().lock()),
        false => fs::read_to_string(path),
    };
    let text = text.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Error::request("there is no such file"),
        _ => Error::storage("the file could not be read", error),
    });
    let json = text.and_then(|text| {
        serde_json::from_str(&text).map_err(|error| Error::request(format!("the file is not JSON: {error}")))
    });
    json.and_then(|json| parse_definitions(&json)).map_err(|error| error.in_file(path.display().to_string()))
}
