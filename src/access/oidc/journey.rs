//! The way of somebody to the issuer and back. Pure.
//!
//! All that has to be known when he comes back is worked out from the secret of his visit, which only his browser has, and
//! from the `state` that he brings along. So any process can answer him, nothing is kept for those who never come back,
//! and what was begun in one browser ends in no other.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::{SHA256, digest};

/// So long somebody may take to sign in there, in milliseconds.
const LONGEST: u64 = 30 * 60 * 1000;

/// See the module's head.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Journey {
    /// What is sent along and comes back.
    pub(super) state: String,
    /// What the ID token has to have.
    pub(super) nonce: String,
    /// What the code is redeemed with (PKCE).
    pub(super) verifier: String,
}

impl Journey {
    /// One that begins now, in milliseconds since 1970.
    pub(super) fn begin(visit: &str, now: u64) -> Journey {
        let seal = sealed("rollbook 2026-11 state of a journey to an issuer", visit, now);
        Journey {
            state: format!("{now}.{seal}"),
            nonce: sealed("rollbook 2026-11 nonce of a journey to an issuer", visit, now),
            verifier: sealed("rollbook 2026-11 verifier of a journey to an issuer", visit, now),
        }
    }

    /// The one that ends with this state, if it was begun with this visit and not too long ago.
    pub(super) fn end(visit: &str, state: &str, now: u64) -> Option<Journey> {
        let (begun, _) = state.split_once('.')?;
        let begun = begun.parse().ok()?;
        let journey = Journey::begin(visit, begun);
        let is_in_time = begun <= now && now - begun <= LONGEST;
        // Of the hashes, so that how long it takes says nothing.
        let is_the_same = blake3::hash(journey.state.as_bytes()) == blake3::hash(state.as_bytes());
        (is_in_time && is_the_same && !visit.is_empty()).then_some(journey)
    }

    /// What the issuer gets of the verifier.
    pub(super) fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(digest(&SHA256, self.verifier.as_bytes()))
    }
}

fn sealed(context: &str, visit: &str, begun: u64) -> String {
    let key = blake3::derive_key(context, visit.as_bytes());
    blake3::keyed_hash(&key, begun.to_string().as_bytes()).to_hex().to_string()
}

#[cfg(test)]
mod tests {
    use super::{Journey, LONGEST};

    #[test]
    fn it_ends_where_it_was_begun_and_in_time() {
        let visit = "a visit";
        let begun = Journey::begin(visit, 1000);
        let end = |visit: &str, state: &str, now| Journey::end(visit, state, now);
        assert_eq!(end(visit, &begun.state, 1000 + LONGEST).as_ref(), Some(&begun));
        assert_eq!(end(visit, &begun.state, 1001 + LONGEST), None, "too late");
        assert_eq!(end(visit, &begun.state, 999), None, "before it was begun");
        assert_eq!(end("another visit", &begun.state, 1000), None);
        assert_eq!(end("", &Journey::begin("", 1000).state, 1000), None);
        let (_, seal) = begun.state.split_once('.').expect("two parts");
        let others = [String::new(), ".".to_owned(), format!("1001.{seal}"), format!("01000.{seal}")];
        let more = [format!("{}.x", begun.state), begun.state.to_uppercase(), seal.to_owned()];
        for state in others.iter().chain(&more) {
            assert_eq!(end(visit, state, 1001), None, "{state}");
        }
        assert!(begun.verifier.len() == 64 && begun.nonce != begun.verifier);
        assert_ne!(begun.nonce, Journey::begin(visit, 1001).nonce);
    }

    /// That of RFC 7636, appendix B.
    #[test]
    fn the_challenge_is_that_of_the_standard() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_owned();
        let journey = Journey { verifier, ..Journey::begin("v", 0) };
        assert_eq!(journey.challenge(), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
