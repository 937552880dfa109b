//! One operation of a patch: how it is written, and what it does.

use serde_json::Value as Json;

use super::target::{Result, Target, measure};
use crate::filter::Pointer;
use crate::schema::property::shown;

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Operation {
    /// The field has the value afterwards: a single one is replaced, those of an array are joined.
    Add { field: Pointer, value: Json },
    /// The field has no value afterwards, or not this one.
    Remove { field: Pointer, value: Option<Json> },
    /// The field has this value afterwards and no other.
    Replace { field: Pointer, value: Json },
    /// A number, or each of an array, becomes larger by this one.
    Increment { field: Pointer, value: Json },
    /// What `from` has is moved.
    Move { from: Pointer, field: Pointer },
    /// What `from` has is copied.
    Copy { from: Pointer, field: Pointer },
}

impl Operation {
    pub(super) fn parse(json: &Json) -> Result<Operation> {
        let Json::Object(members) = json else {
            return Err("an operation is a JSON object with 'operation', 'field' and 'value'".to_owned());
        };
        let known = ["operation", "field", "value", "from"];
        if let Some(unknown) = members.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("'{unknown}' is none of 'operation', 'field', 'value', 'from'"));
        }
        let Some(name) = members.get("operation").and_then(Json::as_str) else {
            return Err("its 'operation' is missing, such as \"replace\"".to_owned());
        };
        let name = name.to_ascii_lowercase();
        let field = pointer(members.get("field"), "field")?;
        let (value, from) = (members.get("value").cloned(), members.get("from").filter(|from| !from.is_null()));
        if from.is_some() && !matches!(name.as_str(), "move" | "copy") {
            return Err(format!("'{name}' takes no 'from', only 'move' and 'copy' do"));
        }
        if field.segments().last().is_some_and(|last| last == "-") && !matches!(name.as_str(), "add" | "move" | "copy")
        {
            return Err(format!(
                "'{field}' is behind the last element: only 'add', 'move' and 'copy' put something there"
            ));
        }
        let required = |value: Option<Json>| value.ok_or_else(|| format!("'{name}' needs a 'value'"));
        Ok(match name.as_str() {
            "add" => Operation::Add { field, value: required(value)? },
            "remove" => Operation::Remove { field, value },
            "replace" => Operation::Replace { field, value: required(value)? },
            "increment" => Operation::Increment { field, value: required(value)? },
            "move" | "copy" if value.is_some() => return Err(format!("'{name}' takes no 'value'")),
            "move" => Operation::Move { from: pointer(from, "from")?, field },
            "copy" => Operation::Copy { from: pointer(from, "from")?, field },
            "transform" => return Err("'transform' needs a script, and scripts are not run here".to_owned()),
            other => {
                let names = "'add', 'remove', 'replace', 'increment', 'move', 'copy'";
                return Err(format!("'{other}' is none of the operations {names}"));
            }
        })
    }

    /// Changes the object; says how many bytes it copied.
    pub(super) fn apply(&self, object: &mut Json) -> Result<usize> {
        match self {
            Operation::Replace { field, value } if field.segments().is_empty() => replace_all(object, value)?,
            Operation::Remove { field, value: None } if field.segments().is_empty() => {
                *object = Json::Object(<_>::default())
            }
            Operation::Add { field, value } => Target::new(field)?.add(object, value.clone())?,
            Operation::Remove { field, value } => Target::new(field)?.remove(object, value.as_ref())?,
            Operation::Replace { field, value } => Target::new(field)?.set(object, value.clone())?,
            Operation::Increment { field, value } => increment(Target::new(field)?.find(object)?, value, field)?,
            Operation::Move { from, field } => {
                let value = there(Target::new(from)?.find(object)?, from)?.clone();
                Target::new(from)?.remove(object, None)?;
                Target::new(field)?.set(object, value)?;
            }
            Operation::Copy { from, field } => {
                let value = there(Target::new(from)?.find(object)?, from)?.clone();
                let size = measure(&value).0;
                Target::new(field)?.set(object, value)?;
                return Ok(size);
            }
        }
        Ok(0)
    }

    /// What the operation takes away, if it does.
    pub(super) fn removed(&self) -> Option<&Pointer> {
        match self {
            Operation::Remove { field, .. } => Some(field),
            Operation::Move { from, .. } => Some(from),
            _ => None,
        }
    }
}

fn pointer(json: Option<&Json>, name: &str) -> Result<Pointer> {
    match json {
        Some(Json::String(text)) => Pointer::parse(text)
            .ok_or_else(|| format!("its '{name}' '{text}' is no pointer, such as /preferences/updates")),
        Some(other) => Err(format!("its '{name}' is '{}' and not a pointer, such as \"/mail\"", shown(other))),
        None => Err(format!("its '{name}' is missing, such as \"/mail\"")),
    }
}

fn replace_all(object: &mut Json, value: &Json) -> Result<()> {
    if !value.is_object() {
        return Err(format!("the whole object cannot become '{}': give a JSON object", shown(value)));
    }
    *object = value.clone();
    Ok(())
}

fn there<'j>(found: Option<&'j mut Json>, from: &Pointer) -> Result<&'j mut Json> {
    found.ok_or_else(|| format!("there is nothing at '{from}'"))
}

fn increment(found: Option<&mut Json>, by: &Json, field: &Pointer) -> Result<()> {
    if !by.is_number() {
        return Err(format!("'increment' takes a number, not '{}'", shown(by)));
    }
    match found {
        None => Err(format!("there is nothing at '{field}' to increment")),
        Some(Json::Array(numbers)) => numbers.iter_mut().try_for_each(|number| increase(number, by, field)),
        Some(number) => increase(number, by, field),
    }
}

fn increase(number: &mut Json, by: &Json, field: &Pointer) -> Result<()> {
    let too_large = || format!("'{field}' would be too large for a number");
    let sum = match (&*number, by.as_i64()) {
        (Json::Number(old), Some(by)) if old.is_i64() => {
            let sum = old.as_i64().and_then(|old| old.checked_add(by));
            Json::from(sum.ok_or_else(too_large)?)
        }
        (Json::Number(old), _) => {
            let sum = old.as_f64().unwrap_or_default() + by.as_f64().unwrap_or_default();
            Json::Number(serde_json::Number::from_f64(sum).ok_or_else(too_large)?)
        }
        (other, _) => return Err(format!("'{field}' is '{}' and no number to increment", shown(other))),
    };
    *number = sum;
    Ok(())
}
