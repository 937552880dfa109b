//! The object types that every installation starts with.
//!
//! Users, roles and assignments are the identity model of PingIDM, with the same CSV template for users; PX users and
//! accounts are Gainsight PX's default attributes. They are definitions like any other and may be changed by whoever
//! runs the installation.

use serde_json::Value as Json;

/// One file per type, in the order in which they are shown.
const DEFINITIONS: [&str; 5] = [
    include_str!("starter/user.json"),
    include_str!("starter/role.json"),
    include_str!("starter/assignment.json"),
    include_str!("starter/px_user.json"),
    include_str!("starter/px_account.json"),
];

/// The definitions of the starter types.
pub fn starter_definitions() -> Vec<Json> {
    DEFINITIONS.map(|text| serde_json::from_str(text).expect("our own definitions are JSON")).into()
}
