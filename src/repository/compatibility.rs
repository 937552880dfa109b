//! Whether the objects of a type allow another definition.
//!
//! A backend asks which documents have to be looked at, hands them over, and asks for the verdict.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use serde_json::Value;

use crate::error::{Error, Result};
use crate::object::{elements, plain_text};
use crate::schema::{ObjectType, Property, PropertyKind, TypeName};

/// Which documents have to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Suspects {
    /// None.
    Nobody,
    /// Those with undeclared properties: they begin with `[{`.
    Undeclared,
    /// All.
    Everybody,
}

/// The change of a type, while the documents of its objects are looked at.
pub(super) struct Change<'t> {
    name: &'t TypeName,
    /// Whether the type loses all of its properties, which is nearly always a definition that was sent without its
    /// schema. There must be no object then.
    becomes_open: bool,
    has_objects: bool,
    doubts: Vec<Doubt<'t>>,
    /// Paths of new properties. Of these, values that nobody declared were never judged, and the property could not be
    /// unique.
    new: Vec<&'t str>,
    /// How many objects have such values.
    held: BTreeMap<&'t str, u64>,
}

/// A property that gets another type, also one that was gone from the definition for a while: then nothing is known of it
/// but its values.
struct Doubt<'t> {
    property: &'t Property,
    was: String,
    /// What values may be.
    kinds: Vec<PropertyKind>,
    is_refuted: bool,
}

impl<'t> Change<'t> {
    pub(super) fn new(before: &'t ObjectType, after: &'t ObjectType) -> Change<'t> {
        let is_new = |path: &&str| before.property(path).is_none();
        Change {
            name: before.name(),
            becomes_open: after.is_open() && !before.is_open(),
            has_objects: false,
            doubts: after.properties().iter().filter_map(|new| Doubt::about(before, new)).collect(),
            new: after.properties().iter().map(|property| property.path.as_str()).filter(is_new).collect(),
            held: BTreeMap::new(),
        }
    }

    /// Which documents have to be looked at.
    pub(super) fn suspects(&self) -> Suspects {
        if self.becomes_open || !self.doubts.is_empty() {
            Suspects::Everybody
        } else if !self.new.is_empty() {
            Suspects::Undeclared
        } else {
            Suspects::Nobody
        }
    }

    /// Looks at a document. Breaks off when the verdict is sure.
    pub(super) fn look_at(&mut self, document: &str) -> Result<ControlFlow<()>> {
        self.has_objects = true;
        if self.becomes_open {
            return Ok(ControlFlow::Break(()));
        }
        if !self.doubts.is_empty() {
            let mut parts = Vec::new();
            elements(document, &mut parts);
            for doubt in self.doubts.iter_mut().filter(|doubt| !doubt.is_refuted) {
                let json = parts.get(doubt.property.position as usize).filter(|json| **json != "null");
                doubt.is_refuted = json.is_some_and(|json| !doubt.kinds.iter().any(|kind| is_value_of(*kind, json)));
            }
            if self.doubts[0].is_refuted {
                return Ok(ControlFlow::Break(()));
            }
        }
        if !self.new.is_empty() && document.starts_with("[{") {
            let undeclared = undeclared(document)?;
            for path in self.new.iter().filter(|path| has_value(&undeclared, path)) {
                *self.held.entry(path).or_default() += 1;
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// To be called when all documents that had to be looked at were.
    pub(super) fn verdict(self) -> Result<()> {
        let name = self.name;
        if self.becomes_open && self.has_objects {
            let sentence = format!("{name} has objects, so it cannot lose its properties: send them in 'schema'");
            return Err(Error::conflict(sentence));
        }
        if let Some(Doubt { property, was, .. }) = self.doubts.iter().find(|doubt| doubt.is_refuted) {
            let (path, kind) = (&property.path, property.kind.called());
            let sentence =
                format!("'{path}' of {name} {was} and objects have values of it, so it cannot become {kind}");
            return Err(Error::conflict(sentence));
        }
        let faults: Vec<String> =
            self.held.iter().map(|(path, objects)| format!("'{path}' ({objects} of them)")).collect();
        match faults.as_slice() {
            [] => Ok(()),
            faults => Err(Error::conflict(format!(
                "objects of {name} have values that were never declared of what is to be a property, so remove these \
                 first: {}",
                faults.join(", ")
            ))),
        }
    }
}

impl<'t> Doubt<'t> {
    fn about(before: &ObjectType, new: &'t Property) -> Option<Doubt<'t>> {
        before.positions().get(&new.path)?;
        let (was, kinds) = match before.property(&new.path) {
            Some(old) if old.kind == new.kind && old.types() == new.types() => return None,
            Some(old) if old.kind == new.kind => ("has had more types".to_owned(), new.types().to_vec()),
            Some(old) => (format!("is {}", old.kind.called()), Vec::new()),
            None => ("was of another type once".to_owned(), vec![new.kind]),
        };
        Some(Doubt { property: new, was, kinds, is_refuted: false })
    }
}

/// What a document holds that is not declared.
fn undeclared(document: &str) -> Result<Value> {
    let mut parts = Vec::new();
    elements(document, &mut parts);
    let json = parts.first().unwrap_or(&"0");
    serde_json::from_str(json).map_err(|error| Error::storage("a stored value is not the JSON it should be", error))
}

/// Whether there is a value at a path, or one on the way to it that has no members.
fn has_value(undeclared: &Value, path: &str) -> bool {
    match path.split_once('/') {
        None => undeclared.get(path).is_some(),
        Some((outer, rest)) => match undeclared.get(outer) {
            None => false,
            Some(inner @ Value::Object(_)) => has_value(inner, rest),
            Some(_) => true,
        },
    }
}

/// Whether the JSON text of a stored value, which is not null, is one of this kind.
fn is_value_of(kind: PropertyKind, json: &str) -> bool {
    let first = json.bytes().next().unwrap_or_default();
    match kind {
        PropertyKind::String => first == b'"',
        PropertyKind::Date => first == b'"' && is_like(&plain_text(json), "????-??-??") == Some(""),
        PropertyKind::DateTime => {
            first == b'"' && is_like(&plain_text(json), "????-??-??T").is_some_and(|rest| rest.ends_with('Z'))
        }
        PropertyKind::Number => first == b'-' || first.is_ascii_digit(),
        PropertyKind::Integer => (first == b'-' || first.is_ascii_digit()) && !json.contains(['.', 'e', 'E']),
        PropertyKind::Boolean => matches!(json, "true" | "false"),
        PropertyKind::Array => first == b'[',
        PropertyKind::Object | PropertyKind::Relationship => first == b'{',
        PropertyKind::Null => false,
    }
}

/// What follows the beginning of a text that is like the pattern, in which `?` is any character.
fn is_like<'t>(text: &'t str, pattern: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    pattern.chars().all(|wanted| rest.next().is_some_and(|c| wanted == '?' || c == wanted)).then_some(rest.as_str())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Change, PropertyKind, Suspects, is_value_of};
    use crate::schema::{ObjectType, Positions};

    fn parse(properties: &Value, positions: &Positions) -> ObjectType {
        let definition = json!({"name": "thing", "schema": {"properties": properties}});
        ObjectType::parse(&definition, positions).expect("a good definition").0
    }

    fn verdict(before: &ObjectType, properties: &Value, documents: &[&str]) -> (Suspects, Option<String>) {
        let after = parse(properties, before.positions());
        let mut change = Change::new(before, &after);
        let suspects = change.suspects();
        for document in documents {
            if change.look_at(document).expect("a good document").is_break() {
                break;
            }
        }
        (suspects, change.verdict().err().map(|error| error.to_string()))
    }

    #[test]
    fn only_what_is_in_doubt_is_looked_at() {
        let before =
            parse(&json!({"id": {"type": "string"}, "code": {"type": ["string", "number"]}}), &Positions::default());
        let same = json!({"code": {"type": ["string", "number"]}, "id": {"type": "string", "title": "Id"}});
        assert_eq!(verdict(&before, &same, &[]), (Suspects::Nobody, None));
        let more = json!({"id": {"type": "string"}, "code": {"type": ["string", "number"]}, "more": {}});
        assert_eq!(verdict(&before, &more, &["[0,\"more\"]", "[{\"less\":1}]"]), (Suspects::Undeclared, None));
        let (_, refused) = verdict(&before, &more, &["[{\"more\":1}]", "[{\"more\":null,\"other\":2}]"]);
        assert!(refused.is_some_and(|sentence| sentence.ends_with("first: 'more' (2 of them)")));
        let fewer = json!({"id": {"type": "string"}, "code": {"type": "number"}});
        assert_eq!(verdict(&before, &fewer, &["[0,\"a\",1.5]", "[0,\"a\"]"]), (Suspects::Everybody, None));
        let (_, refused) = verdict(&before, &fewer, &["[0,\"a\",1.5]", "[0,\"a\",\"b\"]"]);
        let sentence = "'code' of managed/thing has had more types and objects have values of it, so it cannot become \
                        number";
        assert_eq!(refused.as_deref(), Some(sentence));
    }

    #[test]
    fn values_are_known_by_their_text() {
        use PropertyKind::{Array, Boolean, Date, DateTime, Integer, Null, Number, Object, String};
        for (json, kinds) in [
            ("\"a\"", vec![String]),
            ("\"2021-12-25\"", vec![String, Date]),
            ("\"2021-12-2\\u0035\"", vec![String, Date]),
            ("\"2021-12-25T10:00:00Z\"", vec![String, DateTime]),
            ("\"2021-12-25T10:00:00\"", vec![String]),
            ("-1", vec![Number, Integer]),
            ("1e300", vec![Number]),
            ("0.5", vec![Number]),
            ("true", vec![Boolean]),
            ("[1]", vec![Array]),
            ("{\"a\":1}", vec![Object]),
        ] {
            for kind in [String, Date, DateTime, Number, Integer, Boolean, Array, Object, Null] {
                assert_eq!(is_value_of(kind, json), kinds.contains(&kind), "{json} {kind:?}");
            }
        }
    }
}
