//! What is shown of objects: what a client asks for, or what is shown to whoever asks for nothing.

use serde_json::Value;

use crate::filter::Pointer;
use crate::http::fields::Fields;
use crate::object::{Excerpt, Object, Visible};
use crate::schema::{ObjectType, Property};

/// Stands for all relationships, as in PingIDM.
const RELATIONSHIPS: &str = "*_ref";

/// What is shown of the objects of a type.
#[derive(Clone, Debug)]
pub(super) struct View {
    fields: Fields,
    excerpt: Excerpt,
}

impl View {
    /// What these fields ask for; `sorted_by` is read too.
    pub(super) fn new(object_type: &ObjectType, fields: &Fields, sorted_by: &[&Pointer]) -> View {
        let relationships = object_type.properties().iter().filter(|property| property.is_relationship());
        let relationships: Vec<&str> = relationships.map(|property| property.path.as_str()).collect();
        let fields = fields.with(RELATIONSHIPS, &relationships);
        let asked = fields.pointers();
        let excerpt = if asked.is_empty() {
            let is_shown = |property: &Property| property.returned_by_default || fields.name(&property.path);
            Excerpt::among(object_type, Visible::Public, is_shown)
        } else {
            let names = asked.iter().chain(sorted_by.iter().copied()).filter_map(|pointer| pointer.segments().first());
            Excerpt::of(object_type, Visible::Public, names.map(String::as_str).chain(["_id", "_rev"]))
        };
        View { fields, excerpt }
    }

    /// The fields, each by its own name.
    pub(super) fn fields(&self) -> &Fields {
        &self.fields
    }

    /// What has to be read of an object to show it and to sort it.
    pub(super) fn read(&self, object: &Object) -> Value {
        self.excerpt.json(object)
    }

    /// An object as it is shown.
    pub(super) fn show(&self, object: &Object) -> Value {
        self.fields.project(self.read(object))
    }
}
