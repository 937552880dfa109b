//! What went wrong with a bucket, in sentences that say what would help.
//!
//! S3's own words are passed on, which hold no secret: of the rest of its answers, and of our requests, nothing is.

use std::error::Error as StdError;

use opendal::ErrorKind;

use super::{S3, outdated};
use crate::drop_folder::reach::own_error;
use crate::error::{Error, Kind, shown};

/// What we were about to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    List,
    Read,
    Write,
    Delete,
}

impl Doing {
    /// What could not be done, and the right that it needs.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Doing::List => ("listed", "s3:ListBucket"),
            Doing::Read => ("read", "s3:GetObject"),
            Doing::Write => ("written", "s3:PutObject"),
            Doing::Delete => ("deleted", "s3:DeleteObject"),
        }
    }
}

/// What S3 says in an error: its code and its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Said<'a> {
    code: &'a str,
    message: &'a str,
}

impl S3 {
    pub(super) fn failed(&self, doing: Doing, key: &str, error: opendal::Error) -> Error {
        let own = self.credentials.take_failure().or_else(|| own_error(&error));
        own.unwrap_or_else(|| match is_refused_condition(&error) {
            true => outdated(key),
            false => sentence(&self.bucket, &self.path(key), doing, &error),
        })
    }
}

/// Whether a condition on a request was not met.
pub(super) fn is_refused_condition(error: &opendal::Error) -> bool {
    error.kind() == ErrorKind::ConditionNotMatch
}

/// Whether a request asks for more than the server can do.
pub(super) fn is_unsupported(error: &opendal::Error) -> bool {
    error.kind() == ErrorKind::Unsupported || said(error).code == "NotImplemented"
}

fn sentence(bucket: &str, key: &str, doing: Doing, error: &opendal::Error) -> Error {
    let (done, right) = doing.words();
    let said = said(error);
    let quote = said.quote();
    let whole = format!("'{key}' in the bucket '{bucket}' could not be {done}");
    match said.code {
        "InvalidAccessKeyId" | "SignatureDoesNotMatch" | "InvalidToken" | "AuthFailure" | "InvalidSecurity" => {
            forbidden(format!(
                "the bucket '{bucket}' does not accept the access key: check its id and its secret{quote}"
            ))
        }
        "ExpiredToken" | "TokenRefreshRequired" => {
            forbidden(format!("the session of the access key for the bucket '{bucket}' is over: set new keys{quote}"))
        }
        "RequestTimeTooSkewed" => forbidden(format!(
            "the clock of this machine is wrong, and the bucket '{bucket}' does not let us in{quote}"
        )),
        "PermanentRedirect"
        | "TemporaryRedirect"
        | "AuthorizationHeaderMalformed"
        | "IllegalLocationConstraintException" => {
            Error::request(format!("the bucket '{bucket}' lies elsewhere: set its s3.region or s3.endpoint{quote}"))
        }
        "InvalidObjectState" => forbidden(format!("{whole}: it is archived, and must be restored first{quote}")),
        "NoSuchBucket" | "InvalidBucketName" => no_bucket(bucket),
        _ => match error.kind() {
            ErrorKind::PermissionDenied => forbidden(format!("{whole}: allow {right}{quote}")),
            ErrorKind::NotFound if doing == Doing::List => no_bucket(bucket),
            ErrorKind::NotFound => Error::not_found(format!("there is no file '{key}' in the bucket '{bucket}'")),
            ErrorKind::ConfigInvalid | ErrorKind::Unsupported => Error::request(format!("{whole}{quote}")),
            ErrorKind::Unexpected if error.is_permanent() => {
                Error::request(format!("{whole}: the server does not answer as S3 does{quote}"))
            }
            _ => Error::new(Kind::Busy, format!("{whole}{}", if quote.is_empty() { cause(error) } else { quote })),
        },
    }
}

fn forbidden(message: String) -> Error {
    Error::new(Kind::Forbidden, message)
}

fn no_bucket(bucket: &str) -> Error {
    Error::request(format!("there is no bucket '{bucket}': make it, or write its name as it is"))
}

/// What is behind an error of the network.
fn cause(error: &opendal::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    match cause.downcast_ref::<opendal::Error>() {
        Some(error) => format!(" ({})", shown(error.message(), 200)),
        None => format!(" ({})", shown(&cause.to_string(), 200)),
    }
}

impl Said<'_> {
    /// Its words, behind a sentence of ours.
    fn quote(self) -> String {
        match (self.code, self.message) {
            ("", _) => String::new(),
            (code, "") => format!(" (S3 says {})", shown(code, 100)),
            (code, message) => format!(" (S3 says {}: {})", shown(code, 100), shown(message, 300)),
        }
    }
}

/// What S3 says. OpenDAL has it as text only: `S3Error { code: "AccessDenied", message: "Access Denied", ... }`.
fn said(error: &opendal::Error) -> Said<'_> {
    let text = error.message();
    let field = |start: &str, end: &str| text.split_once(start)?.1.split_once(end).map(|(text, _)| text);
    Said {
        code: field("S3Error { code: \"", "\", message: \"").unwrap_or_default(),
        message: field("\", message: \"", "\", resource: \"").unwrap_or_default(),
    }
}
