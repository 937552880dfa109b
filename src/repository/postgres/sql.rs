//! Calls into the driver's values, and its errors turned into ours.

use postgres::Row;
use postgres::error::SqlState;
use postgres::types::FromSqlOwned;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{Error, Kind, Result};

/// What a failed statement means for who asked.
pub(super) fn failed(doing: &str, error: postgres::Error) -> Error {
    match error.code() {
        Some(&(SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED)) => {
            Error::new(Kind::Busy, "the repository is busy; try again in a few seconds")
        }
        Some(&SqlState::DISK_FULL) => Error::no_room("the disk of the database is full", error),
        _ => Error::storage(format_args!("the repository failed at '{}'", doing.trim()), error),
    }
}

pub(super) fn get<T: FromSqlOwned>(row: &Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(|error| failed("reading a stored value", error))
}

pub(super) fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map_err(|error| Error::storage("a value could not be written as JSON", error))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|error| Error::storage("a stored value is not the JSON it should be", error))
}

/// A stored digest.
pub(super) fn digest(stored: Vec<u8>) -> Result<[u8; 32]> {
    stored.try_into().map_err(|_| Error::internal("a stored digest has not 32 bytes"))
}

/// Whether a text can be stored as it is, and so found: the server has none with a NUL.
pub(super) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}
