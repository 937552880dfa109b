//! What the claims of a good JWT mean. Pure.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::access::Principal;
use crate::config::OidcSettings;
use crate::error::{Error, Kind, Result};
use crate::schema::TypeName;

/// The `authzComponent` of whoever comes with a JWT.
const COMPONENT: &str = "oidc";

/// Whom the claims name; nobody if they do not.
///
/// # Errors
/// `Forbidden` if they give no role.
pub(super) fn principal(settings: &OidcSettings, claims: &Value) -> Result<Option<Principal>> {
    let name = claim(claims, &settings.name_claim).as_str().unwrap_or_default();
    if name.trim().is_empty() || name.contains(char::is_control) {
        return Ok(None);
    }
    let given = words(claim(claims, &settings.role_claim));
    let roles = settings.roles.iter().filter(|(_, word)| given.contains(&word.as_str()));
    let role = roles.map(|(role, _)| *role).max();
    let role = role.ok_or_else(|| Error::new(Kind::Forbidden, "Access denied"))?;
    let object_types = settings.types_claim.as_deref().map(|name| object_types(claim(claims, name)));
    Ok(Some(Principal { name: name.to_owned(), component: COMPONENT.to_owned(), role, object_types }))
}

/// The object types that a claim lists. What is no name of one is that of none, and no claim is an empty list.
fn object_types(claim: &Value) -> BTreeSet<TypeName> {
    words(claim).into_iter().filter_map(|word| word.parse().ok()).collect()
}

/// The claim of this name, or the one that a JSON pointer points to; null if there is none.
fn claim<'c>(claims: &'c Value, name: &str) -> &'c Value {
    match name.starts_with('/') {
        true => claims.pointer(name).unwrap_or(&Value::Null),
        false => &claims[name],
    }
}

/// The words of a claim: of a text between blanks, as `scope` has it, or the texts of a list.
fn words(claim: &Value) -> Vec<&str> {
    match claim {
        Value::String(text) => text.split_whitespace().collect(),
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::principal;
    use crate::config::OidcSettings;
    use crate::token::Role;

    fn settings() -> OidcSettings {
        OidcSettings {
            issuer: String::new(),
            audience: String::new(),
            jwks_url: None,
            name_claim: "sub".to_owned(),
            role_claim: "scope".to_owned(),
            roles: [(Role::Admin, "a".to_owned()), (Role::Importer, "i".to_owned()), (Role::Viewer, "v".to_owned())],
            types_claim: None,
            client: None,
        }
    }

    /// What these claims mean, in a line.
    fn read(settings: &OidcSettings, claims: &Value) -> String {
        match principal(settings, claims) {
            Ok(Some(found)) => {
                let types = found.object_types.map(|types| types.iter().map(|name| name.as_str().to_owned()).collect());
                format!("{} {} {}", found.name, found.role, types.map_or("all".to_owned(), |t: Vec<_>| t.join(",")))
            }
            Ok(None) => "nobody".to_owned(),
            Err(error) => error.to_string(),
        }
    }

    #[test]
    fn the_highest_role_counts() {
        for (claims, expected) in [
            (json!({"sub": "x", "scope": "openid v"}), "x viewer all"),
            (json!({"sub": "x", "scope": "v i openid"}), "x importer all"),
            (json!({"sub": "x", "scope": ["v", "a", 7]}), "x admin all"),
            (json!({"sub": "x", "scope": ["v a"]}), "Access denied"),
            (json!({"sub": "x", "scope": "A"}), "Access denied"),
            (json!({"sub": "x", "scope": true}), "Access denied"),
            (json!({"sub": "x"}), "Access denied"),
            (json!({"scope": "a"}), "nobody"),
            (json!({"sub": " ", "scope": "a"}), "nobody"),
            (json!({"sub": "x\u{1b}", "scope": "a"}), "nobody"),
            (json!({"sub": 7, "scope": "a"}), "nobody"),
            (json!([]), "nobody"),
        ] {
            assert_eq!(read(&settings(), &claims), expected, "{claims}");
        }
    }

    #[test]
    fn claims_can_be_deep() {
        let settings = OidcSettings {
            name_claim: "preferred_username".to_owned(),
            role_claim: "/realm_access/roles".to_owned(),
            types_claim: Some("https://example.com/types".to_owned()),
            ..settings()
        };
        let who = |types: Value| json!({"preferred_username": "zoe", "realm_access": {"roles": ["i"]}, "https://example.com/types": types});
        for (types, expected) in [
            (json!(["managed/user", "managed/role"]), "zoe importer managed/role,managed/user"),
            (json!("managed/user user *"), "zoe importer managed/user"),
            (json!(null), "zoe importer "),
            (json!(7), "zoe importer "),
        ] {
            assert_eq!(read(&settings, &who(types.clone())), expected, "{types}");
        }
    }
}
