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

#[cfg(test)]
mod tests {
    use super::starter_definitions;
    use crate::schema::{ObjectType, Positions, Refusal};

    fn starter(name: &str) -> ObjectType {
        let definitions = starter_definitions();
        let definition = definitions.iter().find(|definition| definition["name"] == name).expect(name);
        let (object_type, warnings) = ObjectType::parse(definition, &Positions::default()).expect(name);
        assert_eq!(warnings, Vec::<String>::new(), "{name}");
        object_type
    }

    /// The header of the PingIDM article, which its readers' files have.
    #[test]
    fn the_template_of_users_is_that_of_the_article() {
        let header = "\"userName\",\"givenName\",\"sn\",\"mail\",\"description\",\"accountStatus\",\"telephoneNumber\",\
                      \"postalAddress\",\"city\",\"postalCode\",\"country\",\"stateProvince\",\"preferences/updates\",\
                      \"preferences/marketing\"";
        assert_eq!(starter("user").template_header(), header);
    }

    #[test]
    fn the_other_templates_have_what_can_be_imported() {
        let headers: Vec<String> = ["role", "assignment", "px_user", "px_account"]
            .iter()
            .map(|name| starter(name).template_columns().join(" "))
            .collect();
        insta::assert_snapshot!(headers.join("\n"), @r"
        name description condition
        name description mapping
        id accountId email firstName lastName jobTitle phone role gender type score signUpDate firstVisitDate leadDate subscriptionId countryCode countryName stateCode stateName city street postalCode continent regionName timeZone latitude longitude guidedTours onboardingBot productUpdates surveys trackUsage
        id name industry naicsCode sicCode numberOfEmployees plan sfdcId website countryCode countryName stateCode stateName city street continent postalCode regionName timeZone latitude longitude
        ");
    }

    #[test]
    fn px_objects_have_an_id_and_computed_properties() {
        for name in ["px_user", "px_account"] {
            let object_type = starter(name);
            let id = object_type.property("id").expect("an id");
            assert!(id.required && id.unique && object_type.required_properties().count() == 1, "{name}");
            let computed = object_type.property("propertyKeys").expect("a computed property");
            assert_eq!(computed.importable(), Err(Refusal::ReadOnly));
        }
    }
}
