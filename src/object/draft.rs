//! What an object is to become: from the JSON that a client sends to a document.
//!
//! The other way by which objects come to be is a record of a file; values are read and judged by the same properties
//! here and there. A [`Draft`] carries all that is wrong with it. What other objects hold is not known here.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::{DocumentWriter, NOTHING_UNDECLARED, around, elements, private_objects};
use crate::error::{Error, Kind, Result};
use crate::schema::property::shown;
use crate::schema::value::json_type_name;
use crate::schema::{ObjectType, Property, Refusal, Violation, path as path_of};

/// Why what is private may not be written.
const PRIVATE: &str = "is private and cannot be written: no secrets are kept here, leave it out";

/// How many properties an open type has at most before what clients write to it is kept undeclared.
const MAX_COLUMNS: usize = 1000;

/// How much of an object its client speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it: what is not said has no value, unless it is shown only to who asks for it.
    Whole,
    /// What differs from the object as it is; the rest is not judged again.
    Changes,
}

/// An object on its way into the repository.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Draft {
    /// The document; without the values that are wrong.
    pub document: String,
    /// What is wrong with it.
    pub violations: Vec<Violation>,
}

impl Draft {
    /// Reads the members of an object and judges them, beside the document of the object that is to change, if one is.
    ///
    /// A new object gets its defaults. What clients may not write (private, computed, disabled) stays as it is, and may
    /// be sent back unchanged. Members that are not declared are kept; those whose names begin with an underscore belong
    /// to the server and are not.
    ///
    /// # Errors
    /// `Request`, with all members that may not be written and were.
    pub fn new(
        object_type: &ObjectType,
        members: &Map<String, Json>,
        existing: Option<&str>,
        extent: Extent,
    ) -> Result<Draft> {
        let mut old = Vec::new();
        if let Some(existing) = existing {
            elements(existing, &mut old);
        }
        let mut drafting = Drafting::new(object_type, members, existing.is_none(), extent);
        let places = (object_type.positions().len() + 1).max(old.len());
        let kept = |place: usize| old.get(place).copied().filter(|json| *json != "null");
        let mut values: Vec<Option<String>> = (0..places).map(|place| kept(place).map(str::to_owned)).collect();
        for property in object_type.properties() {
            let place = property.position as usize;
            values[place] = drafting.value(property, kept(place));
        }
        let undeclared = Undeclared::of(object_type).among(members, &mut drafting);
        let undeclared = same_or_new(kept(0), undeclared);
        let mut document = String::new();
        let mut writer = DocumentWriter::new(&mut document, Some(&undeclared));
        values[1..].iter().for_each(|value| writer.element(value.as_deref()));
        writer.finish();
        drafting.finish(document)
    }
}

/// An open type with a property for each text of an object, as if these were columns of a file: so an import that comes
/// later finds them.
pub(crate) fn opened_for(object_type: ObjectType, members: &Map<String, Json>) -> ObjectType {
    if !object_type.is_open() {
        return object_type;
    }
    let known: HashSet<&str> = object_type.properties().iter().map(|property| property.path.as_str()).collect();
    let room = MAX_COLUMNS.saturating_sub(known.len());
    let mut columns = Vec::new();
    text_paths(members, "", &mut |path| {
        if columns.len() < room && !known.contains(path) {
            columns.push(path.to_owned());
        }
    });
    // One that lies inside another, or around it, stays undeclared.
    columns.into_iter().fold(object_type, |object_type, column| match object_type.with_columns(&[column]) {
        Ok(opened) => opened,
        Err(_) => object_type,
    })
}

fn text_paths(members: &Map<String, Json>, prefix: &str, each: &mut dyn FnMut(&str)) {
    for (name, value) in members {
        let path = format!("{prefix}{name}");
        if name.is_empty() || name.contains('/') || path.starts_with('_') || path_of(&path) != path {
            continue;
        }
        match value {
            Json::String(_) => each(&path),
            Json::Object(inner) => text_paths(inner, &format!("{path}/"), each),
            _ => {}
        }
    }
}

/// A draft that is being written.
struct Drafting<'a> {
    /// Columns hold texts; what is none is kept undeclared.
    is_open: bool,
    members: &'a Map<String, Json>,
    is_new: bool,
    extent: Extent,
    violations: Vec<Violation>,
    missing: Vec<Violation>,
    refused: Vec<String>,
}

impl<'a> Drafting<'a> {
    fn new(object_type: &ObjectType, members: &'a Map<String, Json>, is_new: bool, extent: Extent) -> Drafting<'a> {
        let is_open = object_type.is_open();
        let (violations, missing, refused) = (Vec::new(), Vec::new(), Vec::new());
        Drafting { is_open, members, is_new, extent, violations, missing, refused }
    }

    /// The JSON text of a property's value, where `kept` is what it has now.
    fn value(&mut self, property: &Property, kept: Option<&str>) -> Option<String> {
        let is_said = |json: &&Json| !json.is_null() && (!self.is_open || json.is_string());
        let said = find(self.members, &property.path).filter(is_said);
        let is_same = said.is_some_and(|said| kept.is_some_and(|kept| is_json(kept, said)));
        let refusal = refusal(property);
        if let (Some(refusal), Some(_), false) = (&refusal, said, is_same) {
            self.refused.push(format!("'{}' {refusal}", property.path));
        }
        let value = match said {
            _ if refusal.is_some() && !self.is_new => kept.map(str::to_owned),
            None if self.was_not_shown(property) => kept.map(str::to_owned),
            Some(_) if is_same && self.extent == Extent::Changes => kept.map(str::to_owned),
            Some(said) if refusal.is_none() => {
                let read = self.read(property, said)?;
                // What differs in the order of members only is no change.
                Some(if is_same { kept.map_or(read, str::to_owned) } else { read })
            }
            _ => self.unsaid(property, kept),
        };
        let answers = self.is_new || refusal.is_none() && (self.extent == Extent::Whole || kept.is_some());
        if value.is_none() && property.required && answers {
            self.missing.push(Violation::required(&property.path));
        }
        value
    }

    /// Who sends a whole object back as it was shown does not mean to clear what was not.
    fn was_not_shown(&self, property: &Property) -> bool {
        let is_left_out = self.extent == Extent::Whole && find(self.members, &property.path).is_none();
        !self.is_new && !property.returned_by_default && is_left_out
    }

    /// The value of a property of which nothing is said. A default that saying nothing gave stays when nothing is said
    /// again: the same request changes nothing.
    fn unsaid(&self, property: &Property, kept: Option<&str>) -> Option<String> {
        let mut default = String::new();
        property.default.as_ref()?.write_json(&mut default);
        (self.is_new || kept == Some(&default)).then_some(default)
    }

    /// Reads and judges a value; nothing if it is wrong.
    fn read(&mut self, property: &Property, said: &Json) -> Option<String> {
        // Keys are stored without outer blanks; nothing else is touched.
        let trimmed = said.as_str().filter(|text| property.unique && text.trim().len() < text.len());
        let trimmed = trimmed.map(|text| Json::from(text.trim()));
        let value = match property.read_json(trimmed.as_ref().unwrap_or(said)) {
            Ok(value) => value,
            Err(violation) => {
                self.violations.push(violation);
                return None;
            }
        };
        let before = self.violations.len();
        let members = self.members;
        property.check(&value, &|path| find(members, path).and_then(Json::as_str), &mut self.violations);
        let mut json = String::new();
        value.write_json(&mut json);
        (self.violations.len() == before).then_some(json)
    }

    fn finish(self, document: String) -> Result<Draft> {
        if !self.refused.is_empty() {
            return Err(Error::listing(Kind::Request, "the object cannot be written as it was sent", self.refused));
        }
        Ok(Draft { document, violations: self.violations.into_iter().chain(self.missing).collect() })
    }
}

/// Why a property may not be written, if so. Relationships are kept as they are given, and mean nothing here.
pub(crate) fn refusal(property: &Property) -> Option<&'static str> {
    match property.importable() {
        Ok(()) | Err(Refusal::Relationship) => None,
        Err(Refusal::Disabled) => Some("is disabled"),
        Err(Refusal::ReadOnly) => Some("is read-only: its value is computed"),
        Err(Refusal::Private) => Some(PRIVATE),
    }
}

/// The member at a path.
fn find<'m>(members: &'m Map<String, Json>, path: &str) -> Option<&'m Json> {
    match path.split_once('/') {
        None => members.get(path),
        Some((outer, rest)) => find(members.get(outer)?.as_object()?, rest),
    }
}

fn is_json(text: &str, json: &Json) -> bool {
    serde_json::from_str::<Json>(text).is_ok_and(|parsed| parsed == *json)
}

/// Element 0 of a document.
fn same_or_new(kept: Option<&str>, undeclared: Map<String, Json>) -> String {
    if undeclared.is_empty() {
        return NOTHING_UNDECLARED.to_owned();
    }
    let undeclared = Json::Object(undeclared);
    match kept.filter(|kept| is_json(kept, &undeclared)) {
        Some(kept) => kept.to_owned(),
        None => undeclared.to_string(),
    }
}

/// What a type does not declare.
struct Undeclared<'t> {
    is_open: bool,
    declared: HashSet<&'t str>,
    /// Paths of the objects that properties lie in.
    around: HashSet<&'t str>,
    /// Those of them that are private.
    private: HashSet<&'t str>,
}

impl<'t> Undeclared<'t> {
    fn of(object_type: &'t ObjectType) -> Undeclared<'t> {
        let declared: HashSet<&str> = object_type.properties().iter().map(|property| property.path.as_str()).collect();
        let around = declared.iter().flat_map(|path| around(path)).collect();
        Undeclared { is_open: object_type.is_open(), declared, around, private: private_objects(object_type) }
    }

    /// The members that are not declared, nested as they are. What is not the object that it should be is a violation.
    fn among(&self, members: &Map<String, Json>, drafting: &mut Drafting<'_>) -> Map<String, Json> {
        let outer = members.iter().filter(|(name, value)| !name.starts_with('_') && !value.is_null());
        let mut undeclared = Map::new();
        outer.for_each(|(name, value)| self.collect(name, name, value, &mut undeclared, drafting));
        undeclared
    }

    fn collect(&self, name: &str, path: &str, value: &Json, into: &mut Map<String, Json>, drafting: &mut Drafting<'_>) {
        // A name with a slash in it is not the path that it looks like.
        let is_path = !name.contains('/');
        if is_path && self.declared.contains(path) && (!self.is_open || value.is_string()) {
            return;
        }
        match value {
            Json::Object(inner) if is_path && self.around.contains(path) => {
                let mut found = Map::new();
                for (name, value) in inner {
                    self.collect(name, &format!("{path}/{name}"), value, &mut found, drafting);
                }
                if self.private.contains(path) {
                    drafting.refused.extend(found.keys().map(|name| format!("'{path}/{name}' {PRIVATE}")));
                } else if !found.is_empty() {
                    into.insert(name.to_owned(), Json::Object(found));
                }
            }
            Json::Null if is_path && self.around.contains(path) => {}
            other if is_path && !self.is_open && self.around.contains(path) => {
                drafting.violations.push(Violation::wrong_type(
                    path,
                    json_type_name(other),
                    &["object"],
                    &shown(other),
                ));
            }
            other => drop(into.insert(name.to_owned(), other.clone())),
        }
    }
}
