//! `[oidc]`: whose JWTs are taken besides our own tokens, and what their claims mean.

use std::path::Path;

use reqwest::Url;
use serde::Deserialize;

use super::environment::Environment;
use super::secrets::{NoSecret, WrittenSecret};
use super::values::Values;
use crate::address;
use crate::secret::Secret;
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
    client_id: Option<String>,
    client_secret: Option<WrittenSecret>,
    scopes: Option<String>,
    label: Option<String>,
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
    /// What the console is for the issuer; without it nobody is sent there to sign in.
    pub client: Option<OidcClient>,
}

/// What the console is for the issuer.
#[derive(Clone, Debug)]
pub struct OidcClient {
    /// The name by which the issuer knows it.
    pub id: String,
    /// What it proves that with; without it, it is a public client.
    pub secret: Option<Secret>,
    /// What it asks for, with blanks between.
    pub scopes: String,
    /// What the issuer is called among people.
    pub label: String,
}

impl OidcSection {
    pub(super) fn read(mut self, data: &Path, environment: &Environment, values: &mut Values) -> OidcSettings {
        let client = self.client(data, environment, values);
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
            client,
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

    fn client(&mut self, data: &Path, environment: &Environment, values: &mut Values) -> Option<OidcClient> {
        let (secret, scopes, label) = (self.client_secret.take(), self.scopes.take(), self.label.take());
        let Some(id) = self.client_id.take() else {
            let given = [("client_secret", secret.is_some()), ("scopes", scopes.is_some()), ("label", label.is_some())];
            for (key, _) in given.into_iter().filter(|(_, is_given)| *is_given) {
                values.mistake(format!(
                    "oidc.{key} is for people who sign in on the console, which takes oidc.client_id"
                ));
            }
            return None;
        };
        if id.trim().is_empty() {
            values.mistake("oidc.client_id is empty: write the name by which the issuer knows the console");
        }
        let secret = secret.and_then(|written| match written.resolve(data, environment) {
            Ok(secret) => Some(secret),
            Err(NoSecret::Wrong(why)) => {
                values.mistake(format!("oidc.client_secret {why}"));
                None
            }
            Err(NoSecret::Lacking(why)) => {
                values.mistake(format!("oidc.client_secret: {why}"));
                None
            }
        });
        let scopes = scopes.unwrap_or_else(|| "openid".to_owned());
        if !scopes.split_whitespace().any(|word| word == "openid") {
            values.mistake(format!("oidc.scopes = '{scopes}' has no 'openid', without which nobody is named"));
        }
        let host = address::parse(&self.issuer).ok().and_then(|url| url.host_str().map(str::to_owned));
        let label = label.filter(|label| !label.trim().is_empty()).or(host).unwrap_or_default();
        Some(OidcClient { id, secret, scopes, label })
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
