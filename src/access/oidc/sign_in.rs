//! Signing in at the issuer: OpenID Connect's authorization code flow, with PKCE.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::Url;
use serde_json::Value;

use super::fetch::{self, Endpoints, Redeemed};
use super::journey::Journey;
use super::{Issuer, principal};
use crate::access::Principal;
use crate::clock;
use crate::config::OidcClient;
use crate::error::{Error, Kind, Result};

/// From then on the issuer is asked anew where people sign in.
const FRESH: Duration = Duration::from_hours(1);

/// So many may wait for the issuer. More are told to come again: each holds a thread, and anybody can ask.
const WAITING: usize = 8;

/// What an issuer's word is too long at.
const LONGEST_WORD: usize = 60;

/// What somebody brings back from the issuer.
#[derive(Clone, Debug, Default)]
pub struct FromIssuer {
    /// What he was sent with.
    pub state: Option<String>,
    /// What tokens are given for.
    pub code: Option<String>,
    /// Why there is no code.
    pub error: Option<String>,
    /// Who says so.
    pub issuer: Option<String>,
}

/// What is known of where people sign in, and who waits for an answer.
#[derive(Debug, Default)]
pub(super) struct Known {
    endpoints: Mutex<Option<(Endpoints, Instant)>>,
    waiting: AtomicUsize,
}

impl Known {
    /// Does something that the issuer is asked for, unless too many do.
    fn ask<T>(&self, ask: impl FnOnce() -> Result<T>) -> Result<T> {
        let before_us = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _place = Place(&self.waiting);
        if before_us < WAITING { ask() } else { Err(Error::new(Kind::Busy, "too many sign in at once")) }
    }

    fn fresh(&self) -> Option<Endpoints> {
        let known = self.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|(_, since)| since.elapsed() < FRESH).map(|(endpoints, _)| endpoints.clone())
    }
}

/// A place among those who wait, which is given back whatever happens.
struct Place<'w>(&'w AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Issuer {
    /// What the console is for the issuer, if people can sign in there.
    pub(in crate::access) fn client(&self) -> Option<&OidcClient> {
        self.settings.client.as_ref()
    }

    /// The address at the issuer that somebody is sent to, to come back to `redirect`. Blocks while the issuer is asked for
    /// it.
    ///
    /// # Errors
    /// `Busy` if the issuer cannot be asked, `NotFound` if nobody can sign in there.
    pub(in crate::access) fn way_there(&self, visit: &str, redirect: &str) -> Result<String> {
        let client = self.client().ok_or_else(no_client)?;
        let endpoints = self.endpoints()?;
        let journey = Journey::begin(visit, clock::unix_millis());
        let mut url = Url::parse(&endpoints.authorization).map_err(|_| self.unreachable(client))?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &client.id)
            .append_pair("redirect_uri", redirect)
            .append_pair("scope", &client.scopes)
            .append_pair("state", &journey.state)
            .append_pair("nonce", &journey.nonce)
            .append_pair("code_challenge", &journey.challenge())
            .append_pair("code_challenge_method", "S256");
        Ok(url.into())
    }

    /// Who has come back. Blocks while the issuer is asked.
    ///
    /// # Errors
    /// `Forbidden` if he has no business here, in words for him; `Busy` if the issuer cannot be asked.
    pub(in crate::access) fn come_back(&self, visit: &str, answer: &FromIssuer, redirect: &str) -> Result<Principal> {
        let client = self.client().ok_or_else(no_client)?;
        let journey = answer.state.as_deref().and_then(|state| Journey::end(visit, state, clock::unix_millis()));
        let journey = journey.ok_or_else(|| {
            refused("this sign-in was not begun in this browser, or too long ago, or it is over already: begin again")
        })?;
        let endpoints = self.endpoints()?;
        let is_its_own = match &answer.issuer {
            Some(issuer) => *issuer == self.settings.issuer,
            None => !endpoints.signs_answers,
        };
        if !is_its_own {
            tracing::warn!("somebody came back from an issuer that he was not sent to");
            return Err(refused("the answer is not that of the issuer that you were sent to: begin again"));
        }
        if let Some(error) = &answer.error {
            return Err(self.declined(client, error));
        }
        let code = answer.code.as_deref().ok_or_else(|| self.declined(client, "no code"))?;
        let redeemed = self.known.ask(|| fetch::redeem(&self.settings, &endpoints, code, redirect, &journey.verifier));
        match redeemed {
            Ok(Redeemed::Tokens { id, access }) => self.of_tokens(client, &journey.nonce, &id, access.as_deref()),
            Ok(Redeemed::Refused(error)) => Err(self.declined(client, &error)),
            Err(error) => Err(self.silent(client, &error)),
        }
    }

    /// Whom the ID token names, who has the role that the access token gives him here, or else the ID token itself.
    fn of_tokens(&self, client: &OidcClient, nonce: &str, id: &str, access: Option<&str>) -> Result<Principal> {
        let not_good = |what: &str| {
            tracing::warn!(what, "the issuer has given an ID token that is not good");
            let label = &client.label;
            refused(&format!("what {label} says of you cannot be trusted here: begin again, or ask an administrator"))
        };
        let claims = self.claims(id, &client.id).map_err(|error| self.silent(client, &error))?;
        let claims = claims.ok_or_else(|| not_good("signature, issuer, audience or time"))?;
        if claims["nonce"] != nonce {
            return Err(not_good("nonce"));
        }
        let is_for_another = match (&claims["azp"], claims["aud"].as_array()) {
            (Value::Null, Some(several)) => several.len() > 1,
            (Value::Null, None) => false,
            (party, _) => *party != client.id.as_str(),
        };
        if is_for_another {
            return Err(not_good("azp"));
        }
        let mut of_access = None;
        if let Some(access) = access {
            let found = self.claims(access, &self.settings.audience).map_err(|error| self.silent(client, &error))?;
            of_access = found.filter(|found| found["sub"] == claims["sub"]);
        }
        for claims in of_access.iter().chain([&claims]) {
            match principal(&self.settings, claims) {
                Ok(Some(principal)) => return Ok(principal),
                Ok(None) => {}
                Err(error) if error.kind() == Kind::Forbidden => {}
                Err(error) => return Err(error),
            }
        }
        let label = &client.label;
        Err(refused(&format!(
            "{label} knows you, but gives you no role here: ask an administrator for one, then begin again"
        )))
    }

    /// Where people sign in, asked for if it is not known.
    fn endpoints(&self) -> Result<Endpoints> {
        let client = self.client().ok_or_else(no_client)?;
        if let Some(known) = self.known.fresh() {
            return Ok(known);
        }
        let found = self.known.ask(|| fetch::endpoints(&self.settings));
        let found = found.map_err(|error| self.silent(client, &error))?;
        let mut known = self.known.endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        *known = Some((found.clone(), Instant::now()));
        Ok(found)
    }

    /// What is said where the issuer says no.
    fn declined(&self, client: &OidcClient, error: &str) -> Error {
        let is_word = error.len() <= LONGEST_WORD && error.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        let error = if is_word { error } else { "something else" };
        tracing::warn!(issuer = self.settings.issuer, error, "somebody could not sign in at the issuer");
        let label = &client.label;
        refused(&match error {
            "access_denied" | "consent_required" => format!("the sign-in at {label} was declined: begin again"),
            "invalid_grant" => format!("{label} does not know this sign-in, or not any more: begin again"),
            "login_required" | "interaction_required" | "account_selection_required" => {
                format!("{label} has not signed you in: begin again")
            }
            "server_error" | "temporarily_unavailable" => {
                format!("{label} cannot sign anybody in right now: try again in a minute")
            }
            "invalid_client"
            | "unauthorized_client"
            | "invalid_request"
            | "invalid_scope"
            | "unsupported_response_type" => {
                format!(
                    "{label} does not take this console as it is set up ('{error}'): an administrator has to look at [oidc] in \
                     the settings and at what is registered there"
                )
            }
            _ => format!("{label} has not signed you in: begin again, or ask an administrator"),
        })
    }

    /// What is said where the issuer says nothing, or nothing that can be understood.
    fn silent(&self, client: &OidcClient, error: &Error) -> Error {
        tracing::warn!(%error, "the issuer did not answer as it should");
        self.unreachable(client)
    }

    fn unreachable(&self, client: &OidcClient) -> Error {
        let label = &client.label;
        Error::new(
            Kind::Busy,
            format!("{label} does not answer as it should right now: try again in a minute, or use a token"),
        )
    }
}

fn no_client() -> Error {
    Error::not_found("nobody signs in here but with a token")
}

fn refused(said: &str) -> Error {
    Error::new(Kind::Forbidden, said)
}
