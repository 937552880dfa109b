//! Reading objects one by one and page by page.

use super::Postgres;
use crate::error::Result;
use crate::object::Object;
use crate::repository::{ObjectNumber, ObjectPage, StoredType};

impl Postgres {
    pub(in crate::repository) fn object(&self, stored: &StoredType, id: &str) -> Result<Option<Object>> {
        let _ = (stored, id);
        todo!()
    }

    pub(in crate::repository) fn objects(
        &self,
        stored: &StoredType,
        after: ObjectNumber,
        limit: usize,
    ) -> Result<ObjectPage> {
        let _ = (stored, after, limit);
        todo!()
    }

    pub(in crate::repository) fn object_count(&self, stored: &StoredType) -> Result<u64> {
        let _ = (stored,);
        todo!()
    }

    pub(in crate::repository) fn each_object(
        &self,
        stored: &StoredType,
        each: impl FnMut(Object) -> Result<()>,
    ) -> Result<()> {
        let _ = (stored, each);
        todo!()
    }
}
