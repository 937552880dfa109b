//! Objects as they are stored and shown.
//!
//! A stored object is a *document*: a JSON array in which each property of the object type has its permanent place, so
//! that names are not repeated in every object and the text can still be read by any SQL tool. Element 0 holds what
//! was written over REST without being declared (`0` for nothing). A property without a value is `null`, and trailing
//! nulls are left out; so one object has exactly one document, and two objects are equal when their documents are.
//!
//! This module knows the shape of documents and nothing of where they lie.

mod draft;
mod excerpt;
mod export;
mod patch;

use std::borrow::Cow;
use std::collections::HashSet;

use serde_json::Value;

use crate::error::Error;
use crate::schema::property::Scope;
use crate::schema::value::write_json_string;
use crate::schema::{ObjectType, TypeName};

pub use draft::{Draft, Extent};
pub(crate) use draft::{opened_for, refusal};
pub use excerpt::{Excerpt, Visible};
pub use export::Export;
pub use patch::Patch;

/// Undeclared properties: none.
const NOTHING_UNDECLARED: &str = "0";

/// Appends the elements of a document, which must be one that [`DocumentWriter`] made, to `elements`.
pub fn elements<'a>(document: &'a str, elements: &mut Vec<&'a str>) {
    let bytes = document.as_bytes();
    let (mut start, mut depth, mut at) = (1, 0u32, 1);
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
            }
            b'[' | b'{' => depth += 1,
            b',' if depth == 0 => {
                elements.push(&document[start..at]);
                start = at + 1;
            }
            b']' if depth == 0 => elements.push(&document[start..at]),
            b']' | b'}' => depth -= 1,
            _ => {}
        }
        at += 1;
    }
}

/// Appends a value to a key: its JSON text as `write` writes it, and a NUL. So keys of several values differ if one of
/// the values does.
pub fn write_key_value(key: &mut String, write: impl FnOnce(&mut String)) {
    write(key);
    key.push('\0');
}

/// Replaces `key` by the key that the values of a document at these positions make. False if one has no value; then
/// there is no key.
pub fn write_key(document: &str, positions: &[usize], key: &mut String) -> bool {
    let mut parts = Vec::with_capacity(32);
    elements(document, &mut parts);
    key.clear();
    positions.iter().all(|&position| match parts.get(position) {
        None | Some(&"null") => false,
        Some(part) => match trimmed(part).as_ref() {
            "\"\"" => false,
            part => {
                write_key_value(key, |key| key.push_str(part));
                true
            }
        },
    })
}

/// The JSON text of a value without outer blanks, if it is a string: keys are compared without them, also those of
/// values that were stored before their property was part of a key.
fn trimmed(json: &str) -> Cow<'_, str> {
    let inner = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().as_bytes();
    let is_plain = |byte: Option<&u8>| byte.is_none_or(|byte| byte.is_ascii_graphic() && *byte != b'\\');
    if is_plain(inner.first()) && is_plain(inner.last()) && is_plain(inner.iter().rev().nth(1)) {
        return Cow::Borrowed(json);
    }
    match serde_json::from_str::<String>(json) {
        Ok(text) if text.trim().len() < text.len() => {
            let mut json = String::new();
            write_json_string(&mut json, text.trim());
            Cow::Owned(json)
        }
        _ => Cow::Borrowed(json),
    }
}

/// The text of one element of a document as a cell would hold it.
pub fn element_text(document: &str, position: usize) -> String {
    let mut parts = Vec::new();
    elements(document, &mut parts);
    parts.get(position).map(|json| plain_text(json)).unwrap_or_default()
}

/// Writes one document, element by element, in order of position.
pub struct DocumentWriter<'a> {
    out: &'a mut String,
    nulls: usize,
}

impl<'a> DocumentWriter<'a> {
    /// Starts a document at the end of `out`; `undeclared` is element 0 of the document this one replaces, if any.
    pub fn new(out: &'a mut String, undeclared: Option<&str>) -> DocumentWriter<'a> {
        out.push('[');
        out.push_str(undeclared.unwrap_or(NOTHING_UNDECLARED));
        DocumentWriter { out, nulls: 0 }
    }

    /// Writes the next element, a JSON text or nothing.
    pub fn element(&mut self, json: Option<&str>) {
        match json {
            None | Some("null") => self.nulls += 1,
            Some(json) => {
                for _ in 0..self.nulls {
                    self.out.push_str(",null");
                }
                self.nulls = 0;
                self.out.push(',');
                self.out.push_str(json);
            }
        }
    }

    /// Closes the document.
    pub fn finish(self) {
        self.out.push(']');
    }
}

/// An object as its readers see it: identity, revision, origin and document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// `_id`: ours, unless a REST client chose it with PUT.
    pub id: String,
    /// Rises by one with every write that changes something.
    pub revision: u64,
    /// The import that last wrote the object, if one did.
    pub import: Option<String>,
    /// The stored document.
    pub document: String,
}

impl Object {
    /// `_rev` as PingIDM shows it: 16 hexadecimal digits.
    pub fn rev(&self) -> String {
        format!("{:016x}", self.revision)
    }

    /// The whole object as JSON, as its operator sees it.
    pub fn to_json(&self, object_type: &ObjectType) -> Value {
        Excerpt::whole(object_type, Visible::Everything).json(self)
    }

    /// The text of one property as a cell would hold it: strings as they are, everything else as JSON.
    pub fn cell(&self, object_type: &ObjectType, path: &str) -> String {
        let property = object_type.property(path);
        property.map(|property| element_text(&self.document, property.position as usize)).unwrap_or_default()
    }
}

/// The error about an object that is nowhere, in PingIDM's words.
pub(crate) fn no_object(object_type: &TypeName, id: &str) -> Error {
    Error::not_found(format!("Object {id} not found in {object_type}"))
}

/// The paths of the objects that the value at a path lies in, from the outside to the inside.
fn around(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(at, _)| &path[..at])
}

/// The paths of objects all properties of which are private. So is what is not declared in them.
fn private_objects(object_type: &ObjectType) -> HashSet<&str> {
    let (mut private, mut public) = (HashSet::new(), HashSet::new());
    for property in object_type.properties() {
        let paths = if property.scope == Scope::Private { &mut private } else { &mut public };
        paths.extend(around(&property.path));
    }
    private.difference(&public).copied().collect()
}

/// A JSON text as a cell would hold it: a string without its quotes, nothing for null, anything else as it stands.
pub fn plain_text(json: &str) -> String {
    match json {
        "null" => String::new(),
        text if text.starts_with('"') => serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{DocumentWriter, elements};

    #[test]
    fn a_document_gives_back_its_elements() {
        for parts in [
            vec!["0"],
            vec!["0", "\"a,b]\\\"\"", "null", "[1,[2,\"]\"]]", "{\"x\":[\",\"]}", "-1.5", "true"],
            vec!["{\"more\":1}", "null", "\"\""],
        ] {
            let mut document = String::new();
            let mut writer = DocumentWriter::new(&mut document, Some(parts[0]));
            parts[1..].iter().for_each(|part| writer.element(Some(part)));
            writer.finish();
            let mut found = Vec::new();
            elements(&document, &mut found);
            assert_eq!(found, parts, "{document}");
        }
    }

    #[test]
    fn trailing_nulls_are_left_out() {
        let mut document = String::new();
        let mut writer = DocumentWriter::new(&mut document, None);
        for part in [None, Some("1"), None, None] {
            writer.element(part);
        }
        writer.finish();
        assert_eq!(document, "[0,null,1]");
    }
}
