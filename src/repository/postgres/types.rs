//! Object types and their key indexes.

use serde_json::Value;

use super::Postgres;
use crate::error::Result;
use crate::repository::StoredType;
use crate::schema::TypeName;

impl Postgres {
    pub(in crate::repository) fn object_types(&self) -> Result<Vec<StoredType>> {
        todo!()
    }

    pub(in crate::repository) fn object_type(&self, name: &TypeName) -> Result<Option<StoredType>> {
        let _ = (name,);
        todo!()
    }

    pub(in crate::repository) fn apply_types(&self, definitions: &[Value]) -> Result<Vec<(StoredType, Vec<String>)>> {
        let _ = (definitions,);
        todo!()
    }

    pub(in crate::repository) fn apply_type_if(
        &self,
        definition: &Value,
        allows: impl FnOnce(Option<&StoredType>) -> Result<()>,
    ) -> Result<(StoredType, Vec<String>)> {
        let _ = (definition, allows);
        todo!()
    }

    pub(in crate::repository) fn prepare_type(
        &self,
        name: &TypeName,
        columns: &[String],
        correlation: &[String],
    ) -> Result<StoredType> {
        let _ = (name, columns, correlation);
        todo!()
    }
}
