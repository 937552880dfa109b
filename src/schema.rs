//! Object types: what may be stored, and what every value has to be like.
//!
//! An [`ObjectType`] is read once from its definition in PingIDM's managed-object format and compiled into a flat list
//! of [properties](Property), so that the hot loop meets no names, no JSON and no nesting. A property turns the text of
//! a cell, or a member of a JSON body, into a typed [`Value`] and checks its [policies](Policy); everything that is
//! wrong comes out as [violations](Violation), never as the first one only.
//!
//! The whole module is pure. It knows no file, no repository and no door; all of them call it, so that an upload, a
//! drop, the command line and the object API judge a value alike. The one thing it leaves to others is uniqueness,
//! which needs the stored objects: it only says which properties are unique.

pub mod date_format;
pub mod object_type;
pub mod policy;
pub mod property;
pub mod starter;
pub mod value;

pub use date_format::{DateFormat, DateFormats};
pub use object_type::{ObjectType, Positions, TypeName, parse_definitions};
pub use policy::{Policy, Violation, Wanted, policy_detail, policy_error, policy_problem};
pub use property::{Property, PropertyKind, Refusal, Scope, State, folded, path};
pub use starter::starter_definitions;
pub use value::Value;
