//! The one pure place where it is decided what happens to a record.
//!
//! The repository only finds and puts. Given what a record says and the document that exists, if one does, [`decide`]
//! says whether to create, to update, to leave alone or to refuse, and writes the new document.

use super::entry::{Entry, Said};
use super::header::Binding;
use crate::object::{DocumentWriter, elements};
use crate::schema::Violation;

/// What is to be done about an entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    Create,
    Update,
    Unchanged,
    Refuse(Vec<Violation>),
}

/// Decides about an entry and writes the object's new document, when there is to be one, to `document`.
///
/// A new object gets its defaults; an existing one keeps what the entry says nothing about. All violations are
/// reported: those of the entry's cells, and required properties that would have no value.
pub(crate) fn decide(entry: Entry<'_>, binding: &Binding, existing: Option<&str>, document: &mut String) -> Decision {
    document.clear();
    let mut old = Vec::with_capacity(binding.places.len());
    if let Some(existing) = existing {
        elements(existing, &mut old);
    }
    let mut writer = DocumentWriter::new(document, old.first().copied());
    let mut missing = Vec::new();
    let places = binding.places.len().max(old.len());
    for position in 1..places {
        let kept = old.get(position).copied().filter(|json| *json != "null");
        let Some(place) = binding.places.get(position) else {
            writer.element(kept);
            continue;
        };
        let said = place.slot.map_or(Said::Nothing, |slot| entry.said(slot));
        let value = match (said, existing) {
            (Said::Value(json), _) => Some(json),
            (Said::Nothing, Some(_)) => kept,
            (Said::Nothing | Said::Blank, None) => place.default.as_deref(),
            // A default that an empty cell gave stays when the cell comes again: the same file changes nothing.
            (Said::Blank, Some(_)) => kept.filter(|kept| place.default.as_deref() == Some(*kept)),
            (Said::Wrong, _) => None,
        };
        if let (Some(property), None) = (place.required, value)
            && is_missing(said, existing)
        {
            missing.push(Violation::required(&binding.object_type.properties()[property].path));
        }
        writer.element(value);
    }
    writer.finish();
    let violations: Vec<Violation> = entry.violations().iter().cloned().chain(missing).collect();
    match existing {
        _ if !violations.is_empty() => Decision::Refuse(violations),
        None => Decision::Create,
        Some(existing) if existing == document => Decision::Unchanged,
        Some(_) => Decision::Update,
    }
}

/// Whether a required property without a value is this entry's fault: an update answers only for what it changes, and
/// a wrong cell has been reported already.
fn is_missing(said: Said<'_>, existing: Option<&str>) -> bool {
    match said {
        Said::Wrong => false,
        Said::Blank => true,
        Said::Nothing | Said::Value(_) => existing.is_none(),
    }
}
