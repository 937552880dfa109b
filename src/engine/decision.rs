//! The one pure place where it is decided what happens to a record.
//!
//! The repository only finds and puts. Given what a record says and the document that exists, if one does, [`decide`]
//! says whether to create, to update, to leave alone or to refuse, and writes the new document.

use serde_json::Value as Json;

use super::entry::{Entry, Said};
use super::layout::Layout;
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
pub(crate) fn decide(entry: Entry<'_>, layout: &Layout, existing: Option<&str>, document: &mut String) -> Decision {
    document.clear();
    let mut old = Vec::with_capacity(layout.places.len());
    if let Some(existing) = existing {
        elements(existing, &mut old);
    }
    let mut writer = DocumentWriter::new(document, old.first().copied());
    let mut missing = Vec::new();
    let places = layout.places.len().max(old.len());
    for position in 1..places {
        let kept = old.get(position).copied().filter(|json| *json != "null");
        let Some(place) = layout.places.get(position) else {
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
            (Said::Removed | Said::Wrong, _) => None,
        };
        let joined = place.member.as_deref().and_then(|member| with_member(value, member));
        let value = joined.as_deref().or(value);
        if let (Some(property), None) = (place.required, value)
            && is_missing(said, existing)
        {
            missing.push(Violation::required(&layout.object_type.properties()[property].path));
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
        Said::Blank | Said::Removed => true,
        Said::Nothing | Said::Value(_) => existing.is_none(),
    }
}

/// The JSON text of an array with a member behind the others; nothing if it is one of them, or there is no array.
fn with_member(array: Option<&str>, member: &str) -> Option<String> {
    let Some(array) = array else { return Some(format!("[{member}]")) };
    let mut members: Vec<Json> = serde_json::from_str(array).ok()?;
    let member = serde_json::from_str(member).ok()?;
    if members.contains(&member) {
        return None;
    }
    members.push(member);
    Some(Json::Array(members).to_string())
}

#[cfg(test)]
mod tests {
    use super::with_member;

    #[test]
    fn a_member_is_added_once_and_behind_the_others() {
        for (array, with) in [
            (None, Some(r#"["a/b/c"]"#)),
            (Some("[]"), Some(r#"["a/b/c"]"#)),
            (Some(r#"["z","a/b"]"#), Some(r#"["z","a/b","a/b/c"]"#)),
            (Some(r#"["a/b/c","z"]"#), None),
            (Some(r#"{"a/b/c":1}"#), None),
        ] {
            assert_eq!(with_member(array, r#""a/b/c""#).as_deref(), with, "{array:?}");
        }
    }
}
