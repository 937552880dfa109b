//! Object types as clients put them.
//!
//! What is stored as it is put is not stored again: its version would rise, and with it every file of the type would
//! have to be read anew where nothing has changed.

use serde_json::Value;

use super::{App, Condition};
use crate::error::{Error, Result};
use crate::repository::StoredType;
use crate::schema::{ObjectType, Positions, TypeName};

/// What became of a definition that was put, with the warnings about it.
#[derive(Clone, Debug)]
pub enum TypePut {
    /// The type is new.
    Created(StoredType, Vec<String>),
    /// It was there, and is as it was put now.
    Stored(StoredType, Vec<String>),
}

impl App {
    /// Stores the definition of one object type.
    ///
    /// # Errors
    /// `Outdated` if the condition does not hold; `Conflict` if objects do not allow the change; `Busy` while an import
    /// of the type runs; `Request` with everything that is wrong with the definition.
    pub fn put_type(&self, definition: &Value, condition: &Condition) -> Result<TypePut> {
        let name = TypeName::of(definition)?;
        let before = self.repository.object_type(&name)?;
        if let Some(stored) = before.as_ref().filter(|stored| is_stored_as(stored, definition)) {
            check(condition, &name, Some(stored))?;
            let (_, warnings) = ObjectType::parse(definition, &Positions::default())?;
            return Ok(TypePut::Stored(stored.clone(), warnings));
        }
        let (stored, warnings) = self.repository.apply_type_if(definition, |before| check(condition, &name, before))?;
        Ok(match before {
            None => TypePut::Created(stored, warnings),
            Some(_) => TypePut::Stored(stored, warnings),
        })
    }

    /// Stores definitions of several object types, all or none. Gives the warnings about them, which begin with the names
    /// of the types. Types that are not among them stay as they are.
    ///
    /// # Errors
    /// See [`App::put_type`].
    pub fn put_types(&self, definitions: &[Value]) -> Result<Vec<String>> {
        let (mut changed, mut warnings) = (Vec::new(), Vec::new());
        for definition in definitions {
            let (object_type, said) = ObjectType::parse(definition, &Positions::default())?;
            let name = object_type.name();
            warnings.extend(said.into_iter().map(|warning| format!("{name}: {warning}")));
            if !self.repository.object_type(name)?.is_some_and(|stored| is_stored_as(&stored, definition)) {
                changed.push(definition.clone());
            }
        }
        self.repository.apply_types(&changed)?;
        Ok(warnings)
    }
}

/// As texts, since the order of properties counts.
fn is_stored_as(stored: &StoredType, definition: &Value) -> bool {
    let text = |json: &Value| json.to_string();
    text(stored.object_type.definition()) == text(definition)
}

fn check(condition: &Condition, name: &TypeName, seen: Option<&StoredType>) -> Result<()> {
    let missing = || Error::not_found(format!("there is no object type '{name}'"));
    condition.check(&format!("object type '{name}'"), seen.map(StoredType::rev), missing)
}
