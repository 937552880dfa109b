//! Which properties tell objects apart at a glance.

use crate::schema::property::{Scope, State};
use crate::schema::{ObjectType, Property, PropertyKind};

/// Columns of a list: what people take in, and what fits.
const MOST: usize = 5;

/// The properties that are shown in a list: those that must be unique first, then those that every object has, then those
/// of the template, each in the order of the type.
pub(super) fn telling(object_type: &ObjectType) -> Vec<&Property> {
    let template = object_type.template_columns();
    let rank = |property: &&Property| match property {
        property if property.unique => 0,
        property if property.required => 1,
        property if template.contains(&property.path.as_str()) => 2,
        _ => 3,
    };
    let mut telling: Vec<&Property> = object_type.properties().iter().filter(|property| is_short(property)).collect();
    telling.sort_by_key(rank);
    telling.truncate(MOST);
    telling
}

/// Whether people see the property, and can see it in a cell.
fn is_short(property: &Property) -> bool {
    let is_value = !matches!(property.kind, PropertyKind::Array | PropertyKind::Object | PropertyKind::Null);
    is_visible(property) && is_value && !property.is_relationship() && property.state == State::Enabled
}

pub(super) fn is_visible(property: &Property) -> bool {
    property.scope == Scope::Public
}

/// What people call a property.
pub(super) fn title(property: &Property) -> &str {
    property.title.as_deref().filter(|title| !title.trim().is_empty()).unwrap_or(&property.path)
}
