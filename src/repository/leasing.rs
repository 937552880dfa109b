//! Which leases a change of an object type takes, whoever keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{Lease, StoredType};
use crate::error::{Error, Kind, Result};
use crate::schema::{ObjectType, Positions, TypeName};

/// Whoever changes a type has its lease for moments. It is asked for again as often as this, for so long.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(10);

/// Who keeps leases and knows what they are taken for.
pub(super) trait Leasing {
    /// The lease of a type, unless somebody else has it.
    fn take(&self, name: &TypeName) -> Result<Option<Lease>>;

    /// Whether an import of a type runs, as far as is stored.
    fn is_importing(&self, name: &TypeName) -> Result<bool>;
}

/// The lease that it takes to store a definition, which is parsed first: its faults are told before anything is waited
/// for.
///
/// # Errors
/// `Busy` while an import of the type runs.
pub(super) fn for_definition(definition: &Value, leasing: &impl Leasing) -> Result<Lease> {
    let (object_type, _) = ObjectType::parse(definition, &Positions::default())?;
    for_type(object_type.name(), leasing)
}

/// The same for several definitions. The leases are taken in the order of the names, so that nobody waits for somebody who
/// waits for him.
///
/// # Errors
/// `Request` if two definitions are of one type; `Busy` while an import of one of the types runs.
pub(super) fn for_definitions(definitions: &[Value], leasing: &impl Leasing) -> Result<BTreeMap<TypeName, Lease>> {
    let mut names = BTreeSet::new();
    for definition in definitions {
        let name = TypeName::of(definition)?;
        if names.contains(&name) {
            return Err(Error::request(format!("{name} is defined twice")));
        }
        ObjectType::parse(definition, &Positions::default())?;
        names.insert(name);
    }
    names.into_iter().map(|name| for_type(&name, leasing).map(|lease| (name, lease))).collect()
}

fn for_type(name: &TypeName, leasing: &impl Leasing) -> Result<Lease> {
    take_within(PATIENCE, name, leasing, "its definition can change afterwards")
}

/// The lease that it takes to write an object with properties that are not `known` yet; none if all are. An import that
/// runs has its own idea of which property is next, so properties are added only while none does.
///
/// # Errors
/// `Busy` while an import of the type runs.
pub(super) fn for_new_properties(
    stored: &StoredType,
    known: &Positions,
    leasing: &impl Leasing,
) -> Result<Option<Lease>> {
    if known.len() >= stored.object_type.positions().len() {
        return Ok(None);
    }
    let name = stored.object_type.name();
    let afterwards = format!("an object with properties that {name} never had can be written after it");
    take_within(PATIENCE, name, leasing, &afterwards).map(Some)
}

fn take_within(patience: Duration, name: &TypeName, leasing: &impl Leasing, afterwards: &str) -> Result<Lease> {
    let deadline = Instant::now() + patience;
    loop {
        if let Some(lease) = leasing.take(name)? {
            return Ok(lease);
        }
        let why = match leasing.is_importing(name)? {
            true => format!("an import of {name} is running; {afterwards}"),
            false if Instant::now() > deadline => {
                format!("somebody else changes {name} or is about to import into it; try again in a few seconds")
            }
            false => {
                sleep(LOOK_AGAIN);
                continue;
            }
        };
        return Err(Error::new(Kind::Busy, why));
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::time::Duration;

    use serde_json::json;

    use super::{Leasing, for_definition, take_within};
    use crate::error::Result;
    use crate::repository::Lease;
    use crate::schema::TypeName;

    /// Somebody has the lease for so many looks.
    struct Held {
        looks: Cell<u32>,
        is_importing: bool,
    }

    impl Leasing for Held {
        fn take(&self, _: &TypeName) -> Result<Option<Lease>> {
            match self.looks.get() {
                0 => Ok(Some(Lease::of_nothing())),
                looks => {
                    self.looks.set(looks - 1);
                    Ok(None)
                }
            }
        }

        fn is_importing(&self, _: &TypeName) -> Result<bool> {
            Ok(self.is_importing)
        }
    }

    fn held(looks: u32, is_importing: bool) -> Held {
        Held { looks: Cell::new(looks), is_importing }
    }

    #[test]
    fn a_change_waits_for_another_one_and_not_for_an_import() {
        let definition = json!({ "name": "thing" });
        for_definition(&definition, &held(3, false)).expect("a lease");
        let error = for_definition(&definition, &held(3, true)).expect_err("an import");
        insta::assert_snapshot!(error, @"an import of managed/thing is running; its definition can change afterwards");
        let name = "managed/thing".parse().expect("a name");
        let error = take_within(Duration::ZERO, &name, &held(u32::MAX, false), "").expect_err("somebody else");
        insta::assert_snapshot!(error, @"somebody else changes managed/thing or is about to import into it; try again in a few seconds");
    }
}
