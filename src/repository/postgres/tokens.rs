//! Access tokens, of which only the digest of the secret is stored.

use super::Postgres;
use crate::error::Result;
use crate::token::{Digest, Token};

impl Postgres {
    pub(in crate::repository) fn tokens(&self) -> Result<Vec<Token>> {
        todo!()
    }

    pub(in crate::repository) fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        let _ = (digest,);
        todo!()
    }

    pub(in crate::repository) fn add_token(&self, token: &Token, digest: &Digest) -> Result<()> {
        let _ = (token, digest);
        todo!()
    }

    pub(in crate::repository) fn put_token(&self, token: &Token, digest: &Digest) -> Result<()> {
        let _ = (token, digest);
        todo!()
    }

    pub(in crate::repository) fn revoke_token(&self, id: &str) -> Result<Token> {
        let _ = (id,);
        todo!()
    }
}
