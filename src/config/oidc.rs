//! `[oidc]`: whose JWTs are taken besides our own tokens, and what their claims mean.

use reqwest::Url;
use serde::Deserialize;

use super::values::Values;
use crate::address;
use crate::token::Role;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OidcSection {
    issuer: String,
    audience: String,
    jwks_url: Option<String>,
    name_claim: Option<String>,
    role_claim: Option<String>,
    #[serde(default)]
    roles: RolesSection,
    types_claim: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct RolesSection {
    admin: Option<String>,
    importer: Option<String>,
    viewer: Option<String>,
}

/// What `[oidc]` means. A claim is its name, or a JSON pointer to it, such as `/realm_access/roles`.
#[derive(Clone, Debug)]
pub struct OidcSettings {
    /// Who signs the JWTs: their `iss`, to the letter.
    pub issuer: String,
    /// Whom they are for: one of their `aud`.
    pub audience: String,
    /// Where the issuer's keys are; without it the issuer's own description says so.
    pub jwks_url: Option<String>,
    /// The claim that names the principal.
    pub name_claim: String,
    /// The claim with the words that stand for roles.
    pub role_claim: String,
    /// The words, of which the highest role counts.
    pub roles: [(Role, String); 3],
    /// The claim with the object types that can be seen; without it all can.
    pub types_claim: Option<String>,
}

impl OidcSection {
    pub(super) fn read(self, values: &mut Values) -> OidcSettings {
        for (key, url) in [("oidc.issuer", Some(&self.issuer)), ("oidc.jwks_url", self.jwks_url.as_ref())] {
            if let Some(url) = url.filter(|url| !is_trustworthy(url)) {
                values.mistake(format!(
                    "{key} = '{url}' is not an address whose answers can be trusted: write 'https://HOST/PATH'"
                ));
            }
        }
        let claim = |written: Option<String>, default: &str| written.unwrap_or_else(|| default.to_owned());
        let RolesSection { admin, importer, viewer } = self.roles;
        let settings = OidcSettings {
            issuer: self.issuer,
            audience: self.audience,
            jwks_url: self.jwks_url,
            name_claim: claim(self.name_claim, "sub"),
            role_claim: claim(self.role_claim, "scope"),
            roles: [
                (Role::Admin, claim(admin, "rollbook.admin")),
                (Role::Importer, claim(importer, "rollbook.importer")),
                (Role::Viewer, claim(viewer, "rollbook.viewer")),
            ],
            types_claim: self.types_claim,
        };
        if settings.audience.is_empty() {
            values.mistake("oidc.audience is empty: write what JWTs for this service have as 'aud'");
        }
        for (role, word) in &settings.roles {
            if word.is_empty() || word.contains(char::is_whitespace) {
                values.mistake(format!("oidc.roles.{role} = '{word}' is not one word"));
            }
        }
        settings
    }
}

/// Whether what this address answers is what its host has said: over HTTPS, or on this machine.
pub(crate) fn is_trustworthy(url: &str) -> bool {
    let is_here = |url: &Url| match address::host(url) {
        Some(address) => address.is_loopback(),
        None => url.host_str() == Some("localhost"),
    };
    address::parse(url).is_ok_and(|url| url.scheme() == "https" || is_here(&url))
}

#[cfg(test)]
mod tests {
    use super::is_trustworthy;

    #[test]
    fn addresses() {
        for (url, trusted) in [
            ("https://login.example.com", true),
            ("https://login.example.com:8443/realms/a?b", true),
            ("http://127.0.0.1:8080/keys", true),
            ("http://localhost", true),
            ("http://[::1]:99/x", true),
            ("http://login.example.com", false),
            ("http://localhost.example.com/", false),
            ("http://localhost@example.com/", false),
            ("http://127.0.0.1\\@example.com/", false),
            ("http://local\thost/", false),
            ("HTTPS://example.com", true),
            ("https://", false),
            ("https:///path", false),
            ("ftp://127.0.0.1", false),
            ("example.com", false),
            ("", false),
        ] {
            assert_eq!(is_trustworthy(url), trusted, "{url:?}");
        }
    }
}
