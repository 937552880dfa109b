//! Objects as JSON, whole or as much of them as somebody looks at.
//!
//! Most of what is stored of an object is of no interest to a filter that asks for one property. An [`Excerpt`] is
//! made once for many objects and reads no more than the members it was made for; these are exactly as in the whole.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{Object, elements, private_objects};
use crate::schema::property::Scope;
use crate::schema::{ObjectType, Property};

/// Which properties exist for whoever reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Visible {
    /// All: for the operator.
    Everything,
    /// Those that are not private: for everybody else.
    Public,
}

/// Which members of objects are read.
#[derive(Clone, Debug)]
pub struct Excerpt {
    /// Nothing means every member.
    names: Option<HashSet<String>>,
    /// Position and path.
    properties: Vec<(usize, String)>,
    /// Paths of objects in which nothing is read that is not declared.
    closed: Vec<String>,
}

impl Excerpt {
    /// Everything that is visible.
    pub fn whole(object_type: &ObjectType, visible: Visible) -> Excerpt {
        Excerpt::new(object_type, visible, None)
    }

    /// Everything that is visible but for the properties that are not chosen.
    pub fn among(object_type: &ObjectType, visible: Visible, is_chosen: impl Fn(&Property) -> bool) -> Excerpt {
        let mut excerpt = Excerpt::whole(object_type, visible);
        let unchosen = |path: &str| object_type.property(path).is_some_and(|property| !is_chosen(property));
        excerpt.properties.retain(|(_, path)| !unchosen(path));
        excerpt
    }

    /// The members of these names, which are the first parts of paths.
    pub fn of<'n>(object_type: &ObjectType, visible: Visible, names: impl IntoIterator<Item = &'n str>) -> Excerpt {
        Excerpt::new(object_type, visible, Some(names.into_iter().map(str::to_owned).collect()))
    }

    fn new(object_type: &ObjectType, visible: Visible, names: Option<HashSet<String>>) -> Excerpt {
        let is_read = |path: &str| names.as_ref().is_none_or(|names| names.contains(first(path)));
        let is_seen = |scope: Scope| visible == Visible::Everything || scope == Scope::Public;
        let properties = object_type.properties().iter();
        let read = properties.filter(|property| is_seen(property.scope) && is_read(&property.path));
        let properties = read.map(|property| (property.position as usize, property.path.clone())).collect();
        let closed = match visible {
            Visible::Everything => Vec::new(),
            Visible::Public => private_objects(object_type).into_iter().map(str::to_owned).collect(),
        };
        Excerpt { names, properties, closed }
    }

    /// These members of an object: `_id`, `_rev`, then the properties in the type's order, nested where the type nests
    /// them, then what is undeclared.
    pub fn json(&self, object: &Object) -> Value {
        let mut json = Map::new();
        if self.reads("_id") {
            json.insert("_id".into(), Value::String(object.id.clone()));
        }
        if self.reads("_rev") {
            json.insert("_rev".into(), Value::String(object.rev()));
        }
        let mut parts = Vec::with_capacity(32);
        elements(&object.document, &mut parts);
        for (position, path) in &self.properties {
            let Some(part) = parts.get(*position).filter(|part| **part != "null") else { continue };
            if let Ok(value) = serde_json::from_str(part) {
                insert_at(&mut json, path, value);
            }
        }
        if let Some(part) = parts.first().filter(|part| part.starts_with('{'))
            && let Ok(Value::Object(mut undeclared)) = serde_json::from_str(part)
        {
            self.closed.iter().for_each(|path| remove_at(&mut undeclared, path));
            merge(&mut json, undeclared.into_iter().filter(|(name, _)| self.reads(name)));
        }
        Value::Object(json)
    }

    fn reads(&self, name: &str) -> bool {
        self.names.as_ref().is_none_or(|names| names.contains(name))
    }
}

/// The member of an object that a path is in.
fn first(path: &str) -> &str {
    path.split_once('/').map_or(path, |(first, _)| first)
}

fn insert_at(object: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('/') {
        None => {
            object.insert(path.to_owned(), value);
        }
        Some((outer, rest)) => {
            let nested = object.entry(outer).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(nested) = nested {
                insert_at(nested, rest, value);
            }
        }
    }
}

fn remove_at(object: &mut Map<String, Value>, path: &str) {
    match path.split_once('/') {
        None => drop(object.shift_remove(path)),
        Some((outer, rest)) => {
            if let Some(Value::Object(nested)) = object.get_mut(outer) {
                remove_at(nested, rest);
            }
        }
    }
}

/// Adds what is undeclared, also within objects that hold properties. What a property says stands.
fn merge(object: &mut Map<String, Value>, undeclared: impl IntoIterator<Item = (String, Value)>) {
    for (name, value) in undeclared {
        match (object.get_mut(&name), value) {
            (None, value) => drop(object.insert(name, value)),
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            (Some(_), _) => {}
        }
    }
}
