//! Object types: the kinds of objects, each with its properties in order.
//!
//! The repository keeps definitions and compiles them here; the engine and the doors ask a type for its properties by
//! path. A type knows what may be stored and where in a document it stands, and nothing of objects that are stored.

mod definition;
mod positions;
mod suggestion;
mod type_name;

use std::collections::HashMap;

use serde_json::Value as Json;

use crate::csv_writer::quoted;
use crate::error::{Error, Result};
use crate::schema::property::{self, Property, PropertyKind, Scope, State, folded};

pub use definition::parse_definitions;
pub use positions::Positions;
pub use type_name::TypeName;

/// A kind of object: `managed/user`.
///
/// Its properties are flat and in the order of the CSV template: a nested object with properties of its own gives one
/// property for each leaf, `preferences/updates`. Names that start with an underscore belong to the server and are no
/// properties. A leaf takes over what is said of the objects around it: it is private, read-only or disabled if one of
/// them is, and *required* only if all of them are required too, since an object that may be absent demands nothing.
/// What nobody can write (read-only, disabled) is never required.
///
/// A type whose definition has no properties at all is *open*: any column is taken as a string.
#[derive(Clone, Debug)]
pub struct ObjectType {
    name: TypeName,
    definition: Json,
    properties: Vec<Property>,
    /// Index into `properties` by path.
    by_path: HashMap<String, usize>,
    positions: Positions,
    is_open: bool,
}

impl ObjectType {
    /// Compiles a definition, with the positions that its properties already have in stored documents; new ones are
    /// given the next free ones. Returns the warnings with it: what the definition says and we do not do.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with the definition, each with the name of the property; also as `detail`.
    pub fn parse(definition: &Json, positions: &Positions) -> Result<(ObjectType, Vec<String>)> {
        definition::compile(definition, positions)
    }

    fn new(name: TypeName, definition: Json, properties: Vec<Property>, positions: Positions) -> ObjectType {
        let by_path = properties.iter().enumerate().map(|(at, property)| (property.path.clone(), at)).collect();
        ObjectType { name, definition, properties, by_path, positions, is_open: false }
    }

    /// The name: `managed/user`.
    pub fn name(&self) -> &TypeName {
        &self.name
    }

    /// The definition as it was given.
    pub fn definition(&self) -> &Json {
        &self.definition
    }

    /// All properties, in the order of the template.
    pub fn properties(&self) -> &[Property] {
        &self.properties
    }

    /// The property of that [path](property::path), as somebody wrote it.
    pub fn property(&self, path: &str) -> Option<&Property> {
        // A name may have outer blanks.
        let at = self.by_path.get(path).or_else(|| self.by_path.get(property::path(path)));
        at.map(|at| &self.properties[*at])
    }

    /// The one property whose path is the same without outer blanks, which headers are read without.
    pub fn property_but_for_blanks(&self, name: &str) -> Option<&Property> {
        let wanted = property::path(name);
        let mut alike = self.properties.iter().filter(|property| property::path(&property.path) == wanted);
        alike.next().filter(|_| alike.next().is_none())
    }

    /// The one property whose path is the same without case, blanks, hyphens and underscores; if there is none, the one
    /// whose title is.
    pub fn property_alike(&self, name: &str) -> Option<&Property> {
        let wanted = folded(name);
        let only = |is_alike: &dyn Fn(&Property) -> bool| {
            let mut alike = self.properties.iter().filter(|property| is_alike(property));
            alike.next().filter(|_| alike.next().is_none())
        };
        let is_titled = |property: &Property| property.title.as_deref().is_some_and(|title| folded(title) == wanted);
        only(&|property| folded(&property.path) == wanted).or_else(|| only(&is_titled))
    }

    /// Every place in stored documents that was ever given away, to be kept with the type.
    pub fn positions(&self) -> &Positions {
        &self.positions
    }

    /// Whether the type takes any column as a string.
    pub fn is_open(&self) -> bool {
        self.is_open
    }

    /// The properties of which no two objects may have the same value.
    pub fn unique_properties(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter(|property| property.unique)
    }

    /// The properties that every object must have.
    pub fn required_properties(&self) -> impl Iterator<Item = &Property> {
        self.properties.iter().filter(|property| property.required)
    }

    /// The columns of the CSV template: what is a string, a boolean or a number, is not private and may be imported.
    pub fn template_columns(&self) -> Vec<&str> {
        let columns = self.properties.iter().filter(|property| property.in_template && property.importable().is_ok());
        columns.map(|property| property.path.as_str()).collect()
    }

    /// The header row of the CSV template, without a line end: every name in quotes.
    pub fn template_header(&self) -> String {
        let columns: Vec<String> = self.template_columns().into_iter().map(quoted).collect();
        columns.join(",")
    }

    /// What somebody who wrote this column may have meant: the path of a property that can be imported.
    pub fn suggest(&self, column: &str) -> Option<&str> {
        suggestion::suggest(&self.properties, column)
    }

    /// An open type with a string property for each of these columns; columns whose names start with an underscore
    /// are the server's and stay out. Any other type as it is.
    ///
    /// # Errors
    ///
    /// A column that is no path, and one that lies inside another (`a/b` beside `a`): an object cannot hold both.
    pub fn with_columns(&self, columns: &[String]) -> Result<ObjectType> {
        if !self.is_open {
            return Ok(self.clone());
        }
        let mut positions = self.positions.clone();
        for column in columns {
            let path = property::path(column);
            if path.split('/').any(str::is_empty) {
                return Err(Error::file(format!("'{column}' is no name for a property")).at_column(column));
            }
            if path.starts_with('_') {
                continue;
            }
            if let Some(other) = positions.overlapping(path) {
                let message = format!("'{path}' and '{other}' lie inside one another: an object cannot hold both");
                return Err(Error::file(message).at_column(column));
            }
            positions.place(path);
        }
        Ok(ObjectType::open(self.name.clone(), self.definition.clone(), positions))
    }

    /// A type without a schema: every path that has a position is a string.
    fn open(name: TypeName, definition: Json, positions: Positions) -> ObjectType {
        let properties = positions.iter().map(|(path, position)| text_property(path, position)).collect();
        ObjectType { is_open: true, ..ObjectType::new(name, definition, properties, positions) }
    }
}

fn text_property(path: &str, position: u32) -> Property {
    Property {
        path: path.to_owned(),
        position,
        kind: PropertyKind::String,
        required: false,
        scope: Scope::Public,
        read_only: false,
        state: State::Enabled,
        returned_by_default: true,
        default: None,
        unique: false,
        title: None,
        references: None,
        types: vec![PropertyKind::String],
        in_template: false,
        policies: Vec::new(),
        elements: None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::{ObjectType, Positions};

    fn parse(definition: &Json) -> (ObjectType, Vec<String>) {
        ObjectType::parse(definition, &Positions::default()).expect("a good definition")
    }

    fn person() -> Json {
        json!({
            "name": "person",
            "schema": {
                "order": ["_id", "userName", "preferences", "gone", "userName"],
                "required": ["userName", "preferences"],
                "properties": {
                    "notInOrder": {"type": "string"},
                    "preferences": {
                        "type": "object",
                        "order": ["updates", "colour"],
                        "required": ["updates"],
                        "properties": {
                            "colour": {"type": "string", "title": "Favourite Colour"},
                            "updates": {"type": "boolean"},
                        },
                    },
                    "_id": {"type": "string"},
                    "userName": {"type": "string", "title": "Login", "policies": [{"policyId": "valid-username"}]},
                    "score": {"type": "number", "readOnly": true},
                    "age": {"type": "integer"},
                    "tags": {"type": "array"},
                    "manager": {"type": "relationship"},
                    "nickname": {"type": ["string", "null"]},
                    "city": {"type": ["null", "string"]},
                    "secret": {
                        "type": "object",
                        "scope": "private",
                        "required": ["code"],
                        "properties": {"code": {"type": "string"}},
                    },
                },
            },
        })
    }

    #[test]
    fn properties_are_flat_and_in_order() {
        let (person, warnings) = parse(&person());
        assert_eq!(warnings, Vec::<String>::new());
        let paths: Vec<&str> = person.properties().iter().map(|property| property.path.as_str()).collect();
        insta::assert_snapshot!(paths.join(" "), @"userName preferences/updates preferences/colour notInOrder score age tags manager nickname city secret/code");
        assert_eq!(
            person.template_header(),
            r#""userName","preferences/updates","preferences/colour","notInOrder","city""#
        );
        assert_eq!(
            person.required_properties().map(|property| &*property.path).collect::<Vec<_>>(),
            ["userName", "preferences/updates"]
        );
        assert_eq!(person.unique_properties().map(|property| &*property.path).collect::<Vec<_>>(), ["userName"]);
        assert_eq!(person.property("/preferences/updates").map(|property| property.position), Some(2));
        assert!(person.property("preferences").is_none());
        assert!(person.property("secret/code").is_some_and(|code| code.importable().is_err() && !code.required));
    }

    #[test]
    fn positions_are_kept_for_ever() {
        let first = json!({"name": "t", "schema": {"properties": {"a": {}, "b": {}}}});
        let second = json!({"name": "t", "schema": {"properties": {"c": {}, "b": {}}}});
        let (before, _) = parse(&first);
        let (after, _) = ObjectType::parse(&second, before.positions()).expect("a good definition");
        assert_eq!(after.positions().iter().collect::<Vec<_>>(), [("a", 1), ("b", 2), ("c", 3)]);
        assert_eq!(after.properties().iter().map(|property| property.position).collect::<Vec<_>>(), [3, 2]);
        let (again, _) = ObjectType::parse(&first, after.positions()).expect("a good definition");
        assert_eq!(again.property("a").map(|property| property.position), Some(1));
    }

    #[test]
    fn types_without_a_schema_take_any_column() {
        let (open, _) = parse(&json!({"name": "misc"}));
        assert!(open.is_open() && open.properties().is_empty() && open.template_header().is_empty());
        let columns = ["mail", "_rev", "address/city", "/address/street"].map(str::to_owned);
        let open = open.with_columns(&columns).expect("columns that go together");
        let paths: Vec<&str> = open.properties().iter().map(|property| property.path.as_str()).collect();
        assert_eq!(paths, ["mail", "address/city", "address/street"]);
        let (reopened, _) = ObjectType::parse(open.definition(), open.positions()).expect("a good definition");
        assert_eq!(reopened.property("mail").map(|property| property.position), Some(1));
        for (column, sentence) in [
            (
                "address",
                "column 'address': 'address' and 'address/city' lie inside one another: an object cannot hold both",
            ),
            (
                "mail/home",
                "column 'mail/home': 'mail/home' and 'mail' lie inside one another: an object cannot hold both",
            ),
            ("a//b", "column 'a//b': 'a//b' is no name for a property"),
            ("a/", "column 'a/': 'a/' is no name for a property"),
            ("", "column '': '' is no name for a property"),
        ] {
            let error = reopened.with_columns(&[column.to_owned()]).expect_err(column);
            assert_eq!(error.to_string(), sentence);
        }
    }

    #[test]
    fn columns_that_are_no_properties_are_understood() {
        let (person, _) = parse(&person());
        for (column, meant) in [
            ("USERNAME", Some("userName")),
            ("user_name", Some("userName")),
            (" User Name ", Some("userName")),
            ("usrName", Some("userName")),
            ("userNmae", Some("userName")),
            ("login", Some("userName")),
            ("favourite colour", Some("preferences/colour")),
            ("updates", Some("preferences/updates")),
            ("preferences.update", Some("preferences/updates")),
            ("cty", Some("city")),
            ("score", None),
            ("secret/code", None),
            ("x", None),
            ("", None),
            ("telephone", None),
        ] {
            assert_eq!(person.suggest(column), meant, "{column}");
        }
    }
}
