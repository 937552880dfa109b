//! Requests with keys, and the imports they became.

use super::Postgres;
use crate::error::Result;
use crate::import::Import;
use crate::repository::{AnsweredRequest, KeyedRequest};

impl Postgres {
    pub(in crate::repository) fn queue_once(&self, imports: &[Import], request: &KeyedRequest) -> Result<()> {
        let _ = (imports, request);
        todo!()
    }

    pub(in crate::repository) fn answered_request(&self, caller: &str, key: &str) -> Result<Option<AnsweredRequest>> {
        let _ = (caller, key);
        todo!()
    }
}
