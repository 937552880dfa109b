//! JWTs of an OpenID Connect issuer, as bearer tokens beside our own.
//!
//! A JWT is taken if one of the issuer's public keys has signed it, for us, and its time is now. Which algorithms may
//! sign is decided here and never by the JWT: those with a shared secret are not among them, since anybody could sign
//! with a public key taken for one. Everything that is wrong with a JWT is one answer: nobody.

mod claims;
mod fetch;
mod journey;
mod keys;
mod sign_in;

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey, Header, Validation, decode, decode_header};
use serde_json::Value;

use self::claims::principal;
use self::keys::Keys;
pub use self::sign_in::FromIssuer;
use self::sign_in::Known;
use super::Principal;
use crate::config::OidcSettings;
use crate::error::Result;

const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY: u64 = 60;

/// The issuer, as far as we know it.
#[derive(Debug)]
pub(super) struct Issuer {
    settings: OidcSettings,
    keys: Keys,
    /// What is known of where people sign in.
    known: Known,
}

impl Issuer {
    /// The issuer of these settings, whose keys are asked for when they are first needed.
    pub(super) fn new(settings: OidcSettings) -> Issuer {
        Issuer { settings, keys: Keys::default(), known: Known::default() }
    }

    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.settings.issuer
    }

    /// Whom this JWT names, if it is good. Blocks while the issuer is asked for its keys.
    ///
    /// # Errors
    /// `Busy` if the keys are needed and cannot be had now, `Forbidden` if the JWT is good and gives no role.
    pub(super) fn principal(&self, jwt: &str) -> Result<Option<Principal>> {
        let claims = self.claims(jwt, &self.settings.audience)?;
        claims.map_or(Ok(None), |claims| principal(&self.settings, &claims))
    }

    /// The same, with the second since 1970 from when on the JWT is good no more.
    ///
    /// # Errors
    /// See [`Issuer::principal`].
    pub(super) fn principal_until(&self, jwt: &str) -> Result<Option<(Principal, i64)>> {
        let Some(claims) = self.claims(jwt, &self.settings.audience)? else { return Ok(None) };
        let until = claims["exp"].as_f64().unwrap_or_default() as i64;
        Ok(principal(&self.settings, &claims)?.map(|principal| (principal, until)))
    }

    /// The claims of a JWT that is good and for this audience.
    fn claims(&self, jwt: &str, audience: &str) -> Result<Option<Value>> {
        let Some(header) = decode_header(jwt).ok().filter(is_taken) else { return Ok(None) };
        let key = self.keys.find(header.kid.as_deref(), || fetch::keys(&self.settings))?;
        Ok(key.and_then(|key| self.verified(jwt, &header, &key, audience)))
    }

    /// The claims of the JWT, if the key has signed it and they are for this audience and for now.
    fn verified(&self, jwt: &str, header: &Header, key: &Jwk, audience: &str) -> Option<Value> {
        let mut validation = Validation::new(header.alg);
        validation.set_required_spec_claims(&["exp", "iss", "aud"]);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[audience]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY;
        let key = DecodingKey::from_jwk(key).ok()?;
        decode::<Value>(jwt, &key, &validation).ok().map(|good| good.claims)
    }
}

/// Whether we know how to check it: no algorithm but ours, and nothing that has to be understood and is not.
fn is_taken(header: &Header) -> bool {
    ALGORITHMS.contains(&header.alg) && header.crit.is_none()
}
