//! An object type as somebody sees it who prepares a file for it.

use super::choices::can_be_unique;
use crate::schema::{DateFormats, ObjectType, Property, PropertyKind, Violation};

/// An object type.
pub(super) struct Described {
    /// The name in addresses: `user`.
    pub(super) name: String,
    /// The name for people.
    pub(super) title: String,
    pub(super) description: Option<String>,
    /// Whether it takes any column.
    pub(super) is_open: bool,
    /// What columns can fill.
    pub(super) properties: Vec<DescribedProperty>,
}

/// A property that a column can fill.
pub(super) struct DescribedProperty {
    /// The name of the column.
    pub(super) path: String,
    pub(super) title: Option<String>,
    /// What its cells hold, in words.
    pub(super) holds: &'static str,
    pub(super) is_required: bool,
    pub(super) is_unique: bool,
    pub(super) is_date: bool,
    /// Whether objects may be found by it.
    pub(super) finds: bool,
    /// A cell, if one is known that would do.
    pub(super) example: Option<String>,
}

/// The name of an object type for people.
pub(super) fn title_of(object_type: &ObjectType) -> String {
    text_of(object_type, "title").unwrap_or_else(|| object_type.name().short()).to_owned()
}

fn text_of<'t>(object_type: &'t ObjectType, member: &str) -> Option<&'t str> {
    let text = object_type.definition()["schema"][member].as_str().map(str::trim);
    text.filter(|text| !text.is_empty())
}

impl Described {
    /// The object type with an example for each of its properties, which takes some work.
    pub(super) fn with_examples(object_type: &ObjectType) -> Described {
        let mut described = Described::new(object_type);
        for shown in &mut described.properties {
            shown.example = object_type.property(&shown.path).and_then(example);
        }
        described
    }

    pub(super) fn new(object_type: &ObjectType) -> Described {
        let name = object_type.name().short().to_owned();
        let importable = object_type.properties().iter().filter(|property| property.importable().is_ok());
        Described {
            title: title_of(object_type),
            description: text_of(object_type, "description").map(str::to_owned),
            is_open: object_type.is_open(),
            properties: importable.map(DescribedProperty::new).collect(),
            name,
        }
    }

    /// How many properties a column can fill.
    pub(super) fn size(&self) -> u64 {
        self.properties.len() as u64
    }

    /// The properties by which objects may be found: those of which no two objects have the same value, or the others.
    pub(super) fn finding(&self, unique: bool) -> Vec<&DescribedProperty> {
        self.properties.iter().filter(|property| property.finds && property.is_unique == unique).collect()
    }

    /// Whether it matters how dates are written.
    pub(super) fn has_dates(&self) -> bool {
        self.properties.iter().any(|property| property.is_date)
    }
}

impl DescribedProperty {
    fn new(property: &Property) -> DescribedProperty {
        DescribedProperty {
            path: property.path.clone(),
            title: property.title.clone().filter(|title| *title != property.path),
            holds: holds(property.kind),
            is_required: property.required && property.default.is_none(),
            is_unique: property.unique,
            is_date: matches!(property.kind, PropertyKind::Date | PropertyKind::DateTime),
            finds: can_be_unique(property.kind),
            example: None,
        }
    }
}

fn holds(kind: PropertyKind) -> &'static str {
    match kind {
        PropertyKind::String => "text",
        PropertyKind::Number => "number",
        PropertyKind::Integer => "whole number",
        PropertyKind::Boolean => "true or false",
        PropertyKind::Date => "date",
        PropertyKind::DateTime => "date and time",
        PropertyKind::Array => "list, as JSON",
        PropertyKind::Object => "object, as JSON",
        PropertyKind::Relationship | PropertyKind::Null => "nothing",
    }
}

/// Texts of many kinds, each with the letters that the name of a property for it has in it.
const TEXTS: [(&str, &str); 24] = [
    ("mail", "ann@example.com"),
    ("phone", "+1 555 0100"),
    ("username", "ann.lee"),
    ("firstname", "Ann"),
    ("givenname", "Ann"),
    ("lastname", "Lee"),
    ("sn", "Lee"),
    ("surname", "Lee"),
    ("website", "https://example.com"),
    ("url", "https://example.com"),
    ("countrycode", "NL"),
    ("statecode", "CA"),
    ("country", "Netherlands"),
    ("state", "California"),
    ("city", "Utrecht"),
    ("continent", "EU"),
    ("postalcode", "3511 AA"),
    ("zip", "3511 AA"),
    ("address", "1 Main Street"),
    ("street", "1 Main Street"),
    ("timezone", "Europe/Amsterdam"),
    ("latitude", "52.09"),
    ("longitude", "5.12"),
    ("id", "A-1001"),
];

/// A cell that the property takes.
fn example(property: &Property) -> Option<String> {
    let wanted: String = property.path.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let preset = property.default.iter().map(|default| default.to_text().into_owned());
    let cells: &[&str] = match property.kind {
        PropertyKind::String => {
            &["Example", "example", "A-1001", "ann@example.com", "+1 555 0100", "2021-12-25", "12345"]
        }
        PropertyKind::Number => &["12.5", "12", "0.5", "1", "0"],
        PropertyKind::Integer => &["12", "1", "100", "0"],
        PropertyKind::Boolean => &["true", "false"],
        PropertyKind::Date => &["2021-12-25"],
        PropertyKind::DateTime => &["2021-12-25T08:30:00Z"],
        PropertyKind::Array => &["[\"a\",\"b\"]", "[]"],
        PropertyKind::Object => &["{}"],
        PropertyKind::Relationship | PropertyKind::Null => &[],
    };
    let is_text = property.kind == PropertyKind::String;
    let is_named = |name: &str| if name.len() > 3 { wanted.contains(name) } else { wanted == name };
    let named = TEXTS.iter().filter(|(name, _)| is_text && is_named(name)).map(|(_, text)| (*text).to_owned());
    let mut cells = preset.chain(allowed(property)).chain(named).chain(cells.iter().map(|cell| (*cell).to_owned()));
    cells.find(|cell| wrong_with(property, cell).is_empty())
}

/// The first of the values that are allowed, if only some are.
fn allowed(property: &Property) -> Option<String> {
    let violations = wrong_with(property, "");
    let values = violations.iter().find_map(|violation| violation.params.as_ref()?.get("validValues")?.as_array());
    values?.first()?.as_str().map(str::to_owned)
}

fn wrong_with(property: &Property, cell: &str) -> Vec<Violation> {
    let mut violations = Vec::new();
    match property.read(cell, &DateFormats::iso8601()) {
        Ok(value) => property.check(&value, &|_| None, &mut violations),
        Err(violation) => violations.push(violation),
    }
    violations
}
