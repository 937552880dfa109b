//! Calls into the driver's values, and its errors turned into ours.

use std::error::Error as StdError;
use std::fmt;
use std::io;

use postgres::Row;
use postgres::error::SqlState;
use postgres::types::FromSqlOwned;

use crate::error::{Error, Kind, Result};
pub(super) use crate::repository::stored::{from_json, to_json};

/// What the server or the driver said, in full; it is the source of our error.
#[derive(Debug)]
struct Said(postgres::Error);

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(said) = self.0.as_db_error() {
            return write!(f, "{} (SQLSTATE {})", said.message(), said.code().code());
        }
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl StdError for Said {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

/// What a failed statement means for who asked.
pub(super) fn failed(doing: &str, error: postgres::Error) -> Error {
    match error.code() {
        Some(&(SqlState::LOCK_NOT_AVAILABLE | SqlState::QUERY_CANCELED | SqlState::TOO_MANY_CONNECTIONS)) => {
            busy().caused_by(Said(error))
        }
        Some(&SqlState::DISK_FULL) => Error::no_room("the disk of the database is full", Said(error)),
        _ => Error::storage(format_args!("the repository failed at '{}'", doing.trim()), Said(error)),
    }
}

/// The server could not be reached at all.
pub(super) fn unreachable(error: postgres::Error) -> Error {
    match error.code() {
        Some(&SqlState::TOO_MANY_CONNECTIONS) => busy().caused_by(Said(error)),
        _ => Error::storage("the repository could not be reached", Said(error)),
    }
}

pub(super) fn busy() -> Error {
    Error::new(Kind::Busy, "the repository is busy; try again in a few seconds")
}

/// What the server said about a failed statement.
pub(super) fn code(error: &Error) -> Option<&SqlState> {
    said(error)?.code()
}

/// Whether a value that must be there once is there already.
pub(super) fn is_taken(error: &Error) -> bool {
    code(error) == Some(&SqlState::UNIQUE_VIOLATION)
}

/// Whether the same transaction, made again, may well meet nobody, or find the server back.
pub(super) fn is_passing(error: &Error) -> bool {
    said(error).is_some_and(|said| is_loss(said) || meets_others(said))
}

/// Whether the server itself does not know what became of the statement.
pub(super) fn is_in_doubt(error: &Error) -> bool {
    code(error) == Some(&SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN)
}

/// Whether the connection is good for nothing any more.
pub(super) fn is_loss(error: &postgres::Error) -> bool {
    let Some(said) = error.as_db_error() else {
        let mut cause = error.source();
        while let Some(error) = cause {
            if error.is::<io::Error>() {
                return true;
            }
            cause = error.source();
        }
        return error.is_closed();
    };
    let code = said.code();
    let lost = [
        &SqlState::ADMIN_SHUTDOWN,
        &SqlState::CRASH_SHUTDOWN,
        &SqlState::CANNOT_CONNECT_NOW,
        &SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT,
        // The server behind the address is no longer the one that is written to.
        &SqlState::READ_ONLY_SQL_TRANSACTION,
        // What was prepared is gone, or no longer fits tables that a newer program has changed.
        &SqlState::INVALID_SQL_STATEMENT_NAME,
    ];
    let outdated = *code == SqlState::FEATURE_NOT_SUPPORTED && said.message().contains("cached plan");
    outdated || code.code().starts_with("08") || code.code() == IDLE_SESSION_TIMEOUT || lost.contains(&code)
}

/// The driver has no name for it.
const IDLE_SESSION_TIMEOUT: &str = "57P05";

/// Whether a statement failed because of what others were doing.
fn meets_others(error: &postgres::Error) -> bool {
    let others = [
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::TOO_MANY_CONNECTIONS,
    ];
    error.code().is_some_and(|code| others.contains(code))
}

fn said(error: &Error) -> Option<&postgres::Error> {
    let Said(said) = error.source()?.downcast_ref()?;
    Some(said)
}

pub(super) fn get<T: FromSqlOwned>(row: &Row, column: usize) -> Result<T> {
    row.try_get(column).map_err(|error| failed("reading a stored value", error))
}

/// A stored digest.
pub(super) fn digest(stored: Vec<u8>) -> Result<[u8; 32]> {
    stored.try_into().map_err(|_| Error::internal("a stored digest has not 32 bytes"))
}

/// Whether a text can be stored as it is, and so found: the server has none with a NUL.
pub(super) fn is_storable(text: &str) -> bool {
    !text.contains('\0')
}
