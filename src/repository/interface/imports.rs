//! Imports, requests that may be repeated, tokens, and who has signed in.

use super::{Repository, hand};
use crate::error::Result;
use crate::failure::{Failure, Wrong, column_named};
use crate::import::{Counts, Import, ImportId, State};
use crate::report::{FailureFilter, FailureGroup, FailuresPage, ImportFilter, ImportsPage, Milestone, Sample};
use crate::repository::{AnsweredRequest, Attempt, KeyedRequest, Spooled};
use crate::schema::TypeName;
use crate::sign_in::SignIn;
use crate::token::{Digest, Token};

impl Repository {
    /// Stores new imports, which wait from now on to be run. All or none.
    pub fn queue(&self, imports: &[Import]) -> Result<()> {
        hand!(self.queue(imports))
    }

    /// The import of this id, if there is one.
    pub fn import(&self, id: ImportId) -> Result<Option<Import>> {
        hand!(self.import(id))
    }

    /// All imports, oldest first.
    pub fn imports(&self) -> Result<Vec<Import>> {
        hand!(self.imports())
    }

    /// Those of the imports of these ids that there are, in any order.
    pub fn imports_of(&self, ids: &[ImportId]) -> Result<Vec<Import>> {
        hand!(self.imports_of(ids))
    }

    /// The imports that are not over, oldest first.
    pub fn open_imports(&self) -> Result<Vec<Import>> {
        hand!(self.open_imports())
    }

    /// How many imports there are in each state, and their counts taken together.
    pub fn import_totals(&self) -> Result<Vec<(String, u64, Counts)>> {
        hand!(self.import_totals())
    }

    /// Up to `limit` imports behind position `after`, oldest first, each with its position. The first position is 1, and
    /// none is given twice.
    pub fn imports_behind(&self, after: i64, limit: usize) -> Result<Vec<(i64, Import)>> {
        hand!(self.imports_behind(after, limit))
    }

    /// The object types that have imports queued, or left running by a process that is no more.
    pub fn waiting_types(&self) -> Result<Vec<TypeName>> {
        hand!(self.waiting_types())
    }

    /// The oldest import of the type that is not over. To be called with the lease of the type: one that is `running`
    /// was then left by a process that is no more.
    pub fn next_import(&self, object_type: &TypeName) -> Result<Option<Import>> {
        hand!(self.next_import(object_type))
    }

    /// Marks an import as running, unless it is over; says whether.
    pub fn start(&self, id: ImportId, attempt: Attempt) -> Result<bool> {
        hand!(self.start(id, attempt))
    }

    /// Notes the names of the columns of an import's file.
    pub fn note_header(&self, id: ImportId, header: &[String]) -> Result<()> {
        hand!(self.note_header(id, header))
    }

    /// Ends an import that waits for its turn, unless it has begun; says whether.
    ///
    /// # Errors
    /// `Busy` if others write for longer than a moment.
    pub fn cancel_queued(&self, id: ImportId) -> Result<bool> {
        hand!(self.cancel_queued(id))
    }

    /// Ends an import with its final counts; one that is over stays as it is.
    pub fn finish(
        &self,
        id: ImportId,
        state: &State,
        counts: Counts,
        warnings: &[String],
        spooled: Spooled,
    ) -> Result<()> {
        hand!(self.finish(id, state, counts, warnings, spooled))
    }

    /// Asks whoever runs the import to stop; it looks once per round. Of several who ask, the first is remembered.
    pub fn cancel(&self, id: ImportId, by: &str) -> Result<()> {
        hand!(self.cancel(id, by))
    }

    /// Removes the cancel mark of an import that is over.
    pub fn forget_cancel(&self, id: ImportId) {
        hand!(self.forget_cancel(id))
    }

    /// Who asked for the import to stop, if anybody did and is known.
    pub fn cancelled_by(&self, id: ImportId) -> Option<String> {
        hand!(self.cancelled_by(id))
    }

    /// Whether somebody asked for the import to stop.
    pub fn is_cancelled(&self, id: ImportId) -> bool {
        hand!(self.is_cancelled(id))
    }

    /// Up to `limit` failures behind row `after`, in the file's order.
    pub fn failures(&self, id: ImportId, after: u64, limit: usize) -> Result<Vec<Failure>> {
        hand!(self.failures(id, after, limit))
    }

    /// Hands the failures of an import, up to `most`, to `each`, in the file's order and as of one moment.
    pub fn each_failure(&self, id: ImportId, most: u64, each: impl FnMut(Failure) -> Result<()>) -> Result<()> {
        hand!(self.each_failure(id, most, each))
    }

    /// Removes the failures of an import for good.
    pub fn purge_failures(&self, id: ImportId) -> Result<()> {
        hand!(self.purge_failures(id))
    }

    /// Notes what was odd about an import and no error: these warnings in the place of those it has.
    pub fn note_warnings(&self, id: ImportId, warnings: &[String]) -> Result<()> {
        hand!(self.note_warnings(id, warnings))
    }

    /// Notes that the spooled file is gone.
    pub fn note_spool_purged(&self, id: ImportId) -> Result<()> {
        hand!(self.note_spool_purged(id))
    }

    /// Removes the record of an import that is over, with its failures, if it still has this revision; says whether.
    /// The objects it wrote stay.
    pub fn delete_import(&self, id: ImportId, revision: u64) -> Result<bool> {
        hand!(self.delete_import(id, revision))
    }

    /// The imports that are over and still keep bytes or failures, oldest first, with the types they are for.
    pub fn imports_to_clean_up(&self) -> Result<Vec<(ImportId, TypeName)>> {
        hand!(self.imports_to_clean_up())
    }

    /// The rows of all failures of an import, in the file's order.
    pub fn failed_rows(&self, id: ImportId) -> Result<Vec<u64>> {
        hand!(self.failed_rows(id))
    }

    /// Stores new imports like [`queue`](Repository::queue), and that this request became them. All or nothing.
    ///
    /// # Errors
    /// `Conflict` if there is one of the same key already.
    pub fn queue_once(&self, imports: &[Import], request: &KeyedRequest) -> Result<()> {
        hand!(self.queue_once(imports, request))
    }

    /// The request that this caller sent with this key, unless none of its imports is known any more.
    pub fn answered_request(&self, caller: &str, key: &str) -> Result<Option<AnsweredRequest>> {
        hand!(self.answered_request(caller, key))
    }

    /// All tokens, oldest first, those that have expired included.
    pub fn tokens(&self) -> Result<Vec<Token>> {
        hand!(self.tokens())
    }

    /// The token whose secret has this digest, unless it has expired.
    pub fn token(&self, digest: &Digest) -> Result<Option<Token>> {
        hand!(self.token(digest))
    }

    /// The token of this id, unless it has expired.
    pub fn token_of_id(&self, id: &str) -> Result<Option<Token>> {
        hand!(self.token_of_id(id))
    }

    /// Stores a new token. One of its name that has expired makes room for it.
    ///
    /// # Errors
    /// `Conflict` if another one has its name or its secret.
    pub fn add_token(&self, token: &Token, digest: &Digest) -> Result<()> {
        hand!(self.add_token(token, digest))
    }

    /// Stores a token, in the place of the one of its name if there is one.
    ///
    /// # Errors
    /// `Conflict` if a token of another name has its secret.
    pub fn put_token(&self, token: &Token, digest: &Digest) -> Result<()> {
        hand!(self.put_token(token, digest))
    }

    /// Removes a token: from now on nobody comes in with it.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn revoke_token(&self, id: &str) -> Result<Token> {
        hand!(self.revoke_token(id))
    }

    /// Who got the secret of this digest when he signed in, if that still counts.
    pub fn sign_in(&self, digest: &Digest) -> Result<Option<SignIn>> {
        hand!(self.sign_in(digest))
    }

    /// Notes that somebody has signed in. Those that do not count any more are removed.
    pub fn add_sign_in(&self, sign_in: &SignIn, digest: &Digest) -> Result<()> {
        hand!(self.add_sign_in(sign_in, digest))
    }

    /// Notes that somebody has signed out.
    pub fn remove_sign_in(&self, digest: &Digest) -> Result<()> {
        hand!(self.remove_sign_in(digest))
    }

    /// Up to `limit` imports that are looked for, in front of position `before` if one is given, the latest first.
    pub fn imports_before(&self, filter: &ImportFilter, before: Option<i64>, limit: usize) -> Result<ImportsPage> {
        hand!(self.imports_before(filter, before, limit))
    }

    /// The failures of an import in groups, the largest first; of those that are equally large, in the order in which they
    /// first came.
    pub fn failure_groups(&self, id: ImportId) -> Result<Vec<FailureGroup>> {
        let mut groups = hand!(self.failure_groups(id))?;
        for first in
            groups.chunk_by_mut(|one, other| (one.failures, one.first_row) == (other.failures, other.first_row))
        {
            if let [one, _, ..] = first
                && let Some(failure) = self.failures(id, one.first_row.saturating_sub(1), 1)?.first()
            {
                first.sort_by_key(|group| {
                    let is_it = |wrong: Wrong<'_>| {
                        wrong.requirement == group.requirement && wrong.property == group.property.as_deref()
                    };
                    failure.wrongs().position(is_it)
                });
            }
        }
        let header = if groups.is_empty() { None } else { self.import(id)?.map(|import| import.header) };
        let header = header.unwrap_or_default();
        for group in groups.iter_mut().filter(|group| group.column.is_none()) {
            let column = group.property.as_ref().and_then(|property| column_named(property, &header));
            group.column = column.map(str::to_owned);
        }
        Ok(groups)
    }

    /// Up to `limit` failures behind row `after` that are looked for, in the file's order.
    ///
    /// It looks at so few failures that it is short; so there may be more also where it found none.
    pub fn failures_of(&self, id: ImportId, filter: &FailureFilter, after: u64, limit: usize) -> Result<FailuresPage> {
        hand!(self.failures_of(id, filter, after, limit))
    }

    /// Some of the records of a dry run that would change an object or make one, in the file's order.
    pub fn samples(&self, id: ImportId) -> Result<Vec<Sample>> {
        hand!(self.samples(id))
    }

    /// How far an import was when, the earliest first.
    pub fn milestones(&self, id: ImportId) -> Result<Vec<Milestone>> {
        hand!(self.milestones(id))
    }
}
