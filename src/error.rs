//! The one error type, and the sentences it says.
//!
//! An [`Error`] knows its kind, its place (file, row, column) and its sentence, and nothing of who will show it: the
//! command line prints it, an import keeps it as a problem, a failures file has it in a cell. Sentences are lower case,
//! put values in single quotes and say what would be right.

mod sentence;

use std::error::Error as StdError;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde_json::{Value, json};

pub use sentence::{beginning, did_you_mean, shown};

/// What nearly everything here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, what it is about, and where.
///
/// One pointer wide, so that a `Result` stays small in the hot loop.
#[derive(Debug)]
pub struct Error(Box<Repr>);

#[derive(Debug)]
struct Repr {
    kind: Kind,
    message: String,
    /// Of a listing: what is wrong, one by one.
    parts: Vec<String>,
    file: Option<String>,
    row: Option<u64>,
    column: Option<String>,
    detail: Option<Value>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The classes of errors that callers act on; everything else is in the sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The file as a whole is refused: damaged, of another encoding, over a limit, or with a header that does not fit.
    File,
    /// One record is refused for its shape or its key.
    Record,
    /// One record, or one object, does not meet its type's policies.
    Policy,
    /// Nobody knows who asks.
    Unauthenticated,
    /// Who asks is known and may not do this.
    Forbidden,
    /// What the caller asked for makes no sense as asked: a parameter, an option, a type definition.
    Request,
    /// The thing named does not exist.
    NotFound,
    /// The thing named is in a state that does not allow this.
    Conflict,
    /// The thing named is not, or no longer, the revision that the caller speaks of.
    Outdated,
    /// What the caller sends is larger than is allowed.
    TooLarge,
    /// Somebody else holds what is needed; trying again later helps.
    Busy,
    /// The machine failed us: disk, repository, memory.
    Storage,
    /// The disk is full.
    NoRoom,
    /// We failed: a broken invariant.
    Internal,
}

impl Kind {
    /// The HTTP status that fits, which is also the `code` of a problem.
    pub fn code(self) -> u16 {
        match self {
            Kind::File | Kind::Record | Kind::Request => 400,
            Kind::Unauthenticated => 401,
            Kind::Policy | Kind::Forbidden => 403,
            Kind::NotFound => 404,
            Kind::Conflict => 409,
            Kind::Outdated => 412,
            Kind::TooLarge => 413,
            Kind::Busy => 503,
            Kind::Storage | Kind::Internal => 500,
            Kind::NoRoom => 507,
        }
    }

    /// The `reason` of a problem.
    pub fn reason(self) -> &'static str {
        reason(self.code())
    }

    /// Whether the same may go well another time: what the data, a request or a missing right is to blame for does not.
    pub fn may_pass(self) -> bool {
        matches!(self, Kind::Busy | Kind::Storage | Kind::NoRoom | Kind::Internal)
    }

    /// Whether the data is at fault, rather than the operator or we.
    pub fn is_data(self) -> bool {
        matches!(self, Kind::File | Kind::Record | Kind::Policy)
    }
}

/// PingIDM's phrase for a status, which is not always HTTP's.
pub(crate) fn reason(code: u16) -> &'static str {
    match code {
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        408 => "Request Time-out",
        409 => "Conflict",
        410 => "Gone",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        415 => "Unsupported Media Type",
        428 => "Precondition Required",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        503 => "Service Unavailable",
        504 => "Gateway Time-out",
        _ => "Resource Exception",
    }
}

impl Error {
    /// An error of this kind, with its sentence and no place yet.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error(Box::new(Repr {
            kind,
            message: message.into(),
            parts: Vec::new(),
            file: None,
            row: None,
            column: None,
            detail: None,
            source: None,
        }))
    }

    /// An error that is several things at once: what they are wrong with, and each of them.
    pub fn listing(kind: Kind, head: impl Into<String>, parts: Vec<String>) -> Error {
        let mut error = Error::new(kind, head);
        error.0.parts = parts;
        error
    }

    /// The file as a whole is refused.
    pub fn file(message: impl Into<String>) -> Error {
        Error::new(Kind::File, message)
    }

    /// A record is refused for its shape or its key.
    pub fn record(message: impl Into<String>) -> Error {
        Error::new(Kind::Record, message)
    }

    /// What was asked for makes no sense as asked.
    pub fn request(message: impl Into<String>) -> Error {
        Error::new(Kind::Request, message)
    }

    /// The thing named does not exist.
    pub fn not_found(message: impl Into<String>) -> Error {
        Error::new(Kind::NotFound, message)
    }

    /// The thing named is in a state that does not allow this.
    pub fn conflict(message: impl Into<String>) -> Error {
        Error::new(Kind::Conflict, message)
    }

    /// We failed.
    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(Kind::Internal, message)
    }

    /// An error of the machine, with what we were doing when it happened.
    pub fn storage(doing: impl fmt::Display, source: impl StdError + Send + Sync + 'static) -> Error {
        Error::caused(Kind::Storage, doing, source)
    }

    /// The disk is full, with what we were doing when it was.
    pub fn no_room(doing: impl fmt::Display, source: impl StdError + Send + Sync + 'static) -> Error {
        Error::caused(Kind::NoRoom, doing, source)
    }

    fn caused(kind: Kind, doing: impl fmt::Display, source: impl StdError + Send + Sync + 'static) -> Error {
        let mut error = Error::new(kind, format!("{doing}: {source}"));
        error.0.source = Some(Box::new(source));
        error
    }

    /// Keeps what caused it; the sentence stays as it is.
    pub(crate) fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Error {
        self.0.source = Some(Box::new(source));
        self
    }

    /// Names the file, unless it is named already.
    pub fn in_file(mut self, file: impl Into<String>) -> Error {
        self.0.file.get_or_insert_with(|| file.into());
        self
    }

    /// Names the row as a spreadsheet shows it: the header is row 1.
    pub fn at_row(mut self, row: u64) -> Error {
        self.0.row.get_or_insert(row);
        self
    }

    /// Names the column, unless it is named already.
    pub fn at_column(mut self, column: impl Into<String>) -> Error {
        self.0.column.get_or_insert_with(|| column.into());
        self
    }

    /// Adds machine-readable detail, shown in problems and `_importError`.
    pub fn with_detail(mut self, detail: Value) -> Error {
        self.0.detail = Some(detail);
        self
    }

    /// The machine-readable detail, if there is some.
    pub fn detail(&self) -> Option<&Value> {
        self.0.detail.as_ref()
    }

    /// The class of the error.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The sentence, without the place; of a listing what is in front of its parts.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The parts of a listing, for whoever shows them one below the other, with what is to be said in front of them.
    pub fn parts(&self) -> Option<(String, &[String])> {
        let parts = self.0.parts.as_slice();
        (!parts.is_empty()).then(|| (format!("{}{}", self.place(), self.0.message), parts))
    }

    /// The row it is about, as a spreadsheet shows it.
    pub fn row(&self) -> Option<u64> {
        self.0.row
    }

    /// The column it is about.
    pub fn column(&self) -> Option<&str> {
        self.0.column.as_deref()
    }

    /// What stands in front of the sentence: `users.csv, row 17: `.
    fn place(&self) -> String {
        let Repr { file, row, column, .. } = &*self.0;
        let mut place = Vec::with_capacity(3);
        place.extend(file.clone());
        place.extend(row.map(|row| format!("row {row}")));
        place.extend(column.as_ref().map(|column| format!("column '{column}'")));
        if place.is_empty() { String::new() } else { format!("{}: ", place.join(", ")) }
    }

    /// The problem: `{code, reason, message, detail}` in that order, `detail` only when there is some. The message
    /// carries the place, so that it can be read alone.
    pub fn problem(&self) -> Value {
        let mut problem = json!({
            "code": self.kind().code(),
            "reason": self.kind().reason(),
            "message": self.to_string(),
        });
        if let Some(detail) = &self.0.detail {
            problem["detail"] = detail.clone();
        }
        problem
    }
}

/// Does `work`, of which a panic is an error like any other: nothing of it was committed, and it is done again.
///
/// # Errors
/// `Internal` after a panic, which says that `what` has failed; else what the work says.
pub fn unpanicked<T>(what: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
    let done = catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| Err(Error::internal(format!("{what} failed in a way that it should not"))))
}

/// Whether there is no room for more.
pub(crate) fn is_full(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded | std::io::ErrorKind::FileTooLarge
    )
}

/// The error about bytes that could not be written.
pub(crate) fn unwritten(doing: &str, error: std::io::Error) -> Error {
    if is_full(&error) { Error::no_room(doing, error) } else { Error::storage(doing, error) }
}

/// The sentence with its place in front: `users.csv, row 17, column 'score': 'abc' is not a number`.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.place(), self.0.message)?;
        match self.0.parts.as_slice() {
            [] => Ok(()),
            parts => write!(f, ": {}", parts.join("; ")),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as &(dyn StdError + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::{Error, Kind};

    #[test]
    fn a_listing_is_one_sentence_or_a_list() {
        let parts = ["column 2 has no name", "missing column 'id'"].map(str::to_owned);
        let error = Error::listing(Kind::File, "the header does not fit", parts.to_vec()).at_row(1);
        let sentence = "row 1: the header does not fit: column 2 has no name; missing column 'id'";
        assert_eq!(error.to_string(), sentence);
        assert_eq!(error.problem()["message"], sentence);
        assert_eq!(error.parts(), Some(("row 1: the header does not fit".to_owned(), parts.as_slice())));
        assert_eq!(Error::request("no list").parts(), None);
    }
}
