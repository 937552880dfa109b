//! Looking for the objects that a filter chooses.

use super::Postgres;
use crate::error::Result;
use crate::filter::Filter;
use crate::object::Visible;
use crate::repository::{FoundPage, ObjectNumber, Search, StoredType};

impl Postgres {
    pub(in crate::repository) fn search(
        &self,
        stored: &StoredType,
        filter: &Filter,
        visible: Visible,
    ) -> Result<Search> {
        let _ = (stored, filter, visible);
        todo!()
    }

    pub(in crate::repository) fn step(
        &self,
        stored: &StoredType,
        search: &Search,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<FoundPage> {
        let _ = (stored, search, after, limit);
        todo!()
    }
}
