//! Writing objects one by one, each in a short transaction of its own.

use super::Postgres;
use crate::error::Result;
use crate::object::Object;
use crate::repository::{StoredType, Written};

impl Postgres {
    pub(in crate::repository) fn create_object(
        &self,
        stored: &StoredType,
        id: Option<&str>,
        document: &str,
    ) -> Result<Written> {
        let _ = (stored, id, document);
        todo!()
    }

    pub(in crate::repository) fn replace_object(
        &self,
        stored: &StoredType,
        seen: &Object,
        document: &str,
    ) -> Result<Written> {
        let _ = (stored, seen, document);
        todo!()
    }

    pub(in crate::repository) fn delete_object(&self, stored: &StoredType, seen: &Object) -> Result<Written> {
        let _ = (stored, seen);
        todo!()
    }

    pub(in crate::repository) fn taken(
        &self,
        stored: &StoredType,
        document: &str,
        except: Option<&Object>,
    ) -> Result<Vec<String>> {
        let _ = (stored, document, except);
        todo!()
    }
}
