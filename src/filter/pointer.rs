//! Where in an object a property is.

use std::fmt;

use serde_json::Value as Json;

/// The way to a property: the names from the outside to the inside, such as `preferences`, `updates`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pointer {
    segments: Vec<String>,
}

impl Pointer {
    /// Makes a pointer of names. Without names it points to the whole object.
    pub fn new(segments: impl IntoIterator<Item = impl Into<String>>) -> Pointer {
        Pointer { segments: segments.into_iter().map(Into::into).collect() }
    }

    /// Reads a pointer, with or without its first slash; one slash at its end is nothing. `None` if a percent sign does
    /// not begin an encoded byte, or if the bytes are no UTF-8.
    pub fn parse(word: &str) -> Option<Pointer> {
        let inner = word.strip_prefix('/').unwrap_or(word);
        if inner.is_empty() {
            return Some(Pointer { segments: Vec::new() });
        }
        let inner = inner.strip_suffix('/').unwrap_or(inner);
        let segments: Option<_> = inner.split('/').map(decode).collect();
        Some(Pointer { segments: segments? })
    }

    /// The names, from the outside to the inside.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Finds the value, unless it is missing or null. In an array, the name is an index.
    pub fn find<'a>(&self, object: &'a Json) -> Option<&'a Json> {
        let inside = |value: &'a Json, name: &String| match value {
            Json::Object(members) => members.get(name),
            Json::Array(elements) if name.bytes().all(|byte| byte.is_ascii_digit()) => {
                elements.get(name.parse::<usize>().ok()?)
            }
            _ => None,
        };
        self.segments.iter().try_fold(object, inside).filter(|value| !value.is_null())
    }
}

fn decode(segment: &str) -> Option<String> {
    let mut decoded = Vec::with_capacity(segment.len());
    let mut bytes = segment.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? << 4 | hex(bytes.next()?)?,
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// Writes the pointer with its first slash, so that no name can be taken for a keyword, a string or a negation.
impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("/")?;
        for (index, segment) in self.segments.iter().enumerate() {
            if index > 0 {
                f.write_str("/")?;
            }
            for c in segment.chars() {
                match c {
                    ' ' | '(' | ')' | '%' | '/' => write!(f, "%{:02X}", u32::from(c))?,
                    other => write!(f, "{other}")?,
                }
            }
        }
        // An empty last name would be taken for the slash that is nothing.
        f.write_str(if self.segments.last().is_some_and(String::is_empty) { "/" } else { "" })
    }
}
