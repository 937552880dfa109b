//! From a definition in PingIDM's managed-object format to a compiled type.
//!
//! Definitions of running installations load as they are: unknown keywords are ignored, and what cannot be checked
//! here is a warning. What would let wrong data in, a type or a pattern that cannot be read, is a fault; all faults of
//! a definition are told at once.

use std::collections::HashSet;

use serde_json::{Map, Value as Json, json};

use super::{ObjectType, Positions, TypeName};
use crate::error::{Error, Kind, Result};
use crate::schema::policy::{Bound, Compiled, Enumeration, Limit, Pattern, Policy, compile as compile_policy};
use crate::schema::property::{Elements, Property, PropertyKind, Scope, State, shown};

/// The definitions in a whole `managed.json` (`{"objects": [...]}`), in a list, or in a file of one (`{"name": ...}`).
pub fn parse_definitions(json: &Json) -> Result<Vec<Json>> {
    let objects = match json {
        Json::Array(objects) => objects.as_slice(),
        Json::Object(whole) if whole.contains_key("objects") => match &whole["objects"] {
            Json::Array(objects) => objects.as_slice(),
            _ => return Err(Error::request("'objects' is not a list of object types")),
        },
        Json::Object(_) => std::slice::from_ref(json),
        _ => return Err(Error::request("this is no definition of object types: it is not a JSON object")),
    };
    let mut names = HashSet::new();
    for definition in objects {
        let Some(name) = definition["name"].as_str() else {
            return Err(Error::request("a definition of an object type has no 'name'"));
        };
        if !names.insert(name) {
            return Err(Error::request(format!("the object type '{name}' is defined twice")));
        }
    }
    Ok(objects.to_vec())
}

/// Compiles one definition; see [`ObjectType::parse`].
pub(super) fn compile(definition: &Json, positions: &Positions) -> Result<(ObjectType, Vec<String>)> {
    let name = TypeName::of(definition)?;
    let schema = match &definition["schema"] {
        Json::Null => &Map::new(),
        Json::Object(schema) => schema,
        _ => return Err(Error::request(format!("{name}: 'schema' is not an object"))),
    };
    if !schema.contains_key("properties") {
        return Ok((ObjectType::open(name, definition.clone(), positions.clone()), Vec::new()));
    }
    let mut reading = Reading { positions: positions.clone(), ..Reading::default() };
    reading.properties_of(schema, "", &Around::default());
    reading.finish(name, definition)
}

/// What is said of the objects around a property.
#[derive(Clone, Copy)]
struct Around {
    required: bool,
    read_only: bool,
    scope: Scope,
    state: State,
    in_template: bool,
}

impl Default for Around {
    fn default() -> Around {
        Around { required: true, read_only: false, scope: Scope::Public, state: State::Enabled, in_template: true }
    }
}

/// A definition that is being read.
#[derive(Default)]
struct Reading {
    positions: Positions,
    properties: Vec<Property>,
    faults: Vec<String>,
    warnings: Vec<String>,
    /// Policies that are not checked, each with the properties that have it.
    unchecked: Vec<(String, Vec<String>)>,
    /// Properties whose values are to be encrypted or hashed.
    unprotected: Vec<String>,
}

impl Reading {
    /// Reads the properties of a schema, or of a nested object, in the order of the template.
    fn properties_of(&mut self, schema: &Map<String, Json>, prefix: &str, around: &Around) {
        let Some(properties) = schema.get("properties").and_then(Json::as_object) else {
            return self.faults.push(format!("{}'properties' is not an object", inside(prefix)));
        };
        let required = self.required_names(schema, properties, prefix);
        for name in in_order(schema, properties) {
            if name.is_empty() || name.contains('/') {
                self.faults.push(format!("{}'{name}' is no name for a property", inside(prefix)));
                continue;
            }
            let path = format!("{prefix}{name}");
            let Some(definition) = properties[name].as_object() else {
                self.faults.push(format!("property '{path}': its definition is not an object"));
                continue;
            };
            let is_required = required.contains(&name) || definition.get("required") == Some(&Json::Bool(true));
            let around = Around { required: around.required && is_required, ..*around };
            self.property(&path, definition, around);
        }
    }

    fn required_names<'s>(
        &mut self,
        schema: &'s Map<String, Json>,
        properties: &Map<String, Json>,
        prefix: &str,
    ) -> Vec<&'s str> {
        let names = schema.get("required").and_then(Json::as_array).into_iter().flatten();
        let names: Vec<&str> = names.filter_map(Json::as_str).collect();
        for name in names.iter().filter(|name| !properties.contains_key(**name)) {
            self.warnings.push(format!("'{prefix}{name}' is required but no property, and not checked"));
        }
        names
    }

    fn property(&mut self, path: &str, definition: &Map<String, Json>, around: Around) {
        let types = self.types(path, definition);
        let around = self.surrounded(path, definition, around, &types);
        let kind = types.iter().rfind(|kind| **kind != PropertyKind::Null).copied().unwrap_or(PropertyKind::Null);
        let has_properties = definition.get("properties").is_some_and(|nested| nested != &json!({}));
        if kind == PropertyKind::Object && has_properties {
            return self.properties_of(definition, &format!("{path}/"), &around);
        }
        let mut property = Property {
            path: path.to_owned(),
            position: self.positions.place(path),
            kind,
            required: around.required,
            scope: around.scope,
            read_only: around.read_only,
            state: around.state,
            returned_by_default: true,
            default: None,
            unique: false,
            title: definition.get("title").and_then(Json::as_str).map(str::to_owned),
            references: None,
            in_template: around.in_template && matches!(kind.name(), "string" | "boolean" | "number"),
            types,
            policies: Vec::new(),
            elements: None,
        };
        self.implied_policies(&mut property, definition);
        self.listed_policies(&mut property, definition.get("policies"));
        property.elements = self.elements(path, definition.get("items"));
        property.references = self.references(&property, definition.get("references"));
        let is_plain = !property.is_relationship() && definition.get("isVirtual") != Some(&json!(true));
        property.returned_by_default = definition.get("returnByDefault").and_then(Json::as_bool).unwrap_or(is_plain);
        property.required &= !property.read_only && property.state == State::Enabled;
        self.default_value(&mut property, definition);
        let is_given = |name| definition.get(name).is_some_and(|given| !given.is_null());
        if property.scope == Scope::Public && (is_given("encryption") || is_given("secureHash")) {
            self.unprotected.push(format!("'{path}'"));
        }
        self.properties.push(property);
    }

    /// The types of a property. Without any it is an object if it has properties, and a string if not.
    fn types(&mut self, path: &str, definition: &Map<String, Json>) -> Vec<PropertyKind> {
        let names: Vec<&Json> = match definition.get("type") {
            None | Some(Json::Null) if definition.contains_key("properties") => return vec![PropertyKind::Object],
            None | Some(Json::Null) => return vec![PropertyKind::String],
            Some(Json::Array(names)) => names.iter().collect(),
            Some(name) => vec![name],
        };
        let mut kinds = Vec::with_capacity(names.len());
        for name in names {
            match (name.as_str().and_then(PropertyKind::named), definition.get("format").and_then(Json::as_str)) {
                (Some(PropertyKind::String), Some("date")) => kinds.push(PropertyKind::Date),
                (Some(PropertyKind::String), Some("date-time" | "datetime")) => kinds.push(PropertyKind::DateTime),
                (Some(kind), _) => kinds.push(kind),
                (None, _) => self.faults.push(format!(
                    "property '{path}': the type '{}' is none of 'string', 'boolean', 'number', 'integer', 'object', \
                     'array', 'relationship', 'null'",
                    shown(name)
                )),
            }
        }
        if definition.get("nullable") == Some(&Json::Bool(true)) && !kinds.contains(&PropertyKind::Null) {
            kinds.insert(0, PropertyKind::Null);
        }
        kinds
    }

    /// What a property says of itself, on top of what is said of the objects around it.
    fn surrounded(
        &mut self,
        path: &str,
        definition: &Map<String, Json>,
        around: Around,
        types: &[PropertyKind],
    ) -> Around {
        let is_set = |name| definition.get(name) == Some(&Json::Bool(true));
        let mut inner = around;
        inner.read_only |= is_set("readOnly") || is_set("isVirtual");
        inner.in_template &= types.last() != Some(&PropertyKind::Null);
        let is = |text: &str, word: &str| text.eq_ignore_ascii_case(word);
        match definition.get("scope").and_then(Json::as_str) {
            Some(scope) if is(scope, "private") => inner.scope = Scope::Private,
            Some(scope) if !is(scope, "public") => {
                self.faults.push(format!("property '{path}': the scope '{scope}' is neither 'public' nor 'private'"));
            }
            _ => {}
        }
        match definition.get("state").and_then(Json::as_str) {
            Some(state) if is(state, "disabled") || is(state, "deleted") => inner.state = State::Disabled,
            Some(state) if !is(state, "enabled") => {
                self.faults.push(format!(
                    "property '{path}': the state '{state}' is none of 'ENABLED', 'DISABLED', 'DELETED'"
                ));
            }
            _ => {}
        }
        inner
    }

    /// The policies that keywords of the schema stand for, in PingIDM's order; those it does not know come after.
    fn implied_policies(&mut self, property: &mut Property, definition: &Map<String, Json>) {
        let path = property.path.as_str();
        let value = |name| definition.get(name).filter(|value| !value.is_null());
        let minimum = value("minLength").and_then(|given| self.read(path, "minLength", given, Limit::new));
        let has_list_without_null =
            definition.get("type").is_some_and(Json::is_array) && !property.types.contains(&PropertyKind::Null);
        if has_list_without_null || minimum.as_ref().is_some_and(Limit::is_positive) {
            property.policies.push(Policy::NotEmpty);
        }
        if property.types.iter().any(|kind| kind.name() == "string") {
            property.policies.extend(minimum.map(Policy::MinimumLength));
            let pattern = value("pattern").and_then(Json::as_str).filter(|regexp| !regexp.is_empty());
            match pattern.map(|regexp| Pattern::new(regexp, None)) {
                Some(Ok(pattern)) => property.policies.push(Policy::Matches(Box::new(pattern))),
                Some(Err(fault)) => self.faults.push(format!("property '{path}': {fault}")),
                None => {}
            }
            let maximum = value("maxLength").and_then(|given| self.read(path, "maxLength", given, Limit::new));
            property.policies.extend(maximum.map(Policy::MaximumLength));
        }
        let least = value("minimum").and_then(|given| self.read(path, "minimum", given, Bound::new));
        property.policies.extend(least.map(Policy::Minimum));
        let most = value("maximum").and_then(|given| self.read(path, "maximum", given, Bound::new));
        property.policies.extend(most.map(Policy::Maximum));
        match value("enum") {
            None => {}
            Some(Json::Array(allowed)) => {
                let ignore_case = definition.get("enumIgnoreCase") == Some(&Json::Bool(true));
                property.policies.push(Policy::OneOf(Enumeration::new(allowed, ignore_case)));
            }
            Some(other) => self.faults.push(format!("property '{path}': its enum '{}' is not a list", shown(other))),
        }
        let lists_any = |name| value(name).and_then(Json::as_array).is_some_and(|policies| !policies.is_empty());
        if lists_any("conditionalPolicies") || lists_any("fallbackPolicies") {
            self.warnings.push(format!("conditional policies on '{path}' need scripts and are not checked"));
        }
    }

    fn read<T>(&mut self, path: &str, name: &str, given: &Json, make: fn(&str, &Json) -> Option<T>) -> Option<T> {
        let made = make(name, given);
        if made.is_none() {
            self.faults.push(format!("property '{path}': its {name} '{}' is not a number", shown(given)));
        }
        made
    }

    fn listed_policies(&mut self, property: &mut Property, listed: Option<&Json>) {
        let (rules, flags) = self.policies(&property.path, listed);
        property.required |= flags.required;
        property.unique |= flags.unique;
        for rule in rules {
            if !property.policies.contains(&rule) {
                property.policies.push(rule);
            }
        }
    }

    fn policies(&mut self, path: &str, listed: Option<&Json>) -> (Vec<Policy>, Flags) {
        let (mut rules, mut flags) = (Vec::new(), Flags::default());
        for policy in listed.and_then(Json::as_array).into_iter().flatten() {
            let Some(id) = policy["policyId"].as_str() else {
                self.faults.push(format!("property '{path}': a policy has no 'policyId'"));
                continue;
            };
            match compile_policy(id, &policy["params"]) {
                Ok(Compiled::Rule(rule)) => rules.push(rule),
                Ok(Compiled::Required) => flags.required = true,
                Ok(Compiled::Unique) => flags.unique = true,
                Ok(Compiled::UniqueName) => {
                    flags.unique = true;
                    rules.push(Policy::NotReserved);
                }
                Ok(Compiled::Unchecked) => self.unchecked(id, path),
                Err(fault) => self.faults.push(format!("property '{path}': policy '{id}': {fault}")),
            }
        }
        (rules, flags)
    }

    fn unchecked(&mut self, id: &str, path: &str) {
        match self.unchecked.iter_mut().find(|(known, _)| known == id) {
            Some((_, paths)) => paths.push(path.to_owned()),
            None => self.unchecked.push((id.to_owned(), vec![path.to_owned()])),
        }
    }

    fn elements(&mut self, path: &str, items: Option<&Json>) -> Option<Elements> {
        let items = items?.as_object()?;
        let path = format!("{path}[]");
        let types = if items.contains_key("type") { self.types(&path, items) } else { Vec::new() };
        let (policies, _) = self.policies(&path, items.get("policies"));
        Some(Elements { types, policies })
    }

    /// The type that a property's values name objects of: a keyword of ours.
    fn references(&mut self, property: &Property, given: Option<&Json>) -> Option<TypeName> {
        let given = given.filter(|given| !given.is_null())?;
        let path = &property.path;
        match given.as_str().and_then(|name| name.parse().ok()) {
            Some(name) if property.kind == PropertyKind::String => return Some(name),
            Some(_) => self.faults.push(format!("property '{path}': only a string refers to other objects")),
            None => {
                let given = shown(given);
                self.faults.push(format!("property '{path}': its references '{given}' are not the name of a type"));
            }
        }
        None
    }

    /// PingIDM does not look at defaults. A default of another type than the property's is never used here.
    fn default_value(&mut self, property: &mut Property, definition: &Map<String, Json>) {
        let Some(default) = definition.get("default").filter(|default| !default.is_null()) else { return };
        match property.read_json(default) {
            Ok(value) => property.default = Some(value),
            Err(violation) => {
                let warning = format!("the default of '{}' is not used: {}", property.path, violation.message);
                self.warnings.push(warning);
            }
        }
    }

    fn finish(mut self, name: TypeName, definition: &Json) -> Result<(ObjectType, Vec<String>)> {
        if !self.faults.is_empty() {
            let detail = json!({ "faults": self.faults });
            return Err(Error::listing(Kind::Request, format!("object type {name}"), self.faults).with_detail(detail));
        }
        for (id, paths) in self.unchecked {
            let paths: Vec<String> = paths.iter().map(|path| format!("'{path}'")).collect();
            let paths = paths.join(", ");
            self.warnings.push(format!("policy '{id}' on {paths} is not known here and not checked"));
        }
        if !self.unprotected.is_empty() {
            let paths = self.unprotected.join(", ");
            self.warnings
                .push(format!("values of {paths} are kept and shown as they come: none is encrypted or hashed"));
        }
        Ok((ObjectType::new(name, definition.clone(), self.properties, self.positions), self.warnings))
    }
}

/// What listed policies say that is no rule.
#[derive(Default)]
struct Flags {
    required: bool,
    unique: bool,
}

/// The names of properties: those in `order` first, the rest as they come; none that belongs to the server.
fn in_order<'s>(schema: &'s Map<String, Json>, properties: &'s Map<String, Json>) -> Vec<&'s str> {
    let ordered = schema.get("order").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    let mut seen = HashSet::new();
    ordered
        .filter(|name| properties.contains_key(*name))
        .chain(properties.keys().map(String::as_str))
        .filter(|name| !name.starts_with('_') && seen.insert(*name))
        .collect()
}

/// The place of a fault inside a nested object, for the start of a sentence.
fn inside(prefix: &str) -> String {
    prefix.strip_suffix('/').map(|outer| format!("property '{outer}': ")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse_definitions;
    use crate::schema::{ObjectType, Positions};

    #[test]
    fn all_faults_are_told_at_once() {
        let definition = json!({
            "name": "t",
            "schema": {
                "properties": {
                    "a": {"type": "text"},
                    "b": "string",
                    "c": {"type": "string", "pattern": "("},
                    "d": {"type": "string", "policies": [
                        {"policyId": "regexpMatches", "params": {"regexp": "[z-a]"}},
                        {"params": {}},
                        {"policyId": "maximum-length"},
                    ]},
                    "e/f": {},
                    "g": {"type": "object", "properties": {"h": {"type": ["string", 7]}}},
                    "i": {"type": "string", "scope": "secret", "state": "OFF"},
                    "j": {"type": "string", "minLength": "long", "enum": "a"},
                    "k": {"type": "array", "items": {"type": "words"}},
                    "l": {"type": "number", "references": "managed/role"},
                    "m": {"type": "string", "references": 7},
                },
            },
        });
        let error = ObjectType::parse(&definition, &Positions::default()).expect_err("a bad definition");
        insta::assert_snapshot!(error.to_string().replace("; ", "\n"), @r"
        object type managed/t: property 'a': the type 'text' is none of 'string', 'boolean', 'number', 'integer', 'object', 'array', 'relationship', 'null'
        property 'b': its definition is not an object
        property 'c': pattern '(': opening parenthesis without closing parenthesis
        property 'd': policy 'regexpMatches': pattern '[z-a]': the range z-a runs backwards
        property 'd': a policy has no 'policyId'
        property 'd': policy 'maximum-length': its parameter 'maxLength' is missing
        'e/f' is no name for a property
        property 'g/h': the type '7' is none of 'string', 'boolean', 'number', 'integer', 'object', 'array', 'relationship', 'null'
        property 'i': the scope 'secret' is neither 'public' nor 'private'
        property 'i': the state 'OFF' is none of 'ENABLED', 'DISABLED', 'DELETED'
        property 'j': its minLength 'long' is not a number
        property 'j': its enum 'a' is not a list
        property 'k[]': the type 'words' is none of 'string', 'boolean', 'number', 'integer', 'object', 'array', 'relationship', 'null'
        property 'l': only a string refers to other objects
        property 'm': its references '7' are not the name of a type
        ");
        assert_eq!(error.problem()["detail"]["faults"].as_array().map(Vec::len), Some(15));
    }

    #[test]
    fn what_is_not_checked_is_a_warning() {
        let definition = json!({
            "name": "t",
            "onCreate": {"type": "text/javascript"},
            "schema": {
                "required": ["gone"],
                "properties": {
                    "a": {"type": "string", "policies": [{"policyId": "is-new"}, {"policyId": "mapping-exists"}]},
                    "b": {"type": "string", "policies": [{"policyId": "is-new"}], "conditionalPolicies": [{}]},
                    "c": {"type": "boolean", "default": "yes", "unknown": 1},
                    "d": {"type": "string", "policies": [{"policyId": "no-internal-user-conflict"}]},
                },
            },
        });
        let (_, warnings) = ObjectType::parse(&definition, &Positions::default()).expect("a good definition");
        insta::assert_snapshot!(warnings.join("\n"), @r"
        'gone' is required but no property, and not checked
        conditional policies on 'b' need scripts and are not checked
        the default of 'c' is not used: 'yes' is not true or false
        policy 'is-new' on 'a', 'b' is not known here and not checked
        policy 'mapping-exists' on 'a' is not known here and not checked
        ");
    }

    #[test]
    fn definitions_come_alone_or_together() {
        let (user, role) = (json!({"name": "user"}), json!({"name": "role"}));
        for (json, definitions) in [
            (json!({"objects": [user, role]}), Ok(vec![user.clone(), role.clone()])),
            (json!([user]), Ok(vec![user.clone()])),
            (user.clone(), Ok(vec![user.clone()])),
            (json!({"_id": "managed", "objects": []}), Ok(vec![])),
            (json!({"objects": [user, user]}), Err("the object type 'user' is defined twice")),
            (json!({"objects": {}}), Err("'objects' is not a list of object types")),
            (json!({"schema": {}}), Err("a definition of an object type has no 'name'")),
            (json!("user"), Err("this is no definition of object types: it is not a JSON object")),
        ] {
            let found = parse_definitions(&json).map_err(|error| error.to_string());
            assert_eq!(found, definitions.map_err(str::to_owned), "{json}");
        }
    }

    #[test]
    fn names_are_looked_at() {
        for name in [json!("a/b"), json!(""), json!(7), json!(null)] {
            let definition = json!({"name": name, "schema": {"properties": {}}});
            assert!(ObjectType::parse(&definition, &Positions::default()).is_err(), "{name}");
        }
    }
}
