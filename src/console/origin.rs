//! Where we are, as people and their browsers write it.

use axum::http::HeaderMap;
use axum::http::header::HOST;

use crate::config::ServerSettings;

/// The address of this service without a slash behind it: the one of the settings, or else the one that a request names.
pub(super) fn origin(headers: &HeaderMap, settings: &ServerSettings) -> String {
    if let Some(url) = &settings.public_url {
        return url.clone();
    }
    let named = headers.get(HOST).and_then(|host| host.to_str().ok()).filter(|host| is_host(host));
    let scheme = if is_secure(settings) { "https" } else { "http" };
    format!("{scheme}://{}", named.unwrap_or(&settings.listen))
}

/// Whether people reach us over HTTPS.
pub(super) fn is_secure(settings: &ServerSettings) -> bool {
    let is_https = |url: &String| url.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"));
    settings.certificate.is_some() || settings.behind_proxy || settings.public_url.as_ref().is_some_and(is_https)
}

/// Whether this can be a host and its port, and nothing else.
fn is_host(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte))
}
