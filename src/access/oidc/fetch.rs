//! Asking the issuer: where its keys are, and for the keys.
//!
//! Blocks, for some seconds at most. What is answered is read up to a limit, and no redirection is followed: it could
//! lead to where an answer cannot be trusted.

use std::fmt::Display;
use std::io::Read as _;
use std::time::Duration;

use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, PublicKeyUse};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::blocking::Client;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::redirect::Policy;
use rustls::crypto::ring::default_provider;
use serde_json::Value;

use crate::config::{OidcSettings, is_trustworthy};
use crate::error::{Error, Kind, Result};
use crate::outbound::told;

/// For a whole question and its answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Keys take some thousand bytes.
const MOST: u64 = 1 << 20;

/// The issuer's public keys for signatures, those of kinds that we do not know left out.
///
/// # Errors
/// `Busy` if the issuer does not answer, or not as it should.
pub(super) fn keys(settings: &OidcSettings) -> Result<Vec<Jwk>> {
    let client = client(&settings.issuer)?;
    let address = match &settings.jwks_url {
        Some(address) => address.clone(),
        None => address_in(&described(&client, &settings.issuer)?, "jwks_uri", &settings.issuer)?,
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

/// Where people sign in at the issuer, and where what they bring back is redeemed.
#[derive(Clone, Debug)]
pub(super) struct Endpoints {
    pub(super) authorization: String,
    token: String,
    /// Whether a client's secret goes into the form, and not before it.
    has_secret_in_form: bool,
    /// Whether the issuer says in each answer that it is its own.
    pub(super) signs_answers: bool,
}

/// What the issuer says of itself.
///
/// # Errors
/// See [`keys`].
pub(super) fn endpoints(settings: &OidcSettings) -> Result<Endpoints> {
    let issuer = &settings.issuer;
    let description = described(&client(issuer)?, issuer)?;
    let methods = description["token_endpoint_auth_methods_supported"].as_array();
    let takes = |method: &str| methods.is_none_or(|methods| methods.iter().any(|known| known == method));
    Ok(Endpoints {
        authorization: address_in(&description, "authorization_endpoint", issuer)?,
        token: address_in(&description, "token_endpoint", issuer)?,
        has_secret_in_form: !takes("client_secret_basic"),
        signs_answers: description["authorization_response_iss_parameter_supported"] == true,
    })
}

/// What the issuer gives for a code.
#[derive(Debug)]
pub(super) enum Redeemed {
    /// An ID token, and perhaps an access token.
    Tokens { id: String, access: Option<String> },
    /// An OAuth error.
    Refused(String),
}

/// Redeems the code that somebody has brought back.
///
/// # Errors
/// See [`keys`].
pub(super) fn redeem(
    settings: &OidcSettings,
    endpoints: &Endpoints,
    code: &str,
    redirect: &str,
    verifier: &str,
) -> Result<Redeemed> {
    let address = &endpoints.token;
    let ours = settings.client.as_ref().ok_or_else(|| Error::internal("nobody can sign in at the issuer"))?;
    let mut fields = vec![
        ("grant_type", "authorization_code"),
        ("code", code),
        ("redirect_uri", redirect),
        ("code_verifier", verifier),
    ];
    let mut request = client(&settings.issuer)?.post(address).header(ACCEPT, "application/json");
    match &ours.secret {
        Some(secret) if endpoints.has_secret_in_form => {
            fields.extend([("client_id", ours.id.as_str()), ("client_secret", secret.reveal())]);
        }
        Some(secret) => request = request.basic_auth(encoded(&ours.id), Some(encoded(secret.reveal()))),
        None => fields.push(("client_id", &ours.id)),
    }
    let form: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form.join("&"));
    // What is answered may repeat what was sent: only what it is about is told.
    let response = request.send().map_err(|error| unanswered(address, &told(&error)))?;
    let status = response.status();
    let mut body = Vec::new();
    response.take(MOST).read_to_end(&mut body).map_err(|error| unanswered(address, &error))?;
    let answer: Value = serde_json::from_slice(&body).unwrap_or_default();
    let text = |name: &str| answer[name].as_str().map(str::to_owned);
    match (status.is_success(), text("id_token"), text("error")) {
        (true, Some(id), _) => Ok(Redeemed::Tokens { id, access: text("access_token") }),
        (true, None, _) => Err(unanswered(address, &"there is no 'id_token' in the answer")),
        (false, _, Some(error)) if status.is_client_error() => Ok(Redeemed::Refused(error)),
        (false, ..) => Err(unanswered(address, &format!("the status is {status}"))),
    }
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn client(issuer: &str) -> Result<Client> {
    // That there is one already is as good.
    let _ = default_provider().install_default();
    let client = Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
    client.map_err(|error| unanswered(issuer, &error))
}

/// How the issuer describes itself.
fn described(client: &Client, issuer: &str) -> Result<Value> {
    let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let answer = get(client, &address)?;
    if answer["issuer"] != issuer {
        let other = format!("it describes the issuer {}, not '{issuer}'", answer["issuer"]);
        return Err(unanswered(&address, &other));
    }
    Ok(answer)
}

/// An address in the issuer's description.
fn address_in(description: &Value, name: &str, issuer: &str) -> Result<String> {
    match description[name].as_str() {
        Some(address) if is_trustworthy(address) => Ok(address.to_owned()),
        Some(address) => Err(unanswered(issuer, &format!("'{name}' is '{address}', whose answers cannot be trusted"))),
        None => Err(unanswered(issuer, &format!("there is no '{name}' in its description"))),
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
