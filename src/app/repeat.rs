//! Requests that may be repeated: who sends one again with its key gets the same answer, and nothing is queued twice.
//!
//! What was asked is kept as a digest, in the transaction that queues the imports. So it does not matter when a process
//! died: either there are imports and the key is known, or neither.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use blake3::Hasher;

use super::App;
use crate::error::{Error, Result};
use crate::import::ImportId;
use crate::plan::Caller;
use crate::repository::{AnsweredRequest, KeyedRequest};

/// A request that may be repeated.
#[derive(Clone, Debug)]
pub struct Request {
    /// The word by which its sender knows it.
    pub key: String,
    /// What is asked for, besides the files.
    pub asked: String,
}

/// The requests with keys that are being answered now, by caller and key.
#[derive(Debug, Default)]
pub(super) struct UnderWay(Mutex<BTreeSet<(String, String)>>);

/// The right to answer a request with a key in this process; given back when dropped. Other processes may answer it at the
/// same time: what one of them queues first is the answer of all.
pub(super) struct Claim {
    under_way: Arc<UnderWay>,
    caller: String,
    key: String,
    /// Of what was asked and of the files that are whole.
    digest: Hasher,
    /// Of the file that is coming in.
    file: Option<Hasher>,
    answered: Option<AnsweredRequest>,
}

impl Claim {
    /// Takes the right to answer.
    ///
    /// # Errors
    /// `Conflict` while somebody else in this process has it.
    pub(super) fn new(app: &App, caller: &Caller, request: Request) -> Result<Claim> {
        let Request { key, asked } = request;
        let caller = format!("{}/{}", caller.authz_component, caller.auth_id);
        let mut under_way = app.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !under_way.insert((caller.clone(), key.clone())) {
            return Err(Error::conflict(format!("the request with the Idempotency-Key '{key}' is still in progress")));
        }
        drop(under_way);
        let mut digest = Hasher::new();
        digest.update(blake3::hash(asked.as_bytes()).as_bytes());
        let mut claim =
            Claim { under_way: Arc::clone(&app.under_way), caller, key, digest, file: None, answered: None };
        claim.answered = app.repository.answered_request(&claim.caller, &claim.key)?;
        Ok(claim)
    }

    /// Whether a request of this key was answered before.
    pub(super) fn is_repeated(&self) -> bool {
        self.answered.is_some()
    }

    pub(super) fn begin_file(&mut self, filename: &str) {
        self.end_file();
        // Hashed for itself, like every part, so that none can pass for another one.
        self.digest.update(blake3::hash(filename.as_bytes()).as_bytes());
        self.file = Some(Hasher::new());
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        if let Some(file) = &mut self.file {
            file.update(bytes);
        }
    }

    fn end_file(&mut self) {
        if let Some(file) = self.file.take() {
            self.digest.update(file.finalize().as_bytes());
        }
    }

    /// What was answered before, all files being whole.
    ///
    /// # Errors
    /// `Conflict` if that was another request.
    pub(super) fn earlier(&mut self) -> Result<Option<Vec<ImportId>>> {
        let digest = self.request().digest;
        match &self.answered {
            Some(answered) if answered.digest == digest => Ok(Some(answered.imports.clone())),
            Some(_) => {
                let key = &self.key;
                Err(Error::conflict(format!(
                    "the Idempotency-Key '{key}' was used for another request: choose a new one"
                )))
            }
            None => Ok(None),
        }
    }

    /// What another process has answered since this one has the right to, all files being whole.
    ///
    /// # Errors
    /// `Conflict` if that was another request.
    pub(super) fn answered_meanwhile(&mut self, app: &App) -> Result<Option<Vec<ImportId>>> {
        self.answered = app.repository.answered_request(&self.caller, &self.key)?;
        self.earlier()
    }

    /// What is to be known of this request when it is repeated, all files being whole.
    pub(super) fn request(&mut self) -> KeyedRequest {
        self.end_file();
        let digest = *self.digest.finalize().as_bytes();
        KeyedRequest { caller: self.caller.clone(), key: self.key.clone(), digest }
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut under_way = self.under_way.0.lock().unwrap_or_else(PoisonError::into_inner);
        under_way.remove(&(std::mem::take(&mut self.caller), std::mem::take(&mut self.key)));
    }
}
