//! Which leases a change of an object type takes, whoever keeps them.

use serde_json::Value;

use super::{Lease, StoredType};
use crate::error::{Error, Kind, Result};
use crate::schema::{ObjectType, Positions, TypeName};

/// The lease that it takes to store a definition, which is parsed first: its faults are told before anything is waited
/// for.
///
/// # Errors
/// `Busy` while an import of the type runs.
pub(super) fn for_definition(
    definition: &Value,
    take: impl FnOnce(&TypeName) -> Result<Option<Lease>>,
) -> Result<Lease> {
    let (object_type, _) = ObjectType::parse(definition, &Positions::default())?;
    let name = object_type.name();
    take(name)?.ok_or_else(|| {
        Error::new(Kind::Busy, format!("an import of {name} is running; its definition can change afterwards"))
    })
}

/// The lease that it takes to write an object with properties that are not `known` yet; none if all are. An import that
/// runs has its own idea of which property is next, so properties are added only while none does.
///
/// # Errors
/// `Busy` while an import of the type runs.
pub(super) fn for_new_properties(
    stored: &StoredType,
    known: &Positions,
    take: impl FnOnce(&TypeName) -> Result<Option<Lease>>,
) -> Result<Option<Lease>> {
    if known.len() >= stored.object_type.positions().len() {
        return Ok(None);
    }
    let name = stored.object_type.name();
    let busy = || {
        let said = format!(
            "an import of {name} is running; an object with properties that {name} never had can be written after it"
        );
        Error::new(Kind::Busy, said)
    };
    take(name)?.ok_or_else(busy).map(Some)
}
