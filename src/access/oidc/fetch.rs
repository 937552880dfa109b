//! Asking the issuer: where its keys are, and for the keys.
//!
//! Blocks, for some seconds at most. What is answered is read up to a limit, and no redirection is followed: it could
//! lead to where an answer cannot be trusted.

use std::fmt::Display;
use std::io::Read as _;
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use reqwest::blocking::Client;
use reqwest::redirect::Policy;
use rustls::crypto::ring::default_provider;
use serde_json::Value;

use crate::config::{OidcSettings, is_trustworthy};
use crate::error::{Error, Kind, Result};

/// For a whole question and its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keys take some thousand bytes.
const MOST: u64 = 1 << 20;

/// The issuer's public keys for signatures, those of kinds that we do not know left out.
///
/// # Errors
/// `Busy` if the issuer does not answer, or not as it should.
pub(super) fn keys(settings: &OidcSettings) -> Result<Vec<Jwk>> {
    // That there is one already is as good.
    let _ = default_provider().install_default();
    let client = Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
    let client = client.map_err(|error| unanswered(&settings.issuer, &error))?;
    let address = match &settings.jwks_url {
        Some(address) => address.clone(),
        None => described(&client, &settings.issuer)?,
    };
    let answer = get(&client, &address)?;
    let keys = answer["keys"].as_array().ok_or_else(|| unanswered(&address, &"there are no 'keys' in the answer"))?;
    Ok(keys.iter().filter_map(|key| serde_json::from_value(key.clone()).ok()).filter(is_public).collect())
}

/// Whether a signature can be checked with this key, and everybody may know it.
fn is_public(key: &Jwk) -> bool {
    use AlgorithmParameters::{EllipticCurve, OctetKeyPair, RSA};
    let is_known = matches!(key.algorithm, RSA(_) | EllipticCurve(_) | OctetKeyPair(_));
    is_known && key.common.public_key_use != Some(PublicKeyUse::Encryption)
}

/// Where the issuer says that its keys are.
fn described(client: &Client, issuer: &str) -> Result<String> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let answer = get(client, &address)?;
    if answer["issuer"] != issuer {
        let other = format!("it describes the issuer {}, not '{issuer}'", answer["issuer"]);
        return Err(unanswered(&address, &other));
    }
    match answer["jwks_uri"].as_str() {
        Some(keys) if is_trustworthy(keys) => Ok(keys.to_owned()),
        Some(keys) => Err(unanswered(&address, &format!("'jwks_uri' is '{keys}', whose answers cannot be trusted"))),
        None => Err(unanswered(&address, &"there is no 'jwks_uri' in the answer")),
    }
}

fn get(client: &Client, address: &str) -> Result<Value> {
    let response = client.get(address).send().map_err(|error| unanswered(address, &error))?;
    if !response.status().is_success() {
        return Err(unanswered(address, &format!("the status is {}", response.status())));
    }
    let mut body = Vec::new();
    response.take(MOST).read_to_end(&mut body).map_err(|error| unanswered(address, &error))?;
    serde_json::from_slice(&body).map_err(|error| unanswered(address, &error))
}

fn unanswered(address: &str, why: &dyn Display) -> Error {
    Error::new(Kind::Busy, format!("'{address}': {why}"))
}
