//! `_fields`: which members of an object a client wants to see.
//!
//! Pure. Members keep their place in the object they are part of, so that what is shown can be read with the same
//! pointers as the whole.

use serde_json::{Map, Value};
use utoipa::IntoParams;

use super::params::Params;
use crate::error::{Error, Result};
use crate::filter::Pointer;

/// Always shown: without them nobody could say which object, in which state, an answer is about.
pub(super) const ALWAYS: [&str; 2] = ["_id", "_rev"];

/// The members that were asked for; everything if nothing was, or `*`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Fields {
    /// Empty for everything.
    only: Vec<Pointer>,
    /// What was named, also beside a `*`.
    named: Vec<Pointer>,
}

/// `_fields`, as it is described.
#[expect(dead_code, reason = "only described, never made")]
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
pub(super) struct FieldsParameter {
    /// Pointers to what is shown, with commas between them
    #[param(rename = "_fields")]
    fields: Option<String>,
}

impl Fields {
    /// Reads every `_fields` of a request. A `*` behind a pointer is all that is below it.
    ///
    /// # Errors
    /// `Request`, in PingIDM's words, if one is no comma-separated list of pointers.
    pub(super) fn of(params: &Params) -> Result<Fields> {
        let mut pointers = Vec::new();
        for list in params.all("_fields") {
            let parse = |word: &str| match word.strip_suffix('*') {
                Some(above) if above.is_empty() || above.ends_with('/') => Pointer::parse(above),
                _ => Pointer::parse(word),
            };
            let malformed = || {
                Error::request(format!(
                    "The value '{list}' for parameter '_fields' could not be parsed as a comma separated list of JSON \
                     pointers"
                ))
            };
            let words = list.split(',').map(str::trim).filter(|word| !word.is_empty());
            pointers.extend(words.map(parse).collect::<Option<Vec<_>>>().ok_or_else(malformed)?);
        }
        let everything = pointers.iter().any(|pointer| pointer.segments().is_empty());
        Ok(Fields { only: if everything { Vec::new() } else { pointers.clone() }, named: pointers })
    }

    /// Exactly these members, by their names.
    pub(super) fn only(names: impl IntoIterator<Item = &'static str>) -> Fields {
        let pointers: Vec<Pointer> = names.into_iter().map(|name| Pointer::new([name])).collect();
        Fields { only: pointers.clone(), named: pointers }
    }

    /// The pointers that were asked for; none means everything.
    pub(super) fn pointers(&self) -> &[Pointer] {
        &self.only
    }

    /// Whether this member, by its path, or something in it or around it was named.
    pub(super) fn name(&self, path: &str) -> bool {
        let around = |pointer: &Pointer| {
            let named = pointer.segments().iter().map(String::as_str);
            !pointer.segments().is_empty() && path.split('/').zip(named).all(|(one, other)| one == other)
        };
        self.named.iter().any(around)
    }

    /// The same, where a name stands for several.
    pub(super) fn with(&self, name: &str, meant: &[&str]) -> Fields {
        let expand = |pointers: &[Pointer]| {
            let stands = |pointer: &Pointer| pointer.segments().first().is_some_and(|first| first == name);
            // Also one that means nothing here does not mean everything.
            let meant = || meant.iter().chain(&ALWAYS).map(|path| Pointer::new(path.split('/'))).collect();
            let expanded = pointers.iter().map(|pointer| if stands(pointer) { meant() } else { vec![pointer.clone()] });
            expanded.collect::<Vec<Vec<Pointer>>>().concat()
        };
        Fields { only: expand(&self.only), named: expand(&self.named) }
    }

    /// The object with what was asked for: first what is always shown, then in the order of the asking. What the object
    /// does not have is left out. An array is shown whole or not at all, because its elements are known by their place.
    pub(super) fn project(&self, object: Value) -> Value {
        if self.only.is_empty() {
            return object;
        }
        let mut shown = Map::new();
        for name in ALWAYS {
            if let Some(value) = object.get(name) {
                shown.insert(name.to_owned(), value.clone());
            }
        }
        self.only.iter().for_each(|pointer| copy(&object, pointer.segments(), &mut shown));
        Value::Object(shown)
    }
}

fn copy(from: &Value, path: &[String], to: &mut Map<String, Value>) {
    let Some((name, rest)) = path.split_first() else { return };
    let Some(value) = from.get(name) else { return };
    if rest.is_empty() || !value.is_object() {
        // A pointer into what has no members finds nothing, except in an array.
        if rest.is_empty() || value.is_array() {
            to.insert(name.clone(), value.clone());
        }
        return;
    }
    let mut inner = match to.get_mut(name).map(Value::take) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    };
    copy(value, rest, &mut inner);
    match inner.is_empty() {
        true => to.remove(name).map(drop).unwrap_or_default(),
        false => drop(to.insert(name.clone(), Value::Object(inner))),
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Uri;
    use serde_json::json;

    use super::Fields;
    use crate::http::params::Params;

    fn fields(query: &str) -> Result<Fields, String> {
        let uri: Uri = format!("/?{query}").parse().expect("an address");
        Fields::of(&Params::of(&uri).expect("UTF-8")).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_asked_for_is_shown_in_its_place() {
        let object = json!({
            "a": 1, "_rev": "0", "_id": "x", "b": { "c": 2, "d": { "e": 3, "f": null } }, "list": [{ "g": 4 }], "h/i": 5,
        });
        for (query, shown) in [
            ("", object.clone()),
            ("_fields=", object.clone()),
            ("_fields=*", object.clone()),
            ("_fields=a,/", object.clone()),
            ("_fields=a", json!({ "_id": "x", "_rev": "0", "a": 1 })),
            (
                "_FIELDS=b/c,a&_fields=/b/d/e",
                json!({ "_id": "x", "_rev": "0", "b": { "c": 2, "d": { "e": 3 } }, "a": 1 }),
            ),
            ("_fields=b/d,b/d/e", json!({ "_id": "x", "_rev": "0", "b": { "d": { "e": 3, "f": null } } })),
            ("_fields=b/d/e,b/d", json!({ "_id": "x", "_rev": "0", "b": { "d": { "e": 3, "f": null } } })),
            ("_fields=b/*", json!({ "_id": "x", "_rev": "0", "b": { "c": 2, "d": { "e": 3, "f": null } } })),
            ("_fields=_id,nothing,a/b,b/x/y", json!({ "_id": "x", "_rev": "0" })),
            ("_fields=list/0/g", json!({ "_id": "x", "_rev": "0", "list": [{ "g": 4 }] })),
            ("_fields=h%252Fi", json!({ "_id": "x", "_rev": "0", "h/i": 5 })),
        ] {
            assert_eq!(fields(query).map(|fields| fields.project(object.clone())).as_ref(), Ok(&shown), "{query}");
        }
        let order = fields("_fields=b/c,a").map(|fields| fields.project(object).to_string());
        assert_eq!(order.as_deref(), Ok(r#"{"_id":"x","_rev":"0","b":{"c":2},"a":1}"#));
    }

    #[test]
    fn a_malformed_pointer_is_refused() {
        assert_eq!(
            fields("_fields=a,%25zz"),
            Err("The value 'a,%zz' for parameter '_fields' could not be parsed as a comma separated list of JSON pointers"
                .to_owned())
        );
    }
}
