//! Secrets: what must never be seen, and how they are stored.
//!
//! A [`Secret`] shows itself to nobody by accident: it has no `Display`, and `Debug` says only that there is one. What
//! is stored of it is sealed with the key of the installation ([`Seal`]). Pure.

use std::fmt;

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::error::{Error, Kind, Result};

/// A text that is shown to nobody.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a text for a secret.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for whoever has to send it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Seals what is stored and must not be read from the database: ChaCha20-Poly1305 with the key of the installation.
pub struct Seal {
    key: LessSafeKey,
}

/// How many bytes a key has.
pub const KEY_LENGTH: usize = 32;

impl Seal {
    /// A seal with this key.
    pub fn new(key: &[u8; KEY_LENGTH]) -> Seal {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).expect("the key has the length that the cipher wants");
        Seal { key: LessSafeKey::new(key) }
    }

    /// The text, sealed. `purpose` says what it is: it is needed to open it, so that one sealed text cannot be put in
    /// the place of another.
    pub fn seal(&self, purpose: &str, text: &str) -> Result<Vec<u8>> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce).map_err(|error| Error::storage("no random numbers could be had", error))?;
        let mut sealed = text.as_bytes().to_vec();
        self.key
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(purpose.as_bytes()), &mut sealed)
            .map_err(|_| Error::internal("a secret could not be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed for this purpose.
    ///
    /// # Errors
    /// `Conflict` if it was sealed with another key or for another purpose, or was changed since.
    pub fn open(&self, purpose: &str, sealed: &[u8]) -> Result<String> {
        let broken = || {
            let message = format!(
                "the {purpose} was sealed with another key than this installation has now: bring the key back, or set \
                 the secret again"
            );
            Error::new(Kind::Conflict, message)
        };
        let (nonce, text) = sealed.split_first_chunk::<NONCE_LEN>().ok_or_else(broken)?;
        let mut text = text.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let text = self.key.open_in_place(nonce, Aad::from(purpose.as_bytes()), &mut text).map_err(|_| broken())?;
        String::from_utf8(text.to_vec()).map_err(|_| broken())
    }
}

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal")
    }
}

#[cfg(test)]
mod tests {
    use super::{Seal, Secret};

    #[test]
    fn what_is_sealed_can_be_opened_with_its_key_and_for_its_purpose_only() {
        let seal = Seal::new(&[7; 32]);
        let sealed = seal.seal("API key", "open sesame").expect("sealed");
        assert_eq!(seal.open("API key", &sealed).expect("opened"), "open sesame");
        assert!(!sealed.windows(6).any(|part| part == b"sesame"));
        assert!(seal.open("access key", &sealed).is_err());
        assert!(Seal::new(&[8; 32]).open("API key", &sealed).is_err());
        assert!(seal.open("API key", &sealed[..20]).is_err());
        assert_ne!(seal.seal("API key", "open sesame").expect("sealed"), sealed);
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        assert_eq!(format!("{:?}", Some(Secret::new("sesame"))), "Some((secret))");
    }
}
